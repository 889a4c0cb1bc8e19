internal import AgentRuns
internal import NIOCore
internal import NIOHTTP1

/// An answer that is the sidecar's own, because no agent gave one.
struct Refusal {
    var status: HTTPResponseStatus
    /// A stable word (`x-outrigger-error`, `error.type`).
    var type: String
    /// What the client is told: nothing of where the agents are.
    var detail: String
    /// Seconds.
    var retryAfter: Int?
    /// What is recorded instead of `detail`, with all that is known; nil for the same.
    var cause: String?

    static let headerTooLarge = Refusal(
        status: .requestHeaderFieldsTooLarge, type: "header_too_large", detail: "the request's line and headers are too large")
    static let tooSlow = Refusal(status: .requestTimeout, type: "request_timeout", detail: "the request took too long to arrive")
    static let bodyTooLarge = Refusal(status: .payloadTooLarge, type: "body_too_large", detail: "the request's body is too large")
    static let upgrade = Refusal(
        status: .notImplemented, type: "upgrade_not_supported",
        detail: "WebSocket and other upgrades are not proxied; use plain HTTP or server-sent events")
    static let connect = Refusal(status: .notImplemented, type: "connect_not_supported", detail: "CONNECT is not proxied")

    static func malformed(_ problem: String) -> Refusal {
        Refusal(status: .badRequest, type: "bad_request", detail: "not a request that can be proxied: \(problem)")
    }

    /// - Parameter name: of the header.
    static func headerNotUTF8(_ name: String) -> Refusal {
        Refusal(
            status: .badRequest, type: "header_not_utf8",
            detail: "the header \(name.prefix(64)) has bytes that are not UTF-8, and cannot be passed on as it is")
    }

    static func unavailable(_ type: String, _ detail: String, retryAfter: Int) -> Refusal {
        Refusal(status: .serviceUnavailable, type: type, detail: detail, retryAfter: max(1, retryAfter))
    }

    static func upstream(_ failure: UpstreamFailure) -> Refusal {
        let isTimeout = failure.kind == .connectTimeout
        return Refusal(
            status: isTimeout ? .gatewayTimeout : .badGateway, type: failure.kind.rawValue, detail: failure.kind.told,
            cause: failure.message)
    }

    static let answerTimeout = Refusal(
        status: .gatewayTimeout, type: "header_timeout", detail: "the agent did not begin to answer in time")

    /// The answer, as a problem document.
    ///
    /// Source: RFC 9457.
    ///
    /// - Parameter role: the arm that should have answered; nil where none was chosen, or where clients are not told.
    func answer(requestID: String?, role: RunRole? = nil) -> (head: HTTPResponseHead, body: ByteBuffer) {
        var body = ByteBuffer()
        body.writeString(
            "{\"title\":\"\(status.reasonPhrase)\",\"status\":\(status.code),\"detail\":\(quoted(detail)),\"error\":\"\(type)\"")
        if let requestID { body.writeString(",\"request_id\":\(quoted(requestID))") }
        body.writeString("}\n")
        var headers = HTTPHeaders([
            ("content-type", "application/problem+json"), ("content-length", String(body.readableBytes)), ("x-outrigger-error", type),
            ("connection", "close"),
        ])
        if let retryAfter { headers.add(name: "retry-after", value: String(retryAfter)) }
        if let role { headers.add(name: "x-outrigger-role", value: role.rawValue) }
        if let requestID { headers.add(name: "x-request-id", value: requestID) }
        return (HTTPResponseHead(version: .http1_1, status: status, headers: headers), body)
    }

    private func quoted(_ text: String) -> String {
        var out = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": out += "\\\(scalar)"
            case " "..."~": out.unicodeScalars.append(scalar)
            default: out += scalar.value < 0x80 ? " " : "\(scalar)"
            }
        }
        return out + "\""
    }
}
