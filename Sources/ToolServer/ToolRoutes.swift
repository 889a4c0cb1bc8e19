internal import AgentRuns
internal import HTTPTypes
internal import Hummingbird
internal import JSONDocuments
internal import NIOCore
internal import ToolGateway

/// `POST /tools/NAME` with the arguments as JSON, answered as `outrigger replay` answers tool calls.
struct ToolRoutes: Sendable {
    private let gateway: ToolGateway
    private let hangUps: HangUps

    /// No tool's name has more bytes.
    private static let maximumName = 128

    /// What is kept of a name that somebody calls: of one that is too long so much that it does not become a tool's.
    static func kept(_ name: String) -> String { name.bounded(toBytes: maximumName + 4) }

    init(_ gateway: ToolGateway, _ hangUps: HangUps) {
        self.gateway = gateway
        self.hangUps = hangUps
    }

    func add(to router: Router<ToolContext>) {
        router.get("tools") { request, _ in list(request) }
        router.post("tools/:name") { request, context in try await call(request, context.parameters.require("name"), context) }
    }

    private func list(_ request: Request) -> Response {
        guard let tools = gateway.tools(of: request.runToken) else {
            return .refusal(.unauthorized, "unknown_run", "no run under way has this token")
        }
        return .json(.object(["tools": .array(tools.names.map { .string($0) })]))
    }

    private func call(_ request: Request, _ name: String, _ context: ToolContext) async throws -> Response {
        var call = ToolRequest(
            token: request.runToken, traceParents: [request.traceParents], tool: Self.kept(name), arguments: nil)
        // Names are compared as they stand in the path: none that is configured needs an escape. Little is read of somebody
        // who may not call anything.
        let limit = gateway.knows(call.token) ? gateway.runs.settings.tools[name]?.maximumArguments ?? 1 << 20 : 1 << 16
        let body = await request.collect(upTo: limit)
        call.take(body)
        let task = Task { [call] in await gateway.call(call) }
        var response = Response.reply(await hangUps.value(of: task, from: context.channel))
        if !body.isWhole { response.closes(context.channel) }
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

    /// - Parameter limit: in bytes.
    func collect(upTo limit: Int) async -> CollectedBody {
        if let length = headers[.contentLength].flatMap({ Int($0) }), length > limit { return .tooLarge }
        do {
            return .whole(Array(try await body.collect(upTo: limit).readableBytesView))
        } catch {
            return error is NIOTooManyBytesError ? .tooLarge : .cutOff
        }
    }
}

/// A request's body, as far as it came.
enum CollectedBody {
    case whole([UInt8])
    case tooLarge
    /// The caller went away, or what it sends is not HTTP.
    case cutOff

    var isWhole: Bool {
        if case .whole = self { true } else { false }
    }
}

extension ToolRequest {
    fileprivate mutating func take(_ body: CollectedBody) {
        switch body {
        case .whole(let bytes): arguments = bytes
        case .tooLarge: isTooLarge = true
        case .cutOff: isCutOff = true
        }
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

    /// Ends the connection after this answer, for what is left of the request: it is read and forgotten for a moment, since an
    /// agent that is still sending would not see the answer otherwise, and no longer.
    mutating func closes(_ channel: any Channel) {
        headers[.connection] = "close"
        channel.eventLoop.scheduleTask(in: .seconds(2)) { channel.close(promise: nil) }
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
