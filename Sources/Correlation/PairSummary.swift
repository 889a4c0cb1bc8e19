internal import AgentRuns
public import RunStore

/// Many pairs in a few numbers.
public struct PairSummary: Sendable {
    public private(set) var pairs = 0
    /// Those in which nothing differed.
    public private(set) var alike = 0
    /// Those whose baseline is not in the store.
    public private(set) var withoutBaseline = 0
    /// Pairs by what differed in them; a pair can count several times.
    public private(set) var differences: [PairComparison.Difference: Int] = [:]
    /// Differences of tool calls by their kind.
    public private(set) var toolChanges: [String: Int] = [:]
    /// Of the pairs that have both.
    public private(set) var baseline = ArmSummary()
    public private(set) var candidate = ArmSummary()

    public init() {}

    public mutating func add(_ comparison: PairComparison) {
        pairs += 1
        guard let baseline = comparison.baseline else {
            withoutBaseline += 1
            return
        }
        if comparison.differences.isEmpty { alike += 1 }
        for difference in comparison.differences { differences[difference, default: 0] += 1 }
        for change in comparison.toolChanges { toolChanges[change.kind, default: 0] += 1 }
        self.baseline.add(baseline)
        candidate.add(comparison.candidate)
    }
}

/// Many runs of one arm in a few numbers.
public struct ArmSummary: Sendable {
    public private(set) var runs = 0
    /// Runs that failed on the wire, with a status of 500 or more, or by the agent's own word.
    public private(set) var errors = 0
    /// Runs that the baseline served although the candidate was chosen.
    public private(set) var fallbacks = 0
    public private(set) var outcomes: [String: Int] = [:]
    /// Calls by tool; of the first ``maximumNames`` tools.
    public private(set) var calls: [String: Int] = [:]
    /// Calls that the tool gateway did not let through; of those that the store keeps.
    public private(set) var refusedCalls = 0
    /// Calls that the store does not keep, since their runs made too many.
    public private(set) var omittedCalls = 0
    /// Calls that it keeps, also those of other tools than the first.
    private var keptCalls = 0
    private var durations: [UInt64] = []
    private var tokens = 0.0
    private var tokenRuns = 0

    /// Of tools and outcomes: what comes from outside must not grow without a bound.
    public static let maximumNames = 1000

    public init() {}

    public mutating func add(_ run: StoredRun) {
        runs += 1
        if run.errorType != nil { errors += 1 }
        if !run.fallback.isEmpty { fallbacks += 1 }
        if let outcome = run.outcome, outcomes.count < Self.maximumNames || outcomes[outcome] != nil { outcomes[outcome, default: 0] += 1 }
        omittedCalls += run.omittedCalls
        keptCalls += run.calls.count
        for call in run.calls {
            if calls.count < Self.maximumNames || calls[call.tool] != nil { calls[call.tool, default: 0] += 1 }
            if let verdict = call.verdict, verdict == "refused" || verdict == "fenced" { refusedCalls += 1 }
        }
        if let duration = run.duration { durations.append(duration) }
        if let count = run.tokens {
            tokens += count
            tokenRuns += 1
        }
    }

    /// Nanoseconds: the smallest latency that at least this share of the runs does not exceed (nearest rank); nil without any.
    public func latency(percentile: Int) -> UInt64? {
        guard !durations.isEmpty else { return nil }
        let rank = (durations.count * percentile + 99) / 100
        return durations.sorted()[max(0, rank - 1)]
    }

    /// Of the runs that say how many; nil where none does, and where their sum is beyond all numbers.
    public var meanTokens: Double? {
        guard tokenRuns > 0, tokens.isFinite else { return nil }
        return tokens / Double(tokenRuns)
    }
    /// Of all calls, also those that the store does not keep; nil without runs.
    public var callsPerRun: Double? { runs > 0 ? Double(keptCalls + omittedCalls) / Double(runs) : nil }
}

/// The runs of a canary: both arms' requests under one revision of a rollout, none of which ran beside another.
public struct Cohorts: Sendable {
    public struct Key: Hashable, Sendable {
        public var rolloutID: String
        public var revision: Int
        public var stage: String
    }

    public struct Arms: Sendable {
        public var baseline = ArmSummary()
        public var candidate = ArmSummary()

        /// Tools that only the candidate called.
        public var newTools: [String] { candidate.calls.keys.filter { baseline.calls[$0] == nil }.sorted() }
        /// Tools that only the baseline called.
        public var missingTools: [String] { baseline.calls.keys.filter { candidate.calls[$0] == nil }.sorted() }
    }

    private var arms: [Key: Arms] = [:]

    public init() {}

    public mutating func add(_ run: StoredRun) {
        let key = Key(of: run)
        switch run.role {
        case .baseline: arms[key, default: Arms()].baseline.add(run)
        case .candidate: arms[key, default: Arms()].candidate.add(run)
        }
    }

    /// The last revision first.
    public var all: [(key: Key, arms: Arms)] {
        arms.sorted { ($1.key.rolloutID, $1.key.revision, $1.key.stage) < ($0.key.rolloutID, $0.key.revision, $0.key.stage) }
            .map { ($0.key, $0.value) }
    }
}

extension Cohorts.Key {
    public init(of run: StoredRun) { self.init(rolloutID: run.rolloutID, revision: run.rolloutRevision, stage: run.stage) }
}
