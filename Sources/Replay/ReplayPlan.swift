public import AgentRuns

/// All that a replay is told: what to replay, by whom, how often, and when to give up.
public struct ReplayPlan: Sendable {
    /// Path of the recording; `-` is standard input.
    public var traces: String
    public var baseline: Arm
    public var candidate: Arm
    public var rules: ReplayRules
    /// A name for the collection of traces, part of every exported id.
    public var dataset = "default"
    /// The name of this replay, part of every exported id.
    public var replayID: String
    /// How often each trace is replayed.
    public var repetitions = 1
    /// Runs of agents under way at once, both arms together.
    public var concurrency = 4
    /// For one run of an agent.
    public var timeLimit = Duration.seconds(60)
    /// How many traces to replay at most.
    public var limit: Int?
    /// Bytes of a line; longer ones are rejected.
    public var maximumLine = 16 << 20
    /// What evaluators say of runs, by the name that checks use.
    public var evaluators: [EvaluatorName: any RunEvaluator] = [:]

    public init(traces: String, baseline: Arm, candidate: Arm, rules: ReplayRules, replayID: String) {
        self.traces = traces
        self.baseline = baseline
        self.candidate = candidate
        self.rules = rules
        self.replayID = replayID
    }

    /// One arm: who does its runs, and under which version.
    public struct Arm: Sendable {
        public var source: ArmSource
        public var version: String

        public init(_ source: ArmSource, version: String) {
            self.source = source
            self.version = version
        }
    }

    /// Whether everything that is compared was recorded.
    var isRecordedOnly: Bool { !baseline.source.isLive && !candidate.source.isLive && evaluators.isEmpty && repetitions == 1 }
}

/// Where an arm's runs come from.
public enum ArmSource: Sendable {
    /// The trace's own recording.
    case recorded
    /// Another recording, joined by `trace_id`.
    case recording(path: String)
    case agent(any ReplayAgent)

    public var isLive: Bool {
        if case .agent = self { return true }
        return false
    }
}

/// Scores runs by a judgement of its own.
public protocol RunEvaluator: Sendable {
    /// What goes wrong is in the score, never thrown.
    func score(_ run: AgentRun, of trace: AgentRun) async -> EvaluatorScore
}

/// Where a pair of runs stands in the replay.
public struct PairPlace: Hashable, Sendable {
    /// Line of the trace in its file, counted from 1.
    public var line: Int
    /// Counted from 0 over all traces that could be read.
    public var index: Int
    /// Counted from 0.
    public var repetition: Int

    public init(line: Int, index: Int, repetition: Int) {
        self.line = line
        self.index = index
        self.repetition = repetition
    }
}

/// Takes the judged pairs, in the order of the traces.
public protocol PairObserver {
    mutating func observe(
        _ place: PairPlace, trace: borrowing AgentRun, baseline: borrowing ArmRun, candidate: borrowing ArmRun,
        verdict: borrowing PairVerdict) throws
}

/// How a replay ended.
public struct ReplayEnding: Sendable {
    /// Why it ended before its end; nil when it did not.
    public var partial: String?
    /// Pairs that were under way when it was ended; they are in no count.
    public var cancelled = 0
    /// Runs of a recording that no trace asked for.
    public var unmatched = ReplayReport.Unmatched()
}
