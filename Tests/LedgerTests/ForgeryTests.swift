import Foundation
import GRDB
import Ledger
import Synchronization
import Testing

/// Whoever can write the files tries to have the key's owner vouch for what they did, or to keep readers from finding what is there.
@Suite(.timeLimit(.minutes(10)))
struct ForgeryTests {
    /// Forges a removal as our own code would make it, but for the key.
    private func forgeRemoval(_ kind: LedgerEntry.Kind, in stage: Stage) throws {
        var configuration = stage.configuration
        configuration.signingKey = nil
        configuration.checkpointFile = nil
        let ledger = try LedgerMaintenance(configuration)
        switch kind {
        case .erasure: #expect(try ledger.erase([6], reason: "nobody asked") == 1)
        default: #expect(try ledger.prune(before: try Stage.record(15).entry.time, reason: "nobody asked") == 10)
        }
    }

    @Test(arguments: [LedgerEntry.Kind.erasure, .pruning])
    func theWriterSignsNoForgedRemoval(kind: LedgerEntry.Kind) async throws {
        let stage = try Stage()
        try await stage.fill(25, checkpointEvery: 10)
        try forgeRemoval(kind, in: stage)
        try stage.change("DELETE FROM checkpoints WHERE count > 25")
        let refusal = #expect(throws: LedgerError.self) { try LedgerMaintenance(stage.configuration) }
        #expect(refusal?.kind == .corrupt && refusal?.message.contains("entry 26 says that something was taken away") == true)
        #expect(try stage.finding().problem == (kind == .erasure ? "erased" : "base"))
    }

    /// The writer runs, and takes over nothing that it did not write.
    @Test func anEntryPutBehindARunningWriter() async throws {
        let stage = try Stage()
        let other = try Stage()
        try await stage.fill(25, checkpointEvery: 10)
        for suffix in ["", "-wal"] where FileManager.default.fileExists(atPath: stage.path + suffix) {
            try FileManager.default.copyItem(atPath: stage.path + suffix, toPath: other.path + suffix)
        }
        var configuration = other.configuration
        configuration.signingKey = nil
        configuration.checkpointFile = nil
        do { _ = try LedgerMaintenance(configuration).append([try Stage.record(99)]) }

        let writer = try LedgerWriter(stage.configuration)
        let database = try DatabaseQueue(path: other.path)
        let found = try database.read { try Row.fetchOne($0, sql: "SELECT * FROM entries WHERE number = 26") }
        let row = try #require(found)
        let values = row.map(\.1)
        try stage.change("INSERT INTO entries VALUES (\(values.map { _ in "?" }.joined(separator: ", ")))", values)
        await #expect(throws: LedgerError.self) { try await writer.begin(try Stage.record(26)) }
        await #expect(throws: LedgerError.self) { try await writer.begin(try Stage.record(27)) }
        #expect(writer.health.problem?.kind == .corrupt)
        try? await writer.close()
        let checkpointed = try await DatabaseQueue(path: stage.path).read { try Int.fetchOne($0, sql: "SELECT max(count) FROM checkpoints") }
        #expect(checkpointed == 25)
    }

