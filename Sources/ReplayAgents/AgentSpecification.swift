/// What a user names an agent or evaluator with.
public enum AgentSpecification: Hashable, Sendable {
    /// The trace's own recording.
    case recorded
    /// Another recording, joined by `trace_id`.
    case recording(path: String)
    /// The agent protocol over HTTP.
    case http(AgentURL)
    /// Chat completions as OpenAI shaped them.
    case openAI(AgentURL)
    /// A command for `/bin/sh` that speaks the agent protocol on its standard streams.
    case exec(command: String)

    /// Why the text names no agent.
    public struct UsageError: Error, Hashable, Sendable, CustomStringConvertible {
        public var description: String
        init(_ description: String) { self.description = description }
    }

    static let forms = "recorded, recorded:FILE, http(s)://HOST/PATH, openai:URL or exec:COMMAND"

    /// Reads `recorded`, `recorded:FILE`, `http(s)://…` or `exec:COMMAND`.
    ///
    /// A URL whose path ends in `/chat/completions` is taken for chat completions; `openai:URL` says so of any URL.
    public init(parsing text: String) throws(UsageError) {
        if text == "recorded" {
            self = .recorded
        } else if let path = Self.rest(of: text, after: "recorded:") {
            guard !path.isEmpty else { throw UsageError("recorded: names no file; write recorded:FILE, or recorded") }
            self = .recording(path: path)
        } else if let command = Self.rest(of: text, after: "exec:") {
            guard command.contains(where: { !$0.isWhitespace }) else {
                throw UsageError("exec: names no command; write exec:COMMAND")
            }
            guard !command.utf8.contains(0) else { throw UsageError("a command cannot have a NUL in it") }
            self = .exec(command: command)
        } else if let url = Self.rest(of: text, after: "openai:") {
            self = .openAI(try AgentURL(parsing: url))
        } else if text.contains("://") {
            let url = try AgentURL(parsing: text)
            self = url.path.hasSuffix("/chat/completions") ? .openAI(url) : .http(url)
        } else {
            throw UsageError("\(Excerpt.text(text)) is not an agent: write \(Self.forms)")
        }
    }

    private static func rest(of text: String, after prefix: String) -> String? {
        text.hasPrefix(prefix) ? String(text.dropFirst(prefix.count)) : nil
    }

    /// The agent as it may be shown in reports: without the credentials of a URL, and without the values that a command
    /// sets for environment variables.
    public var displayName: String {
        switch self {
        case .recorded: "recorded"
        case .recording(let path): "recorded:" + Excerpt.escaped(path)
        case .http(let url): Excerpt.escaped(url.displayName)
        case .openAI(let url): Excerpt.escaped(url.displayName)
        case .exec(let command): "exec:" + Excerpt.escaped(Self.withoutAssignments(command))
        }
    }

    private static func withoutAssignments(_ command: String) -> String {
        var words = command.split(separator: " ", omittingEmptySubsequences: false)
        for i in words.indices {
            guard let equals = words[i].firstIndex(of: "="), equals != words[i].startIndex else { continue }
            let name = words[i][..<equals]
            let looksSecret = ["key", "token", "secret", "password", "auth"].contains { name.lowercased().contains($0) }
            let isVariable = name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
            if isVariable || looksSecret { words[i] = words[i][...equals] + "…" }
        }
        return String(words.joined(separator: " ").prefix(200))
    }
}
