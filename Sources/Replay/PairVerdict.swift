/// Whether one arm's run of one trace is as it should be.
public struct ArmVerdict: Sendable {
    /// Why the run fails, in the order of the rules; empty when it passes.
    public var reasons: [FailureReason] = []
    /// Whether anything was expected that could have failed: an outcome that was stated, or a check that applied.
    public var hadExpectation = false
    /// Whether a list, of the trace or of the rules, said which tools may be called.
    public var hadAllowList = false
    /// Whether the run states a latency or a cost, so that it could overrun a budget.
    public var hadMeasure = false
    /// Place of the first call of a tool that is not allowed.
    public var misusedCall: Int?
    public var loop: CallLoop?
    /// The checks that said something of the run.
    public var checks: [CheckResult] = []
    /// The checks that the run says too little for, such as one on the response of a run without any.
    public var untold: [CheckResult] = []
    /// The checks whose evaluator gave no score: they say nothing of the run, and are no reason to fail.
    public var unscored: [CheckResult] = []

    public init() {}

    public var passed: Bool { reasons.isEmpty }

    /// Makes it as new. What is empty, which nearly all of it is, is left as it is: giving it up and making it anew for every
    /// trace would take longer than to judge most of them.
    mutating func removeAll() {
        if !reasons.isEmpty { reasons = [] }
        if !checks.isEmpty { checks = [] }
        if !untold.isEmpty { untold = [] }
        if !unscored.isEmpty { unscored = [] }
        hadExpectation = false
        hadAllowList = false
        hadMeasure = false
        misusedCall = nil
        loop = nil
    }
}

/// Why a run fails. ``name`` is what stands in reports.
public enum FailureReason: Hashable, Sendable {
    case problem(RunProblem.Kind)
    case outcome
    case toolMisuse
    case latency
    case cost
    case toolCalls(ToolCallChange.Kind)
    case loop
    case check(String)

    /// The sample's word, where it has one.
    public var name: String {
        switch self {
        case .problem(let kind): kind.rawValue
        case .outcome: "outcome_fail"
        case .toolMisuse: "tool_misuse"
        case .latency: "latency"
        case .cost: "cost"
        case .toolCalls(let kind): kind.rawValue
        case .loop: "loop"
        case .check(let name): "check:" + name
        }
    }
}

/// The verdict over both arms' runs of one trace.
public struct PairVerdict: Sendable {
    public var baseline: ArmVerdict
    /// The candidate's, with the reasons that come from comparing it with the baseline.
    public var candidate: ArmVerdict
    /// How the candidate's tool calls differ from the baseline's, also where that is no reason to fail.
    public var toolChanges: [ToolCallChange] = []
    /// What could be judged of the baseline's run and not of the candidate's, in words; nil where nothing was lost.
    public var lostEvidence: String?
    /// Whether both runs are the same in all that is compared: calls, response, outcome, latency and cost.
    public var isIdentical = false

    /// A trace passes when the candidate's run does.
    public var passed: Bool { candidate.passed }

    /// Makes it as new.
    mutating func removeAll() {
        baseline.removeAll()
        candidate.removeAll()
        if !toolChanges.isEmpty { toolChanges = [] }
        if lostEvidence != nil { lostEvidence = nil }
        isIdentical = false
    }
}
