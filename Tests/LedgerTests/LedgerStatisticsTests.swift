import AgentRuns
import Ledger
import Testing

/// Durations are those of what was carried out, and open is what nothing in the ledger ends.
@Suite(.timeLimit(.minutes(10)))
struct LedgerStatisticsTests {
    private func record(
        _ kind: LedgerEntry.Kind, time: UInt64 = 1, tool: String = "refund", refers: EntryNumber? = nil, duration: UInt64? = nil
    ) -> LedgerRecord {
        var entry = LedgerEntry(kind, time: time)
        entry.tool = tool
        entry.arm = .baseline
        entry.refers = refers
        entry.duration = duration
        entry.verdict = kind == .refusal ? .refused : kind == .completion ? .fenced : .allowed
        return LedgerRecord(entry)
    }

    private func reader(_ records: [LedgerRecord], _ stage: Stage) throws -> LedgerReader {
        do { try LedgerMaintenance(stage.configuration).append(records) }
        return try LedgerReader(stage.path)
    }

    @Test("refusals take no part in percentiles, and neither do intents", arguments: [LedgerEntry.Kind.call, .completion])
    func percentiles(kind: LedgerEntry.Kind) throws {
        let stage = try Stage()
        var records = [record(.intent, duration: 7)]
        for _ in 1...11 { records.append(record(.refusal, duration: 1000)) }
        for _ in 1...8 { records.append(record(kind, duration: 5_000_000_000)) }
        let found = try reader(records, stage).statistics(LedgerFilter())
        #expect(found.count == 1 && found.first?.refusals == 11)
        #expect(found.first?.p50 == 5_000_000_000 && found.first?.p95 == 5_000_000_000)
        let refused = try LedgerReader(stage.path).statistics(LedgerFilter(kind: .refusal))
        #expect(refused.first?.p50 == nil && refused.first?.p95 == nil)
    }

    @Test("a call that got no answer, or was cancelled, is neither well nor an error")
    func unknownEnds() throws {
        let stage = try Stage()
        let records = [LedgerEntry.Outcome.success, .error, .unknown, .cancelled, .unknown].map { outcome in
            var record = record(.call)
            record.entry.outcome = outcome
            return record
        }
        let found = try reader(records, stage).statistics(LedgerFilter())
        #expect(found.first?.calls == 5 && found.first?.errors == 1 && found.first?.unknown == 3)
    }

    /// Ways to filter, with how many of the five intents without an end are open in it.
    private static let filters: [(name: String, open: Int, change: @Sendable (inout LedgerFilter) -> Void)] = [
        ("all", 5, { _ in }), ("since", 5, { $0.since = 100 }), ("until", 0, { $0.until = 100 }),
        ("the intents alone", 5, { $0.kind = .intent }), ("the completions alone", 0, { $0.kind = .completion }),
        ("a verdict", 5, { $0.verdict = .allowed }), ("a tool", 5, { $0.tool = "refund" }),
        ("a time", 0, { $0.since = 50; $0.until = 60 }),
    ]

    /// Five intents that were completed elsewhere, five without an end, and then the completions of the first five.
    @Test("an intent is open unless something in the ledger ends it", arguments: 0..<8)
    func whatIsOpen(index: Int) throws {
        let (name, open, change) = Self.filters[index]
        var filter = LedgerFilter()
        change(&filter)
        let stage = try Stage()
        var records: [LedgerRecord] = []
        for _ in 1...5 { records.append(record(.intent, time: 50)) }
        for _ in 1...5 { records.append(record(.intent, time: 100)) }
        for intent in 1...5 { records.append(record(.completion, time: 100, refers: UInt64(intent))) }
        let found = try reader(records, stage).statistics(filter)
        #expect(found.map(\.open).reduce(0, +) == open, "\(name)")
    }

    /// Intents and completions in any order, as many writers at once leave them, against a count by hand.
    @Test(arguments: 0..<20)
    func anyOrder(seed: Int) throws {
        let stage = try Stage()
        var records: [LedgerRecord] = []
        var waiting: [Int] = []
        for number in 1...200 {
            let tool = ["refund", "send"][number % 2]
            switch Int.random(in: 0..<(seed % 4 + 3)) {
            case 0:
                waiting.append(number)
                records.append(record(.intent, time: UInt64(number), tool: tool))
            case 1 where !waiting.isEmpty:
                let intent = waiting.remove(at: .random(in: waiting.indices))
                records.append(record(.completion, time: UInt64(number), tool: ["refund", "send"][intent % 2], refers: UInt64(intent)))
            default: records.append(record(.call, time: UInt64(number), tool: tool))
            }
        }
        let reader = try reader(records, stage)
        for (low, high) in [(0, 300), (0, 100), (50, 150), (120, 121), (190, 300)] {
            var filter = LedgerFilter()
            filter.since = UInt64(low)
            if high < 300 { filter.until = UInt64(high) }
            for kind in [nil, LedgerEntry.Kind.intent] {
                filter.kind = kind
                let open = try reader.statistics(filter).map(\.open).reduce(0, +)
                #expect(open == waiting.count { low <= $0 && $0 < high }, "\(low)..<\(high)")
            }
        }
    }
}
