public import AgentRuns
public import JSONDocuments

/// What a tool said.
public struct ToolAnswer: Sendable {
    public var success: Bool
    /// The result, or the error.
    public var content: JSONDocument
    /// On a tool of an MCP server: its whole `CallToolResult`.
    public var callToolResult: JSONDocument?
    /// Bytes that it came in.
    public var size: Int
    /// For a shadow: that the tool gave the baseline no answer, and why.
    var failure: ToolFailure?

    public init(success: Bool, content: JSONDocument, callToolResult: JSONDocument? = nil, size: Int) {
        self.success = success
        self.content = content
        self.callToolResult = callToolResult
        self.size = size
    }
}

extension ToolAnswer {
    /// What a shadow is told where the baseline was told that the tool gave no answer.
    init(_ failure: ToolFailure) {
        let content = JSONDocument.string(failure.message)
        self.init(success: false, content: content, size: failure.message.utf8.count)
        self.failure = failure
    }
}

/// Why a tool gave no answer.
public struct ToolFailure: Error, Sendable {
    public enum Kind: String, Sendable {
        case timeout, unreachable, cancelled
        case badAnswer = "bad_answer"
    }

    public var kind: Kind
    /// For people; names no secret.
    public var message: String

    public init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }
}

/// Why a call was refused: no tool was called.
public struct ToolRefusal: Error, Sendable {
    /// nil where no run is known.
    public var verdict: ToolVerdict?
    public var message: String
    /// After how long it may be tried again; nil where that is no use.
    public var retryAfter: Duration?

    init(_ verdict: ToolVerdict?, _ message: String, retryAfter: Duration? = nil) {
        self.verdict = verdict
        self.message = message
        self.retryAfter = retryAfter
    }

    /// A stable word.
    public var reason: String { verdict?.refusal ?? "unknown_run" }
}

/// How the gateway answers a call.
public enum ToolReply: Sendable {
    case answered(ToolAnswer, ToolVerdict)
    case failed(ToolFailure)
    case refused(ToolRefusal)
}

/// Calls tools.
public protocol ToolUpstreams: Sendable {
    /// Calls a tool that is configured, within its time; a task that is cancelled gives up at once.
    ///
    /// - Parameters:
    ///   - arguments: a JSON object.
    ///   - traceParent: W3C trace context to pass on.
    func call(
        _ tool: String, _ settings: ToolSettings, arguments: JSONDocument, run: ToolRunIdentity, traceParent: String
    ) async throws(ToolFailure) -> ToolAnswer
}
