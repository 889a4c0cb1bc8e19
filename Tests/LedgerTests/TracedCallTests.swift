import AgentRuns
import GRDB
import Ledger
import Testing

/// What a trace shows of both arms.
@Suite(.timeLimit(.minutes(10)))
struct TracedCallTests {
    private let trace = TraceID(high: 1, low: 1)

    private func record(
        _ kind: LedgerEntry.Kind, _ tool: String, _ arm: RunRole = .baseline, refers: EntryNumber? = nil
    ) -> LedgerRecord {
        var entry = LedgerEntry(kind, time: 1)
        entry.traceID = trace
        entry.tool = tool
        entry.arm = arm
        entry.refers = refers
        return LedgerRecord(entry)
    }

    /// A baseline's write is two entries, a shadow's one: call stands beside call all the same.
    @Test func aWriteIsOneCall() throws {
        let stage = try Stage()
        do {
            try LedgerMaintenance(stage.configuration).append([
                record(.intent, "refund"), record(.intent, "send"), record(.call, "refund", .candidate),
                record(.completion, "send", refers: 2), record(.call, "send", .candidate), record(.call, "lookup"),
                record(.completion, "refund", refers: 1), record(.call, "lookup", .candidate), record(.intent, "refund"),
                record(.completion, "refund", refers: 77), record(.completion, "refund", refers: 1),
            ])
        }
        let calls = TracedCall.calls(of: try LedgerReader(stage.path).trace(trace))
        func numbers(_ arm: RunRole) -> [EntryNumber] { calls.filter { $0.entry.arm == arm }.map(\.entry.number) }
        #expect(numbers(.baseline) == [1, 2, 6, 9, 10, 11])
        #expect(numbers(.candidate) == [3, 5, 8])
        #expect(calls.compactMap(\.completion?.number) == [7, 4], "of the first intent and of the second")
        #expect(calls.first { $0.entry.number == 9 }?.completion == nil, "nothing ended it")
    }

    @Test func contentIsReadWhereItIsShown() throws {
        let stage = try Stage()
        do { try LedgerMaintenance(stage.configuration).append([try Stage.record(1), try Stage.record(2)]) }
        let reader = try LedgerReader(stage.path)
        let trace = try #require(try Stage.record(1).entry.traceID)
        #expect(try reader.trace(trace).map { $0.result != nil } == [true])
        #expect(try reader.trace(trace, withContent: false).map { $0.result != nil } == [false])
        // What is not asked for is in nobody's way.
        try stage.change("UPDATE contents SET result = zeroblob(70000000) WHERE entry = 1")
        #expect(throws: LedgerError.self) { try reader.trace(trace) }
        #expect(try reader.trace(trace, withContent: false).count == 1)
    }
}
