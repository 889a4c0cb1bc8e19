internal import LiveRuns
internal import RunSpans

extension SpanName {
    /// Source: OpenTelemetry semantic conventions for HTTP spans, "Name": the method, or `HTTP` for one that is not known.
    init(method: String) {
        // An agent is asked by POST, as a rule: that is one comparison.
        self = method == "POST" ? .httpPost : SpanName(rawValue: method).flatMap { $0.isMethod ? $0 : nil } ?? .httpOther
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

    /// Where the request went, as far as it may be told, in UTF-8.
    func fullURL(of upstream: Endpoint, _ line: RequestLine) -> [UInt8] {
        var url: [UInt8] = []
        url.reserveCapacity(192)
        if let upstreamBase {
            url.append(contentsOf: upstreamBase.utf8)
        } else {
            let isIPv6 = upstream.address.utf8.contains(UInt8(ascii: ":"))
            url.append(contentsOf: "http://".utf8)
            if isIPv6 { url.append(UInt8(ascii: "[")) }
            url.append(contentsOf: upstream.address.utf8)
            if isIPv6 { url.append(UInt8(ascii: "]")) }
            url.append(UInt8(ascii: ":"))
            url.append(contentsOf: String(upstream.port).utf8)
        }
        url.append(contentsOf: line.path.utf8)
        if let query = line.query {
            url.append(UInt8(ascii: "?"))
            url.append(contentsOf: query.utf8)
        }
        return url
    }
}

/// What both HTTP spans of an exchange say of its request, found once.
struct RequestLine {
    let name: SpanName
    /// What stands for a method that is not known; nil where the method stands for itself.
    var conventionalMethod: String? { name == .httpOther ? "_OTHER" : nil }
    let path: Substring
    /// As far as it may be shown.
    let query: String?

    /// - Parameter redactor: nil where content is not to be shown: a query is content.
    init(_ request: borrowing Exchange.Message, _ redactor: TextRedactor?) {
        name = SpanName(method: request.method)
        let (path, query) = request.pathAndQuery
        self.path = path
        if let redactor, let query {
            self.query = QueryRedaction.redacted(String(query), redactor)
        } else {
            self.query = nil
        }
    }
}

extension Exchange.Message {
    /// Of the target, which may be a whole URL (RFC 9112, section 3.2.2).
    var pathAndQuery: (path: Substring, query: Substring?) {
        var rest = target[...]
        if !target.hasPrefix("/"), let scheme = target.utf8.firstIndex(of: UInt8(ascii: ":")), target[scheme...].hasPrefix("://") {
            let authority = target[scheme...].dropFirst(3)
            rest = authority[(authority.utf8.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? authority.endIndex)...]
        }
        let path = rest.utf8.prefix { $0 != UInt8(ascii: "?") }
        let query = path.endIndex < rest.endIndex ? rest[path.endIndex...].dropFirst() : nil
        return (path.isEmpty ? "/" : Substring(path), query)
    }

    /// Of the authority; an IPv6 address without its brackets.
    var hostAndPort: (host: Substring, port: Int?) {
        if authority.utf8.first == UInt8(ascii: "["), let end = authority.utf8.firstIndex(of: UInt8(ascii: "]")) {
            return (authority[..<end].dropFirst(), Self.port(authority[end...].dropFirst()))
        }
        let colon = authority.utf8.firstIndex(of: UInt8(ascii: ":")) ?? authority.endIndex
        return (authority[..<colon], Self.port(authority[colon...]))
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
