import AgentRuns
import Foundation
import GRDB
import Ledger
import Testing

/// What filters look up, over several blocks of 1024 entries.
@Suite(.timeLimit(.minutes(10)))
struct EntryMarksTests {
    /// Filters, with what they let through.
    private static let filters: [(name: String, filter: LedgerFilter, matches: @Sendable (LedgerEntry) -> Bool)] = {
        func filter(_ change: (inout LedgerFilter) -> Void) -> LedgerFilter {
            var filter = LedgerFilter()
            change(&filter)
            return filter
        }
        let start: UInt64 = 1_790_000_000_000_000_000
        let (early, late) = (start + 1_000 * 1_000_000, start + 1_100 * 1_000_000)
        let trace = TraceID(high: 0x1111, low: 1_300)
        return [
            ("all", filter { _ in }, { _ in true }),
            ("tool", filter { $0.tool = "send é" }, { $0.tool == "send é" }),
            ("verdict", filter { $0.verdict = .allowed }, { $0.verdict == .allowed }),
            ("kind", filter { $0.kind = .erasure }, { $0.kind == .erasure }),
            ("kind and arm", filter { $0.kind = .call; $0.arm = .candidate }, { $0.kind == .call && $0.arm == .candidate }),
            ("release and tool", filter { $0.release = "v1"; $0.tool = "lookup" }, { $0.releaseVersion == "v1" && $0.tool == "lookup" }),
            ("digest", filter { $0.release = "sha256:abc"; $0.arm = .baseline }, { $0.releaseDigest == "sha256:abc" && $0.arm == .baseline }),
            ("trace", filter { $0.traceID = trace }, { $0.traceID == trace }),
            ("request", filter { $0.requestID = "request-2047" }, { $0.requestID == "request-2047" }),
            ("run", filter { $0.runID = "run-1025" }, { $0.runID == "run-1025" }),
            ("none such", filter { $0.agent = "nobody" }, { _ in false }),
            ("nothing at all", filter { $0.tool = "" }, { _ in false }),
            ("since", filter { $0.since = late }, { $0.time >= late }),
            ("until", filter { $0.until = early }, { $0.time < early }),
            ("a time", filter { $0.since = early; $0.until = late }, { $0.time >= early && $0.time < late }),
            ("a time and arm", filter { $0.since = early; $0.until = late; $0.arm = .baseline }, { $0.time >= early && $0.time < late && $0.arm == .baseline }),
        ]
    }()

    /// Each filter's entries, page by page and in both directions, are those that a look at every entry gives.
    private func compare(_ stage: Stage, _ what: String) throws {
        let reader = try LedgerReader(stage.path)
        var all: [LedgerEntry] = []
        try reader.forEach(LedgerFilter()) { all.append($0.entry) }
        for (name, filter, matches) in Self.filters {
            let expected = all.filter(matches).map(\.number)
            for newestFirst in [true, false] {
                var found: [EntryNumber] = []
                var after: EntryNumber?
                while true {
                    let page = try reader.entries(filter, .init(limit: 700, after: after, newestFirst: newestFirst, withContent: false))
                    found += page.map(\.entry.number)
                    guard page.count == 700 else { break }
                    after = page.last?.entry.number
                }
                #expect(found == (newestFirst ? expected.reversed() : expected), "\(what): \(name)")
            }
        }
        let statistics = try reader.statistics(LedgerFilter(kind: .refusal))
        #expect(statistics.map(\.refusals).reduce(0, +) == all.count { $0.kind == .refusal })
    }

    private func append(_ numbers: ClosedRange<Int>, to stage: Stage, batch: Int = 300) throws {
        let ledger = try LedgerMaintenance(stage.configuration)
        for first in stride(from: numbers.lowerBound, through: numbers.upperBound, by: batch) {
            try ledger.append(try (first...min(numbers.upperBound, first + batch - 1)).map { try Stage.record($0, kept: $0 % 100 == 0) })
        }
        _ = try ledger.checkpoint()
    }

