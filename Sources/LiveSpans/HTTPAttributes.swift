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

extension Exchange.Message {
    /// The method, or `_OTHER` for one that is not known.
    var conventionalMethod: String { SpanName(method: method) == .httpOther ? "_OTHER" : method }

    var pathAndQuery: (path: String, query: String?) {
        guard let mark = target.firstIndex(of: "?") else { return (target, nil) }
        return (String(target[..<mark]), String(target[mark...].dropFirst()))
    }

    var hostAndPort: (host: String, port: Int?) {
        let afterHost = authority.hasPrefix("[") ? authority.firstIndex(of: "]").map(authority.index(after:)) : authority.firstIndex(of: ":")
        guard let afterHost, afterHost < authority.endIndex else { return (authority, nil) }
        return (String(authority[..<afterHost]), Int(authority[afterHost...].dropFirst()))
    }
}

/// Takes what looks like a secret out of a query.
enum QueryRedaction {
    private static let words = ["key", "token", "secret", "password", "passwd", "signature", "sig", "auth", "credential", "session", "code"]

    static func redacted(_ query: String) -> String {
        query.split(separator: "&", omittingEmptySubsequences: false).map { pair in
            guard let equals = pair.firstIndex(of: "=") else { return String(pair) }
            let name = pair[..<equals].lowercased()
            return words.contains { name.contains($0) } ? "\(pair[..<equals])=REDACTED" : String(pair)
        }.joined(separator: "&")
    }
}
