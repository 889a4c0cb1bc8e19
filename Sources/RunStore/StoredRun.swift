public import AgentRuns

/// One run as the store keeps it: what is needed to put two arms beside each other, under the ids that its spans have.
///
/// Texts that came from outside are cut to ``maximumText`` bytes, and of the calls no more than ``maximumCalls`` are kept.
public struct StoredRun: Hashable, Sendable {
    public static let maximumText = 1024
    public static let maximumCalls = 200
    /// Of content that is kept, each.
    public static let maximumContent = 4096

    public var traceID: TraceID
    /// Of its `agent.run` span.
    public var spanID: SpanID
    public var role: RunRole
    public var mode: RunMode
    /// Unix nanoseconds.
    public var started: UInt64
    /// Nanoseconds; nil where nobody knows.
    public var duration: UInt64?
    /// What runs that serve one request share; of a replay, what its two runs of one trace share.
    public var requestID = ""
    /// The id under which the run was recorded, where that is another; empty for live runs, which their requests name.
    public var recordedID = ""
    /// The replay that it is of; empty for live runs.
    public var replayID = ""
    public var agent = ""
    public var releaseVersion = ""
    public var releaseDigest = ""
    public var rolloutID = ""
    public var rolloutRevision = 0
    /// The step of a schedule, such as `2/4`.
    public var stage = ""
    /// Why the baseline answered what the candidate should have.
    public var fallback = ""
    /// Of the HTTP answer.
    public var status: Int?
    public var outcome: String?
    /// Why it failed (`error.type`).
    public var errorType: String?
    public var costTokens: Double?
    public var inputTokens: Int64?
    public var outputTokens: Int64?
    /// Of a replay: whether it passed, and stable names of why not.
    public var passed: Bool?
    public var reasons: [String] = []
    /// Of what was answered; equal ones mean equal answers, within one store. nil where nothing was, or nothing was read.
    public var responseDigest: [UInt8]?
    /// The response itself, redacted, where contents are kept.
    public var response: String?
    /// Whether its spans were exported, or were to be.
    public var isExported = true
    /// Of a candidate that ran beside a baseline: that run.
    public var pair: Pair?
    /// Where a shadow first asked its tools for something that the baseline had not.
    public var divergence: Divergence?
    public var calls: [Call] = []
    /// Calls beyond those that are kept.
    public var omittedCalls = 0

    /// Another run, by the ids of its `agent.run` span.
    public struct Pair: Hashable, Sendable {
        public var traceID: TraceID
        public var spanID: SpanID

        public init(traceID: TraceID, spanID: SpanID) {
            self.traceID = traceID
            self.spanID = spanID
        }
    }

    public struct Divergence: Hashable, Sendable {
        /// Place among the run's calls, from 0.
        public var index: Int
        public var tool: String
        /// `extra_tool` or `other_arguments`.
        public var kind: String

        public init(index: Int, tool: String, kind: String) {
            self.index = index
            self.tool = tool
            self.kind = kind
        }
    }

    /// A tool call.
    public struct Call: Hashable, Sendable {
        public var tool: String
        /// Of the canonical arguments; equal ones mean equal arguments, within one store.
        public var argumentsDigest: [UInt8]
        /// The arguments themselves, redacted, as JSON, where contents are kept.
        public var arguments: String?
        /// What the tool gateway did with it: `allowed`, `refused`, `replayed` or `fenced`; nil where it did not pass there.
        public var verdict: String?
        /// nil where there was no result.
        public var success: Bool?
        /// Nanoseconds; nil where nobody knows.
        public var duration: UInt64?

        public init(tool: String, argumentsDigest: [UInt8]) {
            self.tool = tool
            self.argumentsDigest = argumentsDigest
        }
    }

    public init(traceID: TraceID, spanID: SpanID, role: RunRole, mode: RunMode, started: UInt64) {
        self.traceID = traceID
        self.spanID = spanID
        self.role = role
        self.mode = mode
        self.started = started
    }

    /// Tokens in all, as the run states them or as the sum of both directions; nil where it says nothing.
    public var tokens: Double? {
        if let costTokens { return costTokens }
        guard inputTokens != nil || outputTokens != nil else { return nil }
        return Double(inputTokens ?? 0) + Double(outputTokens ?? 0)
    }

    /// The text as the store keeps it.
    public static func bounded(_ text: String, to bytes: Int = maximumText) -> String { text.bounded(toBytes: bytes) }
}
