import AgentRuns
import GRDB
import Ledger
import Testing

/// Lists, statistics and differences read the entries themselves, whatever an index says.
@Suite(.timeLimit(.minutes(10)))
struct LyingIndexTests {
    /// A ledger that looks like an older version's, one of whose indexes leaves refunds out.
    private func stage(_ column: String) throws -> Stage {
        let stage = try Stage()
        do { try LedgerMaintenance(stage.configuration).append(try (1...60).map { try Stage.record($0) }) }
        try stage.makeOlder(2)
        try stage.change("""
            DROP INDEX entries_\(column); CREATE INDEX entries_\(column) ON entries (\(column)) WHERE tool <> 'refund';
            PRAGMA writable_schema = ON;
            UPDATE sqlite_schema SET sql = 'CREATE INDEX entries_\(column) ON entries (\(column))' WHERE name = 'entries_\(column)';
            PRAGMA writable_schema = OFF
            """)
        return stage
    }

    @Test(arguments: ["tool", "arm", "verdict", "agent", "release_version", "trace_id", "request_id"])
    func hidesNothing(column: String) throws {
        let stage = try stage(column)
        let reader = try LedgerReader(stage.path)
        var filter = LedgerFilter()
        switch column {
        case "tool": filter.tool = "refund"
        case "arm": filter.arm = .candidate
        case "verdict": filter.verdict = .refused
        case "agent": filter.agent = "support"
        case "release_version": filter.release = "v1"
        case "trace_id": filter.traceID = try Stage.record(31).entry.traceID
        default: filter.requestID = "request-31"
        }
        var expected = 0
        for number in 1...60 {
            let entry = try Stage.record(number).entry
            guard entry.tool == "refund" else { continue }
            switch column {
            case "arm", "release_version": expected += number % 2
            case "trace_id", "request_id": expected += number == 31 ? 1 : 0
            default: expected += 1
            }
        }
        let listed = try reader.entries(filter, .init(limit: 100)).filter { $0.entry.tool == "refund" }
        #expect(listed.count == expected)
        #expect(try reader.statistics(filter).filter { $0.tool == "refund" }.map(\.refusals).reduce(0, +) == expected)
        #expect(try reader.difference(LedgerFilter(), byArguments: true).contains { $0.tool == "refund" })
    }
}
