import AgentRuns
import Foundation
import GRDB
import RunStore
import Testing

/// Stores that were made to do harm: a reader may leave out what it finds there, or refuse it, and never trap.
@Suite("Hostile stores") struct HostileStoreTests {
    private let scratch: Scratch
    private let path: String

    init() throws {
        scratch = try Scratch()
        path = scratch.path()
        let writer = try RunStoreWriter(path)
        writer.add(.sample(1))
        #expect(writer.commit())
    }

    @Test("A file that is no store is known as that without leaving anything, and one that is not there is none to refuse")
    func inspection() throws {
        let text = scratch.path("text")
        try Data(repeating: 0x61, count: 5000).write(to: URL(fileURLWithPath: text))
        #expect(#expect(throws: RunStoreError.self) { try RunStoreWriter.inspect(text) }?.kind == .notAStore)
        try RunStoreWriter.inspect(scratch.path("none"))
        #expect(try Set(FileManager.default.contentsOfDirectory(atPath: scratch.folder.path)).isSuperset(of: ["text", "runs.db"]))
        #expect(!FileManager.default.fileExists(atPath: scratch.path("none")) && !FileManager.default.fileExists(atPath: text + "-wal"))
    }

    private func change(_ sql: String) throws { try DatabaseQueue(path: path).write { try $0.execute(sql: sql) } }

