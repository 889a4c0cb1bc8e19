public import AgentRuns

/// What an agent did, as far as its request and answer tell.
public struct LiveRun: Sendable {
    public var run: AgentRun
    public var shape: Shape
    /// What was wrong with an answer that looked like one of a known shape; the rest of it was read.
    public var problem: String?
    /// The model that answered, by its own account (`gen_ai.response.model`); the run's model is the one that was asked for.
    public var answeringModel: String?
    /// The agent's own word that it failed. The message is content.
    public var failure: Exchange.Failure?
    /// Whether tools took longer by the agent's account than its whole answer did by our clock, as those do that run side by
    /// side: no row of spans can show that, so the durations were left out.
    public var ignoresDurations = false

    /// The form of an answer.
    public enum Shape: String, CaseIterable, Sendable {
        /// The agent protocol of `outrigger replay`.
        case agent
        /// OpenAI-style chat completions.
        case chat
        /// OpenAI-style chat completions as server-sent events.
        case chatStream = "chat_stream"
        /// Nothing that we know: the run has its times and its status.
        case unknown
    }

    /// The type of a failure that the agent states itself.
    static let agentError = "agent_error"

    /// One of which nothing is known.
    public init() {
        run = AgentRun()
        shape = .unknown
    }

    /// More memory than most runs take is not kept.
    private static let maximumKept = 1 << 20

    /// Forgets all, but keeps the memory for the next one.
    public mutating func removeAll() {
        if run.storage.capacity > Self.maximumKept { run = AgentRun() } else { run.removeAll() }
        shape = .unknown
        problem = nil
        answeringModel = nil
        failure = nil
        ignoresDurations = false
    }

    mutating func note(_ problem: String) { self.problem = self.problem ?? problem }

    /// Leaves the tools' durations out if they do not fit into the time that the run took.
    mutating func fitDurations(into nanoseconds: UInt64) {
        // 10,000 calls of 24 hours are far from overflow.
        let sum = run.toolCalls.reduce(0) { $0 + ($1.result?.duration?.millisecondsAsNanoseconds ?? 0) }
        guard sum > nanoseconds else { return }
        ignoresDurations = true
        for i in run.toolCalls.indices { run.toolCalls[i].result?.duration = nil }
    }
}

extension LiveRun {
    /// Reads the run of an exchange. It never fails: what cannot be read is left out and noted.
    public init(_ exchange: Exchange) {
        var reader = LiveRunReader()
        self = reader.read(exchange)
    }

    /// Reads an answer alone, to be compared with another.
    public init(answer: Exchange.ServedAnswer) {
        var reader = LiveRunReader()
        self = reader.read(answer)
    }
}
