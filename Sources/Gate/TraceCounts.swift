internal import Replay

/// What traces came to, however often each was repeated: repetitions of one trace are no further evidence.
struct TraceCounts {
    var traces = 0
    /// Traces of which at least one repetition failed.
    ///
    /// Source: pass^k of tau-bench: what is wanted is that all of them pass.
    var failed = 0
    /// Traces of which at least one repetition called a tool that is not allowed.
    var toolMisuse = 0
    /// Budgets, of latency and of cost, that at least one repetition of a trace overran.
    var budgetOverruns = 0
    /// Traces of which at least one repetition ran in both arms and had something expected of it that could have failed.
    var evident = 0
    /// Traces that would be evident, were they not another line of a trace that is.
    var copies = 0
    /// Traces of which the candidate's run says less than the baseline's, so that something could not be judged.
    var lost = 0
    /// What was lost the first time.
    var lostExample: String?
    /// Traces of which the candidate ran at least once.
    var ran = 0
    /// Traces of which the candidate ran at least once and the baseline did not.
    var alone = 0
    /// Traces of which the candidate's run was held to a list of tools.
    var withAllowList = 0
    /// Traces of which the candidate's run states a latency or a cost.
    var measured = 0
    /// Traces of which the baseline states the value, rightly, and the candidate does not, and is not known to overrun it either.
    var unstated = (latency: 0, cost: 0)
    /// Candidates' runs that failed, or had something expected of them that could have failed, and those that passed of them.
    var judgedRuns = 0
    var passedRuns = 0

    /// - Parameter isCopy: whether a trace of the same id was counted before.
    mutating func add(_ trace: TraceMarks, isCopy: Bool) {
        traces += 1
        judgedRuns += trace.judgedRuns
        passedRuns += trace.passedRuns
        lost += trace.lostEvidence == nil ? 0 : 1
        lostExample = lostExample ?? trace.lostEvidence
        ran += trace.hasRun ? 1 : 0
        alone += trace.isAlone ? 1 : 0
        withAllowList += trace.hadAllowList ? 1 : 0
        measured += trace.hadMeasure ? 1 : 0
        unstated.latency += trace.hidesLatency && !trace.wasSlow ? 1 : 0
        unstated.cost += trace.hidesCost && !trace.wasCostly ? 1 : 0
        failed += trace.hasFailed ? 1 : 0
        toolMisuse += trace.hasMisused ? 1 : 0
        budgetOverruns += (trace.wasSlow ? 1 : 0) + (trace.wasCostly ? 1 : 0)
        evident += trace.isEvident && !isCopy ? 1 : 0
        copies += trace.isEvident && isCopy ? 1 : 0
    }
}

/// What happened in at least one repetition of a trace.
struct TraceMarks {
    var hasFailed = false
    var hasMisused = false
    var wasSlow = false
    var wasCostly = false
    var isEvident = false
    var lostEvidence: String?
    /// Whether the candidate ran.
    var hasRun = false
    /// Whether the baseline ran.
    var baselineRan = false
    /// Whether the candidate ran and the baseline did not, in any repetition.
    var isAlone: Bool { hasRun && !baselineRan }
    var hadAllowList = false
    var hadMeasure = false
    /// Whether the candidate's run leaves out what the baseline's states.
    var hidesLatency = false
    var hidesCost = false
    var judgedRuns = 0
    var passedRuns = 0
    /// Whether every repetition of the baseline, too, failed or could have failed.
    var isComparable = true

    mutating func note(_ verdict: borrowing PairVerdict) {
        lostEvidence = lostEvidence ?? verdict.lostEvidence
        hasRun = hasRun || !verdict.candidate.hasProblem
        baselineRan = baselineRan || !verdict.baseline.hasProblem
        hadAllowList = hadAllowList || verdict.candidate.hadAllowList
        hadMeasure = hadMeasure || verdict.candidate.hadMeasure
        let isJudged = !verdict.passed || verdict.candidate.hadExpectation
        judgedRuns += isJudged ? 1 : 0
        passedRuns += isJudged && verdict.passed ? 1 : 0
        isComparable = isComparable && isJudged && (!verdict.baseline.passed || verdict.baseline.hadExpectation)
        hasFailed = hasFailed || !verdict.passed
        for reason in verdict.candidate.reasons {
            switch reason {
            case .toolMisuse: hasMisused = true
            case .latency: wasSlow = true
            case .cost: wasCostly = true
            default: break
            }
        }
        isEvident = isEvident
            || verdict.candidate.hadExpectation && !verdict.baseline.hasProblem && !verdict.candidate.hasProblem
    }
}