    private func run() throws -> StoredRun { try #require(try RunStoreReader(path).runs(ofTrace: StoredRun.sample(1).traceID).first) }

    typealias Case = (sql: String, change: @Sendable (inout StoredRun) -> Void)

    private static let cases: [Case] = [
        ("cost_tokens = 9e999", { $0.costTokens = nil }), ("cost_tokens = -9e999", { $0.costTokens = nil }),
        ("cost_tokens = -2.5", { $0.costTokens = nil }), ("cost_tokens = 1e308", { $0.costTokens = 1e308 }),
        ("input_tokens = -1", { $0.inputTokens = nil }), ("output_tokens = -9223372036854775808", { $0.outputTokens = nil }),
        ("input_tokens = 9223372036854775807", { $0.inputTokens = .max }),
        ("duration = -1", { $0.duration = nil }), ("duration = 9223372036854775807", { $0.duration = UInt64(Int64.max) }),
        ("divergence_index = 9223372036854775807", { $0.divergence = nil }), ("divergence_index = -1", { $0.divergence = nil }),
        ("divergence_index = 0", { $0.divergence?.index = 0 }), ("divergence_index = NULL", { $0.divergence = nil }),
        ("omitted_calls = 9223372036854775807", { $0.omittedCalls = 0 }), ("omitted_calls = -1", { $0.omittedCalls = 0 }),
        ("started = -1", { $0.started = 0 }), ("rollout_revision = -9223372036854775808", { $0.rolloutRevision = .min }),
        ("outcome = CAST(x'61FF00' AS TEXT)", { $0.outcome = "a\u{FFFD}\0" }),
        ("agent = printf('%.*c', 5000000, 'x')", { $0.agent = String(repeating: "x", count: StoredRun.maximumText) }),
        ("response = printf('%.*c', 5000000, 'x')", { $0.response = String(repeating: "x", count: StoredRun.maximumContent) }),
        ("response_digest = zeroblob(5000000)", { $0.responseDigest = Array(repeating: 0, count: 64) }),
    ]

    @Test("Numbers that no run has are left out, and texts cut as if they were written", arguments: cases.indices)
    func values(i: Int) throws {
        let (sql, change) = Self.cases[i]
        try self.change("UPDATE runs SET " + sql)
        var expected = StoredRun.sample(1)
        change(&expected)
        #expect(try run() == expected, "\(sql)")
    }

    @Test(
        "A row that does not say which run it is of is damaged",
        arguments: ["trace_id = x''", "span_id = zeroblob(5000000)", "role = 'x'", "mode = CAST(x'00' AS TEXT)"])
    func damaged(sql: String) throws {
        try change("UPDATE runs SET " + sql)
        let error = #expect(throws: RunStoreError.self) { try RunStoreReader(path).forEachPair(in: .init()) { _ in true } }
        #expect(error?.kind == .corrupt)
    }

    @Test("Of any number of calls as many are read as a run has, and each within its bounds")
    func calls() throws {
        try change(
            """
            DELETE FROM calls;
            WITH RECURSIVE n (i) AS (SELECT -100 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
            INSERT INTO calls SELECT 1, i, printf('%.*c', 2000, 'x'), zeroblob(2000), printf('%.*c', 5000, 'x'), 'refused', -1, -1 FROM n;
            """)
        let calls = try run().calls
        #expect(calls.count == StoredRun.maximumCalls)
        #expect(calls.allSatisfy { $0.tool.utf8.count == StoredRun.maximumText && $0.arguments?.utf8.count == StoredRun.maximumContent })
        #expect(calls.allSatisfy { $0.argumentsDigest.count == 64 && $0.duration == nil && $0.verdict == "refused" })
    }

    /// A store whose columns take anything: a run for each column that has the value there, with a call that has it everywhere.
    ///
    /// - Returns: its path, and the columns in the order of the runs, whose requests are `r0`, `r1` and so on.
    private func loose(_ value: String) throws -> (path: String, columns: [String]) {
        let tables = try DatabaseQueue(path: path).read { db in
            try String.fetchAll(db, sql: "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name IN ('store', 'runs', 'calls')")
        }
        let loose = scratch.path("loose.db")
        let columns = try DatabaseQueue(path: loose).write { db -> [String] in
            for table in tables {
                let anything = table.replacingOccurrences(of: ") STRICT, WITHOUT ROWID", with: ")").replacingOccurrences(of: ") STRICT", with: ")")
                try db.execute(sql: anything.replacingOccurrences(of: " NOT NULL", with: ""))
            }
            try db.execute(sql: "PRAGMA application_id = \(0x4F55_5453); PRAGMA user_version = 1")
            let columns = try db.columns(in: "runs").map(\.name).filter { $0 != "id" }
            for (i, column) in columns.enumerated() {
                let values = columns.map { name -> String in
                    if name == column { return value }
                    return name == "request_id" ? "'r\(i)'" : Self.plain(name)
                }
                try db.execute(
                    sql: "INSERT INTO runs (\(columns.joined(separator: ", "))) VALUES (\(values.joined(separator: ", ")))")
            }
            try db.execute(sql: "INSERT INTO calls SELECT id\(String(repeating: ", \(value)", count: 7)) FROM runs")
            return columns
        }
        return (loose, columns)
    }

    /// What a run may have in a column.
    private static func plain(_ column: String) -> String {
        switch column {
        case "trace_id", "pair_trace_id": "randomblob(16)"
        case "span_id", "pair_span_id": "randomblob(8)"
        case "role": "'candidate'"
        case "mode": "'replay'"
        default: "1"
        }
    }

    @Test(
        "Any value in any column is read as something, or its row is damaged",
        arguments: ["NULL", "x'FF00'", "'text'", "''", "1.5", "-7", "-9223372036854775808", "9e999", "zeroblob(8)"])
    func types(value: String) throws {
        let (file, columns) = try loose(value)
        #expect(columns.count > 30)
        let reader = try RunStoreReader(file)
        for (i, column) in columns.enumerated() {
            let found: [StoredRun]
            do throws(RunStoreError) {
                found = try reader.runs(ofRequest: "r\(i)")
            } catch {
                #expect(error.kind == .corrupt && ["trace_id", "span_id", "role", "mode"].contains(column), "\(column): \(error)")
                continue
            }
            #expect(found.count == (column == "request_id" ? 0 : 1), "\(column)")
            #expect(found.allSatisfy { ($0.tokens ?? 0).isFinite && $0.calls.count == 1 }, "\(column)")
        }
    }
}
