public import AgentRuns

/// Something that can do what was recorded again: one version of an agent, however it is reached.
public protocol ReplayAgent: Sendable {
    /// Runs the agent on the trace's request. Whatever goes wrong is in the result, never thrown.
    func run(_ task: ReplayTask) async -> ArmRun

    /// How many tool calls came for a run after it had ended, so far. They were refused.
    func lateCalls(ofRun runID: String) -> Int
}

extension ReplayAgent {
    /// None: for agents whose tools only we call.
    public func lateCalls(ofRun runID: String) -> Int { 0 }
}

/// One run that an agent is asked for.
public struct ReplayTask: Sendable {
    /// The recording: its request is what the agent gets, its tool calls are what the tools answer from.
    public var trace: AgentRun
    public var role: RunRole
    /// Hex id of the run's `agent.run` span; unique in the replay.
    public var runID: String
    public var replayID: String
    /// Which repetition of the trace it is, counted from 0.
    public var repetition: Int
    /// The version label of the arm's release.
    public var version: String
    /// Header value of W3C trace context, with the run's own trace and span id.
    public var traceParent: String
    /// The time for the whole run, retries included.
    public var timeLimit: Duration

    public init(
        trace: AgentRun, role: RunRole, runID: String, replayID: String, repetition: Int, version: String,
        traceParent: String, timeLimit: Duration
    ) {
        self.trace = trace
        self.role = role
        self.runID = runID
        self.replayID = replayID
        self.repetition = repetition
        self.version = version
        self.traceParent = traceParent
        self.timeLimit = timeLimit
    }
}
