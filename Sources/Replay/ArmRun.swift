public import AgentRuns

/// What one arm did with one trace: its run, or why there is none.
public struct ArmRun: Sendable {
    /// What the arm did; after a problem, as far as it is known.
    public var run: AgentRun
    /// Why the run cannot be judged as any other, if it cannot.
    public var problem: RunProblem?
    /// How the run's tool calls were answered; nil for recordings, which call nothing.
    public var tools: ToolAnswers?
    /// Whether an outcome that the run does not state counts as `success`, as it does for recordings.
    ///
    /// Source: the Python sample, whose users must be able to switch without changing their traces.
    public var assumesSuccess: Bool
    /// Whether the arm has a way to state an outcome: chat completions have none, and leave out nothing by not stating it.
    public var canStateOutcome = true
    /// When it started, in Unix nanoseconds, where that was measured.
    public var startTime: UInt64?
    /// Milliseconds from asking the agent to having its answer, by our clock; nil for recordings, and after a problem.
    public var measuredLatency: Double?

    public init(
        run: AgentRun, problem: RunProblem? = nil, tools: ToolAnswers? = nil, assumesSuccess: Bool = true,
        startTime: UInt64? = nil
    ) {
        self.run = run
        self.problem = problem
        self.tools = tools
        self.assumesSuccess = assumesSuccess
        self.startTime = startTime
    }

    /// An arm that gave no run.
    public init(_ problem: RunProblem) {
        self.init(run: AgentRun(), problem: problem)
    }

    /// By which latencies two runs of a trace are compared, in milliseconds; nil where one has none.
    ///
    /// Where both were measured those count, for they have the same in them; what a run states may be off by more than fast
    /// agents differ. Else it is what the runs say.
    public static func comparedLatencies(
        _ baseline: borrowing ArmRun, _ candidate: borrowing ArmRun
    ) -> (baseline: Double?, candidate: Double?) {
        if let a = baseline.measuredLatency, let b = candidate.measuredLatency { return (a, b) }
        return (baseline.run.latency?.double, candidate.run.latency?.double)
    }
}

/// Why an arm gave no run that can be compared.
public struct RunProblem: Error, Hashable, Sendable {
    /// Stable names: they are reasons in every report.
    public enum Kind: String, CaseIterable, Sendable {
        /// The recording has no run for the trace.
        case noRun = "no_run"
        /// The time limit of the run was up.
        case timeout
        /// The agent could not be reached, or the connection broke, in every try.
        case transport
        /// What the agent answered is not what the agent protocol asks for.
        case badAnswer = "bad_answer"
        /// The agent said that it failed: a status of 4xx or 5xx, or an `error` in its answer.
        case agentError = "agent_error"
        /// The agent's process ended.
        case agentDied = "agent_died"
        /// The replay was ended before the run was.
        case cancelled
    }

    public var kind: Kind
    public var detail: String

    public init(_ kind: Kind, _ detail: String) {
        self.kind = kind
        self.detail = detail
    }
}

/// How the tool calls of one replayed run were answered.
public struct ToolAnswers: Hashable, Sendable {
    /// Calls answered with the recorded result of the same call.
    public var matched = 0
    /// Calls answered with the recorded result of another call of the same tool.
    public var matchedByName = 0
    /// Calls answered from the fallback file.
    public var fallback = 0
    /// Calls that nothing was recorded for, and that were refused.
    public var refused = 0
    /// Recorded calls that were never asked for, by their places in the recording.
    public var unasked: [Int] = []
    /// Calls that came after the agent had answered, as far as they came before the run was told. The notes of the report
    /// count the later ones too.
    public var late = 0

    public init() {}
}
