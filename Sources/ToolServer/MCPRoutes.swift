internal import HTTPTypes
internal import Hummingbird
internal import JSONDocuments
internal import NIOCore
internal import ToolGateway

/// An MCP server over streamable HTTP, without sessions: one request, one answer. Behind it stand all the configured tools, be
/// they of other MCP servers or not; every call passes the same gateway.
///
/// Source: Model Context Protocol 2025-06-18, "Base protocol" and "Tools".
struct MCPRoutes: Sendable {
    private let gateway: ToolGateway
    private let clients: ToolClients
    private static let versions = ["2025-11-25", "2025-06-18", "2025-03-26"]
    private static let maximumMessage = 8 << 20

    init(_ gateway: ToolGateway, _ clients: ToolClients) {
        self.gateway = gateway
        self.clients = clients
    }

    func add(to router: Router<BasicRequestContext>) {
        router.post("mcp") { request, _ in await answer(request) }
        // No stream of the server's own, and no session to end.
        router.get("mcp") { _, _ in Self.notAllowed }
        router.delete("mcp") { _, _ in Self.notAllowed }
    }

    private static var notAllowed: Response {
        var response = Response.refusal(.methodNotAllowed, "method_not_allowed", "POST a JSON-RPC message")
        response.headers[.allow] = "POST"
        return response
    }

    private func answer(_ request: Request) async -> Response {
        guard let body = await request.collect(upTo: Self.maximumMessage) else {
            return Self.error(nil, -32600, "the message is too large, or not whole", status: .contentTooLarge)
        }
        guard let message = try? JSONDocument(parsing: body) else { return Self.error(nil, -32700, "not JSON", status: .badRequest) }
        guard case .object = message, message["jsonrpc"] == .string("2.0") else {
            return Self.error(nil, -32600, "not one JSON-RPC 2.0 message", status: .badRequest)
        }
        guard case .string(let method)? = message["method"] else {
            // An answer to something that was never asked.
            return Response(status: .accepted)
        }
        guard let id = message["id"] else { return Response(status: .accepted) }
        switch id {
        case .string, .number: break
        default: return Self.error(nil, -32600, "the id is neither text nor number", status: .badRequest)
        }
        let parameters = message["params"] ?? .object([:])
        switch method {
        case "initialize": return Self.result(id, Self.initialization(parameters))
        case "ping": return Self.result(id, .object([:]))
        case "tools/list": return await list(id, request)
        case "tools/call": return await call(id, parameters, request)
        default: return Self.error(id, -32601, "there is no such method here")
        }
    }

    private static func initialization(_ parameters: JSONDocument) -> JSONDocument {
        let wanted = versions.first { parameters["protocolVersion"] == .string($0) }
        return .object([
            "protocolVersion": .string(wanted ?? versions[0]),
            "capabilities": .object(["tools": .object(["listChanged": .bool(false)])]),
            "serverInfo": .object(["name": .string("outrigger"), "version": .string("1")]),
        ])
    }

    // MARK: tools

    private func list(_ id: JSONDocument, _ request: Request) async -> Response {
        guard let tools = gateway.tools(of: request.runToken) else {
            return Self.error(id, -32001, "no run under way has this token; send the X-Outrigger-Run-Token of the request that you answer")
        }
        var definitions: [JSONDocument] = []
        for name in tools.names {
            guard let target = clients.target(name) else { continue }
            var definition = JSONObject([])
            if case .mcp(let upstreamName) = target.kind,
                case .object(let found)? = await clients.session(target).tools(mayAsk: tools.mayAsk)[upstreamName]
            {
                definition = found
            }
            definition = definition.setting("name", to: .string(name))
            if let description = target.description { definition = definition.setting("description", to: .string(description)) }
            if let schema = target.schema { definition = definition.setting("inputSchema", to: schema) }
            if definition["inputSchema"] == nil {
                definition = definition.setting("inputSchema", to: .object(["type": .string("object")]))
            }
            definitions.append(.object(definition))
        }
        return Self.result(id, .object(["tools": .array(definitions)]))
    }

    private func call(_ id: JSONDocument, _ parameters: JSONDocument, _ request: Request) async -> Response {
        guard case .string(let name)? = parameters["name"] else { return Self.error(id, -32602, "params.name is missing") }
        var claims = [request.traceParents]
        if let claim = parameters["_meta"]?["traceparent"] {
            if case .string(let text) = claim { claims.append([text]) } else { claims.append([""]) }
        }
        let reply = await gateway.call(
            ToolRequest(
                token: request.runToken, traceParents: claims, tool: String(name.prefix(ToolRoutes.maximumName)),
                arguments: parameters["arguments"]?.canonicalBytes))
        return Self.result(id, Self.callToolResult(reply))
    }

    /// A refusal is a result with `isError`, which a model is shown: it can do something else then.
    private static func callToolResult(_ reply: ToolReply) -> JSONDocument {
        switch reply {
        case .answered(let answer, _):
            if let whole = answer.callToolResult { return whole }
            let text = if case .string(let text) = answer.content { text } else { answer.content.text }
            var result = JSONObject([
                .init(key: "content", value: .array([.object(["type": .string("text"), "text": .string(text)])])),
                .init(key: "isError", value: .bool(!answer.success)),
            ])
            if case .object = answer.content, answer.success { result = result.setting("structuredContent", to: answer.content) }
            return .object(result)
        case .failed(let failure): return error(failure.message, "outrigger/failed", failure.kind.rawValue)
        case .refused(let refusal): return error(refusal.message, "outrigger/refused", refusal.reason)
        }
    }

    private static func error(_ message: String, _ key: String, _ reason: String) -> JSONDocument {
        .object([
            "content": .array([.object(["type": .string("text"), "text": .string(message)])]), "isError": .bool(true),
            "_meta": .object(JSONObject([.init(key: key, value: .string(reason))])),
        ])
    }

    // MARK: JSON-RPC

    private static func result(_ id: JSONDocument, _ result: JSONDocument) -> Response {
        .json(.object(["jsonrpc": .string("2.0"), "id": id, "result": result]))
    }

    private static func error(_ id: JSONDocument?, _ code: Int, _ message: String, status: HTTPResponse.Status = .ok) -> Response {
        .json(
            .object([
                "jsonrpc": .string("2.0"), "id": id ?? .null,
                "error": .object(["code": .integer(code), "message": .string(message)]),
            ]), status: status)
    }
}
