internal import AgentRuns
internal import HTTPTypes
internal import Hummingbird
internal import JSONDocuments
internal import NIOCore
internal import ToolGateway

/// `POST /tools/NAME` with the arguments as JSON, answered as `outrigger replay` answers tool calls.
struct ToolRoutes: Sendable {
    private let gateway: ToolGateway
    /// A longer name is no tool's.
    static let maximumName = 128

    init(_ gateway: ToolGateway) { self.gateway = gateway }

    func add(to router: Router<BasicRequestContext>) {
        router.get("tools") { request, _ in list(request) }
        router.post("tools/:name") { request, context in try await call(request, context.parameters.require("name")) }
    }

    private func list(_ request: Request) -> Response {
        guard let tools = gateway.tools(of: request.runToken) else {
            return .refusal(.unauthorized, "unknown_run", "no run under way has this token")
        }
        return .json(.object(["tools": .array(tools.names.map { .string($0) })]))
    }

    private func call(_ request: Request, _ name: String) async throws -> Response {
        // Names are compared as they stand in the path: none that is configured needs an escape.
        let limit = gateway.runs.settings.tools[name]?.maximumArguments ?? 1 << 20
        let body = await request.collect(upTo: limit)
        var call = ToolRequest(
            token: request.runToken, traceParents: [request.traceParents], tool: String(name.prefix(Self.maximumName)),
            arguments: body)
        call.isTooLarge = body == nil
        var response = Response.reply(await gateway.call(call))
        // The rest of such a body is not read.
        if call.isTooLarge { response.headers[.connection] = "close" }
        return response
    }
}

extension HTTPField.Name {
    static let runToken = HTTPField.Name("X-Outrigger-Run-Token")
    static let traceParent = HTTPField.Name("traceparent")
}

extension Request {
    /// Two tokens are none: nobody knows which is meant.
    var runToken: String? {
        guard let name = HTTPField.Name.runToken else { return nil }
        let values = headers[values: name]
        return values.count == 1 ? values[0] : nil
    }

    var traceParents: [String] { HTTPField.Name.traceParent.map { headers[values: $0] } ?? [] }

    /// - Returns: nil when there is more than that, or when it does not come whole.
    func collect(upTo limit: Int) async -> [UInt8]? {
        if let length = headers[.contentLength].flatMap({ Int($0) }), length > limit { return nil }
        guard let buffer = try? await body.collect(upTo: limit) else { return nil }
        return Array(buffer.readableBytesView)
    }
}

extension Response {
    static func json(_ document: JSONDocument, status: HTTPResponse.Status = .ok) -> Response {
        var bytes: [UInt8] = []
        document.append(to: &bytes)
        bytes.append(UInt8(ascii: "\n"))
        var headers = HTTPFields()
        headers[.contentType] = "application/json"
        headers[.cacheControl] = "no-store"
        return Response(status: status, headers: headers, body: .init(byteBuffer: ByteBuffer(bytes: bytes)))
    }

    static func refusal(_ status: HTTPResponse.Status, _ reason: String, _ message: String, retryAfter: Duration? = nil) -> Response {
        var response = json(
            .object(["success": .bool(false), "error": .string(message), "refused": .string(reason)]), status: status)
        if let retryAfter { response.headers[.retryAfter] = String(max(1, retryAfter.components.seconds + (retryAfter.components.attoseconds > 0 ? 1 : 0))) }
        return response
    }

    static func reply(_ reply: ToolReply) -> Response {
        switch reply {
        case .answered(let answer, _):
            return json(.object(["success": .bool(answer.success), answer.success ? "result" : "error": answer.content]))
        case .failed(let failure):
            return json(
                .object(["success": .bool(false), "error": .string(failure.message), "failed": .string(failure.kind.rawValue)]),
                status: failure.kind == .timeout ? .gatewayTimeout : .badGateway)
        case .refused(let refusal):
            return .refusal(refusal.status, refusal.reason, refusal.message, retryAfter: refusal.retryAfter)
        }
    }
}

extension ToolRefusal {
    fileprivate var status: HTTPResponse.Status {
        switch verdict {
        case nil: .unauthorized
        case .unknownTool: .notFound
        case .badArguments: .unprocessableContent
        case .tooLarge: .contentTooLarge
        case .runOver: .gone
        case .noBaselineAnswer: .conflict
        case .rateLimited, .budgetSpent: .tooManyRequests
        case .overloaded, .unrecorded: .serviceUnavailable
        case .notAllowed, .traceMismatch, .fenced, .allowed, .replayed: .forbidden
        }
    }
}