    /// A key in an inner page is what a search goes by: entries behind it are there, and are not found.
    @Test func aPageThatMisleadsSearches() async throws {
        let stage = try Stage()
        do {
            let ledger = try LedgerMaintenance(stage.configuration)
            for first in stride(from: 1, to: 900, by: 300) { try ledger.append(try (first..<(first + 300)).map { try Stage.record($0) }) }
            _ = try ledger.checkpoint()
        }
        #expect(try stage.finding() == .init(problem: nil, entry: nil))
        let root = try await DatabaseQueue(path: stage.path).read { try Int.fetchOne($0, sql: "SELECT rootpage FROM sqlite_schema WHERE name = 'entries'") }
        let file = URL(fileURLWithPath: stage.path)
        var bytes = try Data(contentsOf: file)
        let page = 4096 * (try #require(root) - 1)
        #expect(bytes[page] == 0x05, "an inner page of a table")
        let count = Int(bytes[page + 3]) << 8 | Int(bytes[page + 4])
        // Each cell is a page's number and the largest key in it, of two bytes here.
        let keys = (0..<count).map { page + (Int(bytes[page + 12 + 2 * $0]) << 8 | Int(bytes[page + 13 + 2 * $0])) + 4 }
        let key = try #require(keys.first { bytes[$0] & 0x80 != 0 && bytes[$0 + 1] & 0x80 == 0 && bytes[$0 + 1] > 3 })
        let number = EntryNumber(bytes[key] & 0x7F) << 7 | EntryNumber(bytes[key + 1])
        bytes[key + 1] -= 2
        try bytes.write(to: file)
        #expect(try LedgerReader(stage.path).entry(number) == nil, "the attack does what it is for")
        #expect(try stage.finding() == .init(problem: "unreadable", entry: nil))
    }

    /// Text with the same bytes is not what a filter looks for.
    @Test func aMarkOfAnotherType() throws {
        let stage = try Stage()
        do { try LedgerMaintenance(stage.configuration).append(try (1...1100).map { try Stage.record($0) }) }
        let strictness = "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, ?, ?) WHERE name = 'marks'"
        try stage.change(strictness, ["STRICT, WITHOUT ROWID", "WITHOUT ROWID"])
        try stage.change("UPDATE marks SET value = CAST(value AS TEXT) WHERE field = 13")
        try stage.change(strictness, ["WITHOUT ROWID", "STRICT, WITHOUT ROWID"])
        #expect(try stage.finding() == .init(problem: "index", entry: 1))
    }

    @Test func nothingIsPrunedUpToADamagedCheckpoint() async throws {
        let stage = try Stage()
        try await stage.fill(25, checkpointEvery: 10)
        try stage.change("UPDATE checkpoints SET frontier = zeroblob(length(frontier)) WHERE count = 10")
        do {
            let ledger = try LedgerMaintenance(stage.configuration)
            let time = try Stage.record(15).entry.time
            #expect(#expect(throws: LedgerError.self) { try ledger.prune(before: time, reason: "retention") }?.kind == .corrupt)
        }
        #expect(try LedgerReader(stage.path).entry(1) != nil)
    }

    /// Whoever keeps the collector's copy of the checkpoints misses none.
    @Test func everyCheckpointIsToldOf() async throws {
        let stage = try Stage()
        let told = Mutex<[UInt64]>([])
        let writer = try LedgerWriter(stage.configuration) { checkpoint in told.withLock { $0.append(checkpoint.count) } }
        for number in 1...25 {
            writer.note(try Stage.record(number))
            if number % 10 == 0 { _ = try await writer.checkpoint() }
        }
        try await writer.close()
        let stored = try await DatabaseQueue(path: stage.path).read { try Int64.fetchAll($0, sql: "SELECT count FROM checkpoints ORDER BY count") }
        #expect(told.withLock { $0 }.map(Int64.init) == stored && stored.first == 1)
    }

    /// Calls are recorded where only the file of checkpoints is away, and nobody says otherwise.
    @Test func aCheckpointFileThatIsAway() async throws {
        let stage = try Stage()
        let writer = try LedgerWriter(stage.configuration)
        _ = try await writer.begin(try Stage.record(1))
        try FileManager.default.moveItem(atPath: stage.checkpointFile, toPath: stage.checkpointFile + ".away")
        _ = try await writer.begin(try Stage.record(2))
        await #expect(throws: LedgerError.self) { try await writer.checkpoint() }
        _ = try await writer.begin(try Stage.record(3))
        #expect(writer.health.isWritable && writer.health.checkpointProblem != nil && writer.health.refused == 0)
        try FileManager.default.moveItem(atPath: stage.checkpointFile + ".away", toPath: stage.checkpointFile)
        _ = try await writer.begin(try Stage.record(4))
        try await writer.close()
        #expect(writer.health.checkpointProblem == nil)
        #expect(try stage.finding() == .init(problem: nil, entry: nil))
    }

    /// A reader kept the bytes of what was removed; the second attempt removes nothing more, and makes away with them.
    @Test func whatAReaderKeptIsRemovedByTheNextAttempt() async throws {
        let stage = try Stage()
        try await stage.fill(25, checkpointEvery: 10)
        let time = try Stage.record(15).entry.time
        do {
            let ledger = try LedgerMaintenance(stage.configuration)
            var isFirst = true
            try LedgerReader(stage.path).forEach(LedgerFilter()) { _ in
                guard isFirst else { return }
                isFirst = false
                #expect(#expect(throws: LedgerError.self) { try ledger.prune(before: time, reason: "retention") }?.kind == .locked)
            }
            #expect(!isFirst)
            #expect(try ledger.prune(before: time, reason: "retention") == 0)
            let log = try Data(contentsOf: URL(fileURLWithPath: stage.path + "-wal"))
            #expect(log.isEmpty)
        }
        let bytes = try Data(contentsOf: URL(fileURLWithPath: stage.path))
        #expect(bytes.range(of: Data("{\"order\":7}".utf8)) == nil)
    }
}