    @Test func filtersOverBlocks() throws {
        let stage = try Stage()
        try append(1...1000, to: stage)
        try compare(stage, "before a block is full")
        // Opened again, and over the end of two blocks.
        try append(1001...1024, to: stage, batch: 7)
        try append(1025...2100, to: stage)
        try compare(stage, "blocks and a rest")
        #expect(try stage.finding() == .init(problem: nil, entry: nil))
        #expect(try LedgerMaintenance(stage.configuration).erase([100, 1100, 2100], reason: "asked") == 3)
        try compare(stage, "after an erasure")
        // Up to the checkpoint of 1000 entries, in the middle of a block; then at the end of one.
        #expect(try LedgerMaintenance(stage.configuration).prune(before: try Stage.record(1010).entry.time, reason: "old") == 1000)
        try compare(stage, "pruned within a block")
        #expect(try stage.finding() == .init(problem: nil, entry: nil))
        #expect(try LedgerMaintenance(stage.configuration).prune(before: try Stage.record(1100).entry.time, reason: "old") == 24)
        try append(2200...3400, to: stage)
        try compare(stage, "pruned up to a block's end")
        #expect(try stage.finding() == .init(problem: nil, entry: nil))
        // All of it goes, also the block that entries are being added to.
        do {
            let ledger = try LedgerMaintenance(stage.configuration)
            #expect(try ledger.prune(before: .max >> 1, reason: "all") > 2000)
            for number in 1...900 { try ledger.append([try Stage.record(number)]) }
            #expect(try ledger.contains(TraceID(high: 0x1111, low: 900)) && !ledger.contains(TraceID(high: 0x1111, low: 1500)))
        }
        try compare(stage, "pruned wholly")
        #expect(try stage.finding() == .init(problem: nil, entry: nil))
    }

