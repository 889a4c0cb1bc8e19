import GRDB
import Testing
@testable import RunStore

@Suite("Queries of the run store") struct RunQueryTests {
    /// By name, each with how many values it is given.
    private static let queries: [String: (sql: String, values: Int)] = [
        "candidates": (RunQuery.candidates, 2), "ofMode": (RunQuery.ofMode, 3), "ofRequest": (RunQuery.ofRequest, 1),
        "recordedAs": (RunQuery.recordedAs, 1), "ofTrace": (RunQuery.ofTrace, 1), "one": (RunQuery.one, 2),
        "beside": (RunQuery.beside, 2), "calls": (RunQuery.calls, 1),
    ]

    @Test("No query sorts rows, which SQLite would write to files of its own, or reads all of them", arguments: queries.keys.sorted())
    func plan(name: String) throws {
        let scratch = try Scratch()
        _ = try RunStoreWriter(scratch.path())
        let query = try #require(Self.queries[name])
        let steps = try DatabaseQueue(path: scratch.path()).read { db in
            try Row.fetchAll(
                db, sql: "EXPLAIN QUERY PLAN " + query.sql, arguments: StatementArguments(Array(repeating: 0, count: query.values))
            ).map { row -> (parent: Int, detail: String) in (row["parent"], row["detail"]) }
        }
        // What stands below another step finds ids, and has nothing else to sort.
        let ofRows = steps.filter { $0.parent == 0 }.map(\.detail)
        #expect(!ofRows.isEmpty)
        #expect(ofRows.allSatisfy { !$0.contains("TEMP B-TREE") }, "\(ofRows)")
        #expect(steps.allSatisfy { !$0.detail.hasPrefix("SCAN") }, "\(steps)")
    }
}
