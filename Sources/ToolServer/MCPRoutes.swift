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
    private let hangUps: HangUps
    private let calls = MCPCalls()
    private static let versions = ["2025-11-25", "2025-06-18", "2025-03-26"]

    init(_ gateway: ToolGateway, _ clients: ToolClients, _ hangUps: HangUps) {
        self.gateway = gateway
        self.clients = clients
        self.hangUps = hangUps
    }

    func add(to router: Router<ToolContext>) {
        router.post("mcp") { request, context in await answer(request, context) }
        // No stream of the server's own, and no session to end.
        router.get("mcp") { _, _ in Self.notAllowed }
        router.delete("mcp") { _, _ in Self.notAllowed }
    }

    private static var notAllowed: Response {
        var response = Response.refusal(.methodNotAllowed, "method_not_allowed", "POST a JSON-RPC message")
        response.headers[.allow] = "POST"
        return response
    }

    /// Room for the largest arguments that a tool takes, and for what stands around them.
    private var maximumMessage: Int { (gateway.runs.settings.tools.values.map(\.maximumArguments).max() ?? 0) + 1 << 20 }

    private func answer(_ request: Request, _ context: ToolContext) async -> Response {
        let body: [UInt8]
        switch await request.collect(upTo: maximumMessage) {
        case .whole(let bytes): body = bytes
        case .cutOff: return Self.error(nil, -32700, "the message did not come whole", status: .badRequest)
        case .tooLarge:
            // Which tool it was for is not known; it is counted and recorded as a call of none.
            var call = ToolRequest(token: request.runToken, traceParents: [request.traceParents], tool: "", arguments: nil)
            call.isTooLarge = true
            _ = await gateway.call(call)
            var response = Self.error(nil, -32600, "the message has more bytes than are taken", status: .contentTooLarge)
            response.closes(context.channel)
            return response
        }
        guard let message = try? JSONDocument(parsing: body) else { return Self.error(nil, -32700, "not JSON", status: .badRequest) }
        guard case .object = message, message["jsonrpc"] == .string("2.0") else {
            return Self.error(nil, -32600, "not one JSON-RPC 2.0 message", status: .badRequest)
        }
        guard case .string(let method)? = message["method"] else {
            // An answer to something that was never asked.
            return Response(status: .accepted)
        }
        guard let id = message["id"] else {
            if method == "notifications/cancelled", let id = message["params"]?["requestId"] { calls.cancel(request.runToken, id) }
            return Response(status: .accepted)
        }
        switch id {
        case .string, .number: break
        default: return Self.error(nil, -32600, "the id is neither text nor number", status: .badRequest)
        }
        let parameters = message["params"] ?? .object([:])
        switch method {
        case "initialize": return Self.result(id, Self.initialization(parameters))
        case "ping": return Self.result(id, .object([:]))
        case "tools/list": return await list(id, request)
        case "tools/call": return await call(id, parameters, request, context)
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
        let targets = tools.names.compactMap { name in clients.target(name).map { (name, $0) } }
        let known = await clients.definitions(targets.map(\.1), mayAsk: tools.mayAsk)
        let definitions = targets.map { name, target in
            var definition = JSONObject([.init(key: "name", value: .string(name))])
            if case .object(let found)? = known[target] { definition = JSONObject(definition.members + found.members) }
            // What the release pins is what its agent is shown.
            let release = tools.release?.tools[name]
            if let text = release?.description ?? target.description { definition = definition.setting("description", to: .string(text)) }
            if let schema = release?.schema ?? target.schema { definition = definition.setting("inputSchema", to: schema) }
            if definition["inputSchema"] == nil {
                definition = definition.setting("inputSchema", to: .object(["type": .string("object")]))
            }
            return JSONDocument.object(definition)
        }
        return Self.result(id, .object(["tools": .array(definitions)]))
    }

    private func call(_ id: JSONDocument, _ parameters: JSONDocument, _ request: Request, _ context: ToolContext) async -> Response {
        guard case .string(let name)? = parameters["name"] else { return Self.error(id, -32602, "params.name is missing") }
        var claims = [request.traceParents]
        if let claim = parameters["_meta"]?["traceparent"] {
            if case .string(let text) = claim { claims.append([text]) } else { claims.append([""]) }
        }
        let call = ToolRequest(
            token: request.runToken, traceParents: claims, tool: ToolRoutes.kept(name), arguments: parameters["arguments"]?.canonicalBytes)
        let task = Task { await gateway.call(call) }
        let place = calls.begin(request.runToken, id, task)
        defer { calls.end(place) }
        return Self.result(id, Self.callToolResult(await hangUps.value(of: task, from: context.channel)))
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
