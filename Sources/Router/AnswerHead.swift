internal import NIOHTTP1

/// An agent's answer but for its body, gone through once.
struct AnswerHead {
    let status: HTTPResponseStatus
    /// What goes on to the client, in its order: without what concerns only the connection, what frames the body, and what only
    /// the sidecar says.
    private(set) var fields: [(String, String)] = []
    private(set) var hasRequestID = false
    /// Whether the body has another transfer coding than the one between messages and connections, which is taken off.
    private var isCoded = false
    /// Name of a header that cannot be passed on as it was sent.
    private var altered: String?
    // The first value of each.
    private(set) var contentLength: String?
    private(set) var contentType: String?
    private(set) var contentEncoding: String?

    init(_ head: HTTPResponseHead) {
        status = head.status
        var connection = HeaderValue()
        // With room for what the sidecar adds.
        fields.reserveCapacity(16)
        for (name, value) in head.headers {
            if value.hasLostBytes { altered = name }
            let meaning = HeaderName(name)
            switch meaning {
            case .connection: connection.add(value)
            case .contentLength: contentLength = contentLength ?? value
            case .contentType: contentType = contentType ?? value
            case .contentEncoding: contentEncoding = contentEncoding ?? value
            case .requestID: hasRequestID = true
            case .transferEncoding: if !value.equalsASCII("chunked") { isCoded = true }
            default: break
            }
            if meaning.isHopByHop || meaning == .contentLength || meaning == .prefixed { continue }
            fields.append((name, value))
        }
        let named = ForwardedHeaders.named(by: connection, in: head.headers, routing: [])
        if !named.isEmpty { fields.removeAll { name, _ in ForwardedHeaders.isNamed(name, named) } }
    }

    /// Why it is none that can be passed on; nil when it can.
    var failure: UpstreamFailure? {
        if isCoded { return Self.badResponse("the answer's transfer encoding is not just chunked") }
        return altered.map { Self.badResponse("the answer's header \($0.prefix(64)) has bytes that are not UTF-8") }
    }

    private static func badResponse(_ message: String) -> UpstreamFailure { UpstreamFailure(kind: .badResponse, message: message) }

    /// Adds what the sidecar says beside it.
    mutating func add(_ name: String, _ value: String) { fields.append((name, value)) }
}