    @Test func tracesAreKnown() throws {
        let stage = try Stage()
        try append(1...1500, to: stage)
        let ledger = try LedgerMaintenance(stage.configuration)
        for number in [1, 1024, 1025, 1500] { #expect(try ledger.contains(TraceID(high: 0x1111, low: UInt64(number))), "\(number)") }
        #expect(try !ledger.contains(TraceID(high: 0x1111, low: 1501)))
        try ledger.append([try Stage.record(1501)])
        #expect(try ledger.contains(TraceID(high: 0x1111, low: 1501)))
        // A shadow's entry of the same request, in another block, stands beside the baseline's.
        var record = try Stage.record(3)
        record.entry.traceID = TraceID(high: 0x2222, low: 3)
        try ledger.append([record])
        #expect(try LedgerReader(stage.path).trace(TraceID(high: 0x1111, low: 3)).map(\.entry.number) == [3, 1502])
        #expect(try LedgerReader(stage.path).trace(TraceID(high: 0x2222, low: 3)).map(\.entry.number) == [3, 1502])
    }

    /// A transaction that fails at the end of a block leaves no marks behind, and what comes later has them.
    @Test func aFailureAtTheEndOfABlock() throws {
        let stage = try Stage()
        try append(1...1020, to: stage)
        let ledger = try LedgerMaintenance(stage.configuration)
        try stage.change("INSERT INTO contents VALUES (1026, x'01', NULL)")
        #expect(throws: LedgerError.self) { try ledger.append(try (1021...1030).map { try Stage.record($0) }) }
        #expect(ledger.count == 1020)
        try stage.change("DELETE FROM contents WHERE entry = 1026")
        try ledger.append(try (1021...1030).map { try Stage.record($0) })
        _ = try ledger.checkpoint()
        try compare(stage, "after the failure")
        #expect(try stage.finding() == .init(problem: nil, entry: nil))
    }

    /// What would hide an entry from a list is found, named, and can be mended.
    @Test(arguments: [
        ("a mark removed", "DELETE FROM marks WHERE field = 13 AND value = CAST('refund' AS BLOB) AND block = 1", 1025),
        ("a trace's mark removed", "DELETE FROM marks WHERE field = 3 AND block = 0 AND value = (SELECT trace_id FROM entries WHERE number = 7)", 1),
        ("a mark moved to another block", "UPDATE marks SET block = 5 WHERE field = 15 AND block = 1", 1025),
        ("a place changed", "UPDATE marks SET places = x'0001' WHERE field = 3 AND block = 1 AND value = (SELECT trace_id FROM entries WHERE number = 1500)", 1025),
        ("a bit changed", "UPDATE marks SET places = zeroblob(128) WHERE field = 13 AND block = 0", 1),
        ("a value changed", "UPDATE marks SET value = CAST('Refund' AS BLOB) WHERE field = 13 AND value = CAST('refund' AS BLOB) AND block = 0", 1),
        ("one too many", "INSERT INTO marks VALUES (13, x'41', 1, x'0000')", 1025),
        ("of entries that there are not", "INSERT INTO marks VALUES (13, x'41', 77, x'0000')", 77 * 1024 + 1),
        ("of a field that there is not", "INSERT INTO marks VALUES (-1, x'41', 9000000000000000000, x'')", nil),
        ("a block's time", "UPDATE blocks SET latest = latest + 1 WHERE block = 1", 1025),
        ("a block's start", "UPDATE blocks SET earliest = 0 WHERE block = 0", 1),
        ("a block removed", "DELETE FROM blocks WHERE block = 0", 1),
        ("the last block removed", "DELETE FROM blocks WHERE block = 1", 1025),
        ("a block that is not full", "INSERT INTO blocks VALUES (2, 0, 9223372036854775807)", 2049),
        ("all removed", "DELETE FROM blocks; DELETE FROM marks", 1),
    ] as [(String, String, Int?)])
    func changedMarks(name: String, sql: String, entry: Int?) throws {
        let stage = try Stage()
        try append(1...2100, to: stage)
        try stage.change(sql)
        if let entry {
            #expect(try stage.finding() == .init(problem: "index", entry: UInt64(entry)), "\(name)")
        } else {
            #expect(try stage.verifier.verify(stage.path).finding?.problem == .index, "\(name)")
        }
        for (_, filter, _) in Self.filters { _ = try LedgerReader(stage.path).entries(filter, .init(limit: 50)) }
        try LedgerMaintenance(stage.configuration).reindex()
        #expect(try stage.finding() == .init(problem: nil, entry: nil))
        try compare(stage, name)
    }

    /// Bytes are changed on the pages of the marks themselves.
    @Test(arguments: 0..<24)
    func aDamagedPage(seed: Int) throws {
        let stage = try Stage()
        try append(1...2100, to: stage)
        let file = URL(fileURLWithPath: stage.path)
        var bytes = try Data(contentsOf: file)
        // Leaves of an index or of a table without row ids; the migrator's own has one as well.
        let pages = stride(from: 4096, to: bytes.count, by: 4096).filter { bytes[$0] == 0x0A && bytes[$0 + 4] > 8 }
        let page = try #require(pages.count > 10 ? pages : nil)[seed % pages.count]
        // Where the cells are: from there on no byte is without a meaning, except what deleted cells left.
        let cell = Int(bytes[page + 8]) << 8 | Int(bytes[page + 9])
        bytes[page + cell + 6 + seed % 8] ^= 0x55
        try bytes.write(to: file)
        let finding = try #require(try stage.verifier.verify(stage.path).finding)
        #expect(finding.problem == .index, "\(finding)")
    }

    /// Databases of the versions before, which have indexes of SQLite's.
    @Test(arguments: [1, 2])
    func olderVersions(version: Int) throws {
        let stage = try Stage()
        try append(1...1500, to: stage)
        try stage.makeOlder(version)
        let before = try Data(contentsOf: URL(fileURLWithPath: stage.path))
        try compare(stage, "version \(version)")
        #expect(try stage.finding() == .init(problem: nil, entry: nil))
        #expect(try stage.verifier.verify(stage.path).notes.contains { $0.contains("older version") })
        #expect(try Data(contentsOf: URL(fileURLWithPath: stage.path)) == before, "who reads changes nothing")
        try append(1501...2100, to: stage)
        let now = try DatabaseQueue(path: stage.path).read { try Int.fetchOne($0, sql: "PRAGMA user_version") }
        #expect(now == 3)
        try compare(stage, "version \(version) brought up to date")
        #expect(try stage.finding() == .init(problem: nil, entry: nil))
        #expect(try !stage.verifier.verify(stage.path).notes.contains { $0.contains("older version") })
    }

    @Test func anOlderVersionWithOtherIndexes() throws {
        let stage = try Stage()
        try append(1...5, to: stage)
        try stage.makeOlder(2)
        try stage.change("DROP INDEX entries_tool; CREATE INDEX entries_tool ON entries (tool, verdict)")
        #expect(#expect(throws: LedgerError.self) { try LedgerReader(stage.path) }?.kind == .notALedger)
        #expect(#expect(throws: LedgerError.self) { try LedgerWriter(stage.configuration) }?.kind == .notALedger)
    }

    @Test func aListWithoutContent() throws {
        let stage = try Stage()
        try append(98...100, to: stage)
        let reader = try LedgerReader(stage.path)
        #expect(try reader.entries(LedgerFilter(), .init(limit: 1)).first?.result != nil)
        #expect(try reader.entries(LedgerFilter(), .init(limit: 1, withContent: false)).first?.result == nil)
        // What is not asked for is not read: content that cannot be read is in nobody's way.
        try stage.change("UPDATE contents SET arguments = zeroblob(200000000) WHERE entry = 3")
        #expect(throws: LedgerError.self) { try reader.entries(LedgerFilter(), .init(limit: 1)) }
        #expect(try reader.entries(LedgerFilter(), .init(limit: 1, withContent: false)).count == 1)
    }
}

extension Stage {
    /// Makes the database one of an older version, as that version made it.
    func makeOlder(_ version: Int) throws {
        let columns = ["time", "trace_id", "tool", "agent", "release_version"] + (version > 1 ? ["verdict", "arm", "request_id"] : [])
        let indexes = columns.map { "CREATE INDEX entries_\($0) ON entries (\($0));" }.joined(separator: "\n")
        try change("""
            DROP TABLE marks; DROP TABLE blocks; \(indexes)
            DELETE FROM grdb_migrations WHERE CAST(identifier AS INTEGER) > \(version); PRAGMA user_version = \(version)
            """)
    }
}
