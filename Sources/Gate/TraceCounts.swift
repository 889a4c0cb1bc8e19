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

    mutating func add(_ trace: TraceMarks) {
        traces += 1
        failed += trace.hasFailed ? 1 : 0
        toolMisuse += trace.hasMisused ? 1 : 0
        budgetOverruns += (trace.wasSlow ? 1 : 0) + (trace.wasCostly ? 1 : 0)
        evident += trace.isEvident ? 1 : 0
    }
}

/// What happened in at least one repetition of a trace.
struct TraceMarks {
    var hasFailed = false
    var hasMisused = false
    var wasSlow = false
    var wasCostly = false
    var isEvident = false

    mutating func note(_ verdict: borrowing PairVerdict) {
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
