public import Replay

/// Compares a replay, detail by detail, with an ``EarlierReport``.
///
/// Memory grows with the number of traces by their fingerprints, and with the ids of those that changed.
public struct EarlierComparison: Sendable {
    private struct Trace {
        var passedBefore: Bool
        var isSeen = false
        /// Whether a repetition failed now.
        var hasFailed = false
    }

    private let file: String
    private var keys = TraceKeys()
    private var traces: [TraceKey: Trace]
    private var broken: [String] = []
    /// Traces that failed before and have not failed yet, in the order in which they came.
    private var mending: [TraceKey: (order: Int, id: String)] = [:]
    private var order = 0
    private var onlyNow: Set<TraceKey> = []

    public init(_ earlier: consuming EarlierReport) {
        file = earlier.file
        traces = earlier.traces.mapValues { Trace(passedBefore: $0) }
    }

    public mutating func add(_ detail: borrowing RunDetail) {
        let key = keys.next(detail.traceID.map { Array($0.utf8) }, detail.repetition)
        guard var trace = traces[key] else {
            onlyNow.insert(key)
            return
        }
        let isFirst = !trace.isSeen
        let hadFailed = trace.hasFailed
        trace.isSeen = true
        if !detail.passed { trace.hasFailed = true }
        traces[key] = trace
        if trace.passedBefore {
            if trace.hasFailed, !hadFailed { broken.append(name(detail)) }
        } else if trace.hasFailed {
            mending[key] = nil
        } else if isFirst {
            mending[key] = (order, name(detail))
            order += 1
        }
    }

    /// After the last detail.
    public consuming func result() -> ReplayReport.EarlierResult {
        var result = ReplayReport.EarlierResult(file: file)
        result.broken = broken
        result.fixed = mending.values.sorted { $0.order < $1.order }.map(\.id)
        result.onlyBefore = traces.values.reduce(into: 0) { if !$1.isSeen { $0 += 1 } }
        result.onlyNow = onlyNow.count
        return result
    }

    private func name(_ detail: borrowing RunDetail) -> String {
        Visible.cut(detail.title, 200)
    }
}
