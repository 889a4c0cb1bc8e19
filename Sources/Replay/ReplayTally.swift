/// The counts of a replay, for all traces or for a slice of them. They add up: `total = passed + failed`.
public struct ReplayTally: Sendable {
    public var total = 0
    public var passed = 0
    public var failed = 0
    /// Traces whose candidate called a tool that is not allowed.
    public var toolMisuse = 0
    /// Times that a candidate's run took too long or cost too much.
    public var budgetOverruns = 0
    /// Candidates' reasons to fail, by name.
    public var reasons: [String: Int] = [:]
    /// Differences between the arms' tool calls, by kind, whether they count or not.
    public var toolChanges: [String: Int] = [:]
    /// Traces by whether the baseline's and the candidate's runs passed.
    public var outcomes = PairedOutcomes()
    /// Traces whose two runs are the same in all that is compared.
    public var identical = 0
    /// Traces in which something was expected of the candidate that could have failed.
    public var withExpectation = 0
    /// Traces with a run of both arms.
    public var compared = 0
    /// Why the others have none.
    public var unpaired = Unpaired()
    /// How often each check was looked at, by name.
    public var checks: [String: Int] = [:]
    /// How often a check's evaluator gave no score, by the check's name, with the first explanation.
    public var unscored: [String: Unscored] = [:]

    public init() {}

    public struct Unscored: Hashable, Sendable {
        public var count = 0
        /// What went wrong the first time.
        public var example: String
    }

    /// Traces without a run of both arms.
    public struct Unpaired: Hashable, Sendable {
        /// How often the arm gave no run, by the reason (`no_run`, `timeout`, …).
        public var baseline: [String: Int] = [:]
        public var candidate: [String: Int] = [:]
        /// Some of the traces' ids.
        public var examples: [String] = []

        public init() {}
    }

    public struct PairedOutcomes: Hashable, Sendable {
        public var bothPassed = 0
        public var onlyBaselinePassed = 0
        public var onlyCandidatePassed = 0
        public var bothFailed = 0

        public init() {}
    }

    /// - Returns: whether there is a run of both arms.
    @discardableResult
    public mutating func add(_ verdict: borrowing PairVerdict) -> Bool {
        total += 1
        for reason in verdict.candidate.reasons {
            switch reason {
            case .toolMisuse: toolMisuse += 1
            case .latency, .cost: budgetOverruns += 1
            default: break
            }
            reasons[reason.name, default: 0] += 1
        }
        for change in verdict.toolChanges { toolChanges[change.kind.rawValue, default: 0] += 1 }
        for check in verdict.candidate.checks { checks[check.name, default: 0] += 1 }
        for check in verdict.candidate.unscored { unscored[check.name, default: Unscored(example: check.evidence)].count += 1 }
        if verdict.passed { passed += 1 } else { failed += 1 }
        if verdict.isIdentical { identical += 1 }
        if verdict.candidate.hadExpectation { withExpectation += 1 }
        let isPaired = !verdict.baseline.hasProblem && !verdict.candidate.hasProblem
        if isPaired { compared += 1 } else { noteUnpaired(verdict) }
        switch (verdict.baseline.passed, verdict.candidate.passed) {
        case (true, true): outcomes.bothPassed += 1
        case (true, false): outcomes.onlyBaselinePassed += 1
        case (false, true): outcomes.onlyCandidatePassed += 1
        case (false, false): outcomes.bothFailed += 1
        }
        return isPaired
    }

    private mutating func noteUnpaired(_ verdict: borrowing PairVerdict) {
        // What kept a run from being compared is its only reason.
        if verdict.baseline.hasProblem, let reason = verdict.baseline.reasons.first {
            unpaired.baseline[reason.name, default: 0] += 1
        }
        if verdict.candidate.hasProblem, let reason = verdict.candidate.reasons.first {
            unpaired.candidate[reason.name, default: 0] += 1
        }
    }
}

extension ArmVerdict {
    /// Whether there is no run to compare.
    public var hasProblem: Bool {
        if case .problem = reasons.first { return true }
        return false
    }
}
