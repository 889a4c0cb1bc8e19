internal import LiveRuns
internal import RunSpans

extension SpanName {
    /// Source: OpenTelemetry semantic conventions for HTTP spans, "Name": the method, or `HTTP` for one that is not known.
    init(method: String) {
        self = SpanName(rawValue: method).flatMap { $0.isMethod ? $0 : nil } ?? .httpOther
    }

    private var isMethod: Bool {
        switch self {
        case .agentRun, .agentStep, .toolCall, .toolResult, .httpOther: false
        default: true
        }
    }
}

extension Exchange {
    /// Whether the sidecar answered in the place of an agent because it had something against the request itself.
    ///
    /// That is the client's error: by the conventions such a SERVER span has no error status.
    var isRefusedRequest: Bool {
        guard let status = response?.status else { return false }
        return failure != nil && times.firstByte == nil && (400..<500).contains(status)
    }

    /// Whether an agent was to answer it. What is refused before an arm is chosen is no run of anybody's.
    var hasRun: Bool { upstream != nil || times.sent != nil }

    /// Whether it failed by what was seen on the wire.
    var hasFailed: Bool { (failure != nil && !isRefusedRequest) || (response?.status ?? 0) >= 500 }

    /// Where the request went, as far as it may be told.
    func fullURL(query: String?) -> String? {
        guard let upstream else { return nil }
        let host = upstream.address.utf8.contains(UInt8(ascii: ":")) ? "[\(upstream.address)]" : upstream.address
        let base = upstreamBase ?? "http://\(host):\(upstream.port)"
        return base + request.pathAndQuery.path + (query.map { "?\($0)" } ?? "")
    }
}

extension Exchange.Message {
    /// The method, or `_OTHER` for one that is not known.
    var conventionalMethod: String { SpanName(method: method) == .httpOther ? "_OTHER" : method }

    /// Of the target, which may be a whole URL (RFC 9112, section 3.2.2).
    var pathAndQuery: (path: String, query: String?) {
        var rest = target[...]
        if !target.hasPrefix("/"), let scheme = target.utf8.firstIndex(of: UInt8(ascii: ":")), target[scheme...].hasPrefix("://") {
            let authority = target[scheme...].dropFirst(3)
            rest = authority[(authority.utf8.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? authority.endIndex)...]
        }
        let path = rest.utf8.prefix { $0 != UInt8(ascii: "?") }
        let query = path.endIndex < rest.endIndex ? String(rest[path.endIndex...].dropFirst()) : nil
        return (path.isEmpty ? "/" : String(Substring(path)), query)
    }

    /// Of the authority; an IPv6 address without its brackets.
    var hostAndPort: (host: String, port: Int?) {
        if authority.utf8.first == UInt8(ascii: "["), let end = authority.utf8.firstIndex(of: UInt8(ascii: "]")) {
            return (String(authority[..<end].dropFirst()), Self.port(authority[end...].dropFirst()))
        }
        let colon = authority.utf8.firstIndex(of: UInt8(ascii: ":")) ?? authority.endIndex
        return (String(authority[..<colon]), Self.port(authority[colon...]))
    }

    private static func port(_ text: Substring) -> Int? {
        guard text.utf8.first == UInt8(ascii: ":"), let port = Int(text.dropFirst()), (1...65535).contains(port) else { return nil }
        return port
    }
}

/// Takes what looks like a secret out of a query.
enum QueryRedaction {
    private static let words = [
        "key", "token", "secret", "password", "passwd", "pwd", "signature", "sig", "auth", "credential", "session", "code", "cookie",
    ]

    /// - Parameter redactor: takes out what the user does not want to see, wherever it stands.
    static func redacted(_ query: String, _ redactor: TextRedactor) -> String {
        let pairs = query.utf8.split(separator: UInt8(ascii: "&"), omittingEmptySubsequences: false)
        return pairs.map { pair in
            guard let equals = pair.firstIndex(of: UInt8(ascii: "=")) else { return redactor.redacted(String(Substring(pair))) }
            let name = Substring(pair[..<equals])
            let value = Substring(pair[equals...].dropFirst())
            let plainName = decoded(name).lowercased()
            if words.contains(where: { plainName.contains($0) }) { return "\(name)=REDACTED" }
            // Both as it stands and as it is meant: a secret that is percent-encoded is one.
            let plain = decoded(value)
            return redactor.redacted(plain) == plain && !redactor.hides(plainName) ? "\(name)=\(value)" : "\(name)=REDACTED"
        }.joined(separator: "&")
    }

    private static func decoded(_ text: Substring) -> String {
        guard text.utf8.contains(UInt8(ascii: "%")) else { return String(text) }
        return Baggage.decoded(text)
    }
}
