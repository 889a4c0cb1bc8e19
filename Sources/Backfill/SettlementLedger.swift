internal import Delivery
internal import Threads

/// Counts what became of the spans, from all the senders' threads.
final class SettlementLedger: Sendable {
    private let spans = Monitor(BackfillReport.Spans())

    func add(_ settlement: Settlement) {
        spans.withLock { spans in
            spans.accepted += settlement.accepted
            spans.rejected += settlement.rejected
            spans.unsent += settlement.unsent
            let lost = settlement.rejected + settlement.unsent
            if lost > 0 { spans.reasons[settlement.reason ?? "unknown", default: 0] += lost }
        }
    }

    var totals: BackfillReport.Spans { spans.withLock { $0 } }
}
