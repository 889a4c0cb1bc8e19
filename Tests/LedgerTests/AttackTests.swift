import Digests
import Foundation
import GRDB
import Ledger
import Testing

/// Whoever can write the files tries to hide something; both verifiers find it and name it.
@Suite(.timeLimit(.minutes(10)))
struct AttackTests {
    @Test func anHonestLedgerIsGood() async throws {
        let stage = try Stage()
        try await stage.fill(25, checkpointEvery: 10)
        #expect(try stage.finding() == .init(problem: nil, entry: nil))
        let result = try stage.verifier.verify(stage.path)
        #expect(result.entries == 25 && result.covered == 25 && result.contents == 25)
        #expect(result.checkpoints == 4, "after 1, 10, 20 and 25 entries, each in the database and in the file")
    }

    @Test(arguments: EntryField.allCases.dropFirst())
    func anyFieldChanged(field: EntryField) async throws {
        let stage = try Stage()
        try await stage.fill(25, checkpointEvery: 10)
        let change = switch field.form {
        case .number: "\(field.rawValue) + 1"
        case .text: "\(field.rawValue) || 'x'"
        case .bytes: "CAST(x'00' || substr(\(field.rawValue), 2) AS BLOB)"
        }
        // The digests' first byte could be 0 already.
        try stage.change("UPDATE entries SET \(field.rawValue) = \(change) WHERE number = 14")
        if field.form == .bytes { try stage.change("UPDATE entries SET \(field.rawValue) = zeroblob(length(\(field.rawValue)) + 0) WHERE number = 14") }
        #expect(try stage.finding() == .init(problem: "changed", entry: 14))
        try stage.change("UPDATE entries SET \(field.rawValue) = \(field.form == .number ? "0" : "NULL") WHERE number = 14 AND '\(field.rawValue)' NOT IN ('time', 'kind')")
        #expect(try stage.finding() == .init(problem: "changed", entry: 14))
    }

    @Test func everyByteOfAHash() async throws {
        let stage = try Stage()
        try await stage.fill(3, checkpointEvery: 10)
        let hash = try stage.data("SELECT hash FROM entries WHERE number = 2")
        var bytes = hash
        for i in bytes.indices {
            bytes[i] ^= 0x10
            try stage.change("UPDATE entries SET hash = ? WHERE number = 2", [bytes])
            #expect(try stage.verifier.verify(stage.path).finding?.entry == 2)
            bytes[i] ^= 0x10
        }
    }

    @Test(arguments: [
        ("swapped entries", "UPDATE entries SET number = 1000 WHERE number = 5; UPDATE entries SET number = 5 WHERE number = 9; UPDATE entries SET number = 9 WHERE number = 1000", "changed", 5),
        ("swapped trace ids", "UPDATE entries SET trace_id = (SELECT trace_id FROM entries WHERE number = 18 - e.number) FROM entries e WHERE entries.number = e.number AND e.number IN (8, 10)", "changed", 8),
        ("deleted from the middle", "DELETE FROM entries WHERE number = 7", "missing", 7),
        ("deleted from the start", "DELETE FROM entries WHERE number < 4", "missing", 1),
        ("deleted and renumbered", "DELETE FROM entries WHERE number = 7; UPDATE entries SET number = number - 1 WHERE number = 8", "changed", 7),
        ("an entry put in", "UPDATE entries SET number = 26 WHERE number = 25; INSERT INTO entries SELECT 25, time, kind, trace_id, span_id, run_id, request_id, arm, mode, agent, release_version, release_digest, rollout_revision, tool, effect, verdict, reason, refers, arguments_size, arguments_digest, arguments_kept, result_size, result_digest, result_kept, duration, outcome, hash FROM entries WHERE number = 3", "changed", 25),
        ("the tail cut", "DELETE FROM entries WHERE number > 22; DELETE FROM contents WHERE entry > 22", "cut", 23),
        ("the tail cut with its checkpoints", "DELETE FROM entries WHERE number > 18; DELETE FROM contents WHERE entry > 18; DELETE FROM checkpoints WHERE count > 18", "cut", 19),
        ("all cut", "DELETE FROM entries; DELETE FROM contents; DELETE FROM checkpoints", "cut", 1),
        ("a checkpoint's count", "UPDATE checkpoints SET count = 19 WHERE count = 20", "checkpoint", 19),
        ("a checkpoint's time", "UPDATE checkpoints SET time = time + 1 WHERE count = 10", "checkpoint", 10),
        ("a checkpoint's root", "UPDATE checkpoints SET root = zeroblob(32) WHERE count = 10", "checkpoint", 10),
        ("a checkpoint's last hash", "UPDATE checkpoints SET last_hash = zeroblob(32) WHERE count = 10", "checkpoint", 10),
        ("a checkpoint's frontier", "UPDATE checkpoints SET frontier = zeroblob(length(frontier)) WHERE count = 10", "checkpoint", 10),
        ("a checkpoint's signature", "UPDATE checkpoints SET signature = zeroblob(64) WHERE count = 20", "checkpoint", 20),
        ("a checkpoint's key", "UPDATE checkpoints SET public_key = zeroblob(32) WHERE count = 20", "checkpoint", 20),
        ("a checkpoint without a signature", "UPDATE checkpoints SET signature = x'', public_key = x'' WHERE count = 20", "signer", 20),
        ("content changed", "UPDATE contents SET arguments = CAST('{\"order\":99}' AS BLOB) WHERE entry = 6", "content", 6),
        ("content of one half removed", "UPDATE contents SET result = NULL WHERE entry = 6", "content", 6),
        ("content removed in silence", "DELETE FROM contents WHERE entry = 6", "erased", 6),
        ("content of no entry", "UPDATE contents SET entry = 77 WHERE entry = 6", "content", 77),
        ("another ledger's id", "UPDATE ledger SET id = zeroblob(16)", "other_ledger", nil),
        ("a base that nobody vouches for", "DELETE FROM entries WHERE number <= 3; DELETE FROM contents WHERE entry <= 3; UPDATE ledger SET base_count = 3, base_hash = (SELECT hash FROM entries WHERE number = 4), base_frontier = zeroblob(64)", "base", 3),
    ] as [(String, String, String, UInt64?)])
    func attack(name: String, sql: String, problem: String, entry: UInt64?) async throws {
        let stage = try Stage()
        try await stage.fill(25, checkpointEvery: 10)
        try stage.change(sql)
        if problem == "content", entry == 77 {
            // The content that is gone is found as well; either may come first.
            let found = try #require(try stage.verifier.verify(stage.path).finding)
            #expect([.content, .erased].contains(found.problem))
            return
        }
        #expect(try stage.finding() == .init(problem: problem, entry: entry), "\(name)")
    }

    /// The chain is computed anew from an entry on, as our own code would; only the key is missing.
    @Test(arguments: [true, false])
    func rechainedWithoutTheKey(withOwnKey: Bool) async throws {
        let stage = try Stage()
        try await stage.fill(25, checkpointEvery: 10)
        let forged = try Stage()
        var configuration = forged.configuration
        configuration.signingKey = withOwnKey ? SigningKey([UInt8](repeating: 1, count: 32)) : nil
        configuration.checkpointFile = nil
        let writer = try LedgerWriter(configuration)
        try await writer.close()
        let id = try stage.data("SELECT CAST(id || base_hash AS BLOB) FROM ledger")
        // The forger begins with the same id, writes other entries, and puts the result in place of the ledger.
        try forged.change("UPDATE ledger SET id = ?, base_hash = ?", [Data(id.prefix(16)), Data(id.dropFirst(16))])
        let again = try LedgerWriter(configuration)
        for number in 1...25 { again.note(try Stage.record(number == 13 ? 99 : number)) }
        try await again.flush()
        try await again.close()
        // With the forger's own checkpoint, and with the real ones copied over it.
        try forged.copy(to: stage)
        #expect(try stage.finding(checkpoints: false) == .init(problem: "signer", entry: 1))
        try forged.change("DELETE FROM checkpoints")
        try forged.copy(to: stage)
        #expect(try stage.finding() == .init(problem: "rewritten", entry: 11))
    }

    @Test func replacedByAnOlderCopy() async throws {
        let stage = try Stage()
        try await stage.fill(12, checkpointEvery: 10)
        let old = try Data(contentsOf: URL(fileURLWithPath: stage.path))
        try await stage.fill(13, checkpointEvery: 10)
        #expect(try stage.finding() == .init(problem: nil, entry: nil))
        try old.write(to: URL(fileURLWithPath: stage.path))
        #expect(try stage.finding(checkpoints: false) == .init(problem: nil, entry: nil), "the database alone cannot tell")
        #expect(try stage.finding() == .init(problem: "cut", entry: 13))
        // The writer sees it as well, and does not go on from there.
        let refusal = #expect(throws: LedgerError.self) { try LedgerWriter(stage.configuration) }
        #expect(refusal?.kind == .rolledBack)
    }

    @Test func aCheckpointFileThatWasEdited() async throws {
        let stage = try Stage()
        try await stage.fill(25, checkpointEvery: 10)
        let file = URL(fileURLWithPath: stage.checkpointFile)
        let text = try String(contentsOf: file, encoding: .utf8)
        try text.replacingOccurrences(of: "\"count\":10,", with: "\"count\":11,").write(to: file, atomically: false, encoding: .utf8)
        #expect(try stage.finding() == .init(problem: "checkpoint", entry: 11))
    }
}

extension Stage {
    func copy(to other: Stage) throws {
        try? FileManager.default.removeItem(atPath: other.path)
        try FileManager.default.copyItem(atPath: path, toPath: other.path)
    }

    // MARK: without the key, and with all files to write

    /// Entries are taken away up to a real checkpoint, which is then said to have vouched for them.
    @Test(arguments: [10, 25])
    func prunedInSilence(base: Int) async throws {
        let stage = try Stage()
        try await stage.fill(25, checkpointEvery: 10)
        try stage.change(
            """
            DELETE FROM entries WHERE number <= \(base); DELETE FROM contents WHERE entry <= \(base);
            UPDATE ledger SET (base_count, base_hash, base_frontier) = (SELECT count, last_hash, frontier FROM checkpoints WHERE count = \(base))
            """)
        #expect(try stage.finding() == .init(problem: "base", entry: UInt64(base)))
        #expect(try stage.finding(publicKey: false) == .init(problem: "base", entry: UInt64(base)))
    }

    /// Without checkpoints nothing says who wrote it.
    @Test func nothingSigned() async throws {
        let stage = try Stage()
        try await stage.fill(25, checkpointEvery: 10)
        try stage.change("DELETE FROM checkpoints")
        #expect(try stage.finding(checkpoints: false) == .init(problem: "signer", entry: 1))
        #expect(try stage.finding() == .init(problem: nil, entry: nil), "the file has them")
    }

    /// Of a tail that no checkpoint covers, whoever has a key trusts no more than is allowed.
    @Test func aLongTail() async throws {
        let stage = try Stage()
        try await stage.fill(25, checkpointEvery: 10)
        try stage.change("DELETE FROM checkpoints WHERE count > 1")
        var verifier = stage.verifier
        verifier.checkpointFile = nil
        verifier.maximumUncovered = 24
        #expect(try verifier.verify(stage.path).isGood)
        verifier.maximumUncovered = 23
        #expect(try verifier.verify(stage.path).finding?.problem == .signer)
    }

    /// The forger's chain is sound, and its last entry says that content was erased which was only deleted.
    @Test func erasureForged() async throws {
        let stage = try Stage()
        try await stage.fill(25, checkpointEvery: 10)
        var configuration = stage.configuration
        configuration.signingKey = nil
        configuration.checkpointFile = nil
        do { _ = try LedgerMaintenance(configuration).erase([6], reason: "nobody asked") }
        try stage.change("DELETE FROM checkpoints WHERE count > 25")
        #expect(try stage.finding() == .init(problem: "erased", entry: 6))
        #expect(try stage.finding(publicKey: false) == .init(problem: nil, entry: nil), "nobody trusts a key")
    }

    /// An index can hold other values than its table, and a query that is answered from it alone shows those.
    @Test(arguments: [
        "CREATE INDEX more ON entries (kind, outcome)", "CREATE TABLE more (x)",
        "PRAGMA user_version = 0", "DROP TABLE blocks", "DROP TABLE marks; CREATE TABLE marks (field, value, block, places, more)",
    ])
    func otherIndexes(sql: String) async throws {
        let stage = try Stage()
        try await stage.fill(5, checkpointEvery: 10)
        try stage.change(sql)
        #expect(#expect(throws: LedgerError.self) { try stage.verifier.verify(stage.path) }?.kind == .notALedger)
        #expect(#expect(throws: LedgerError.self) { try LedgerReader(stage.path) }?.kind == .notALedger)
    }

    /// Empty text encodes as NULL does, and reads otherwise.
    @Test(arguments: [("tool", "''"), ("verdict", "''"), ("arguments_digest", "x''"), ("trace_id", "x''")])
    func emptyForNothing(field: String, value: String) async throws {
        let stage = try Stage()
        let writer = try LedgerWriter(stage.configuration)
        for _ in 1...3 { writer.note(LedgerRecord(LedgerEntry(.rolloutChange, time: 1))) }
        try await writer.close()
        #expect(try stage.finding() == .init(problem: nil, entry: nil))
        try stage.change("UPDATE entries SET \(field) = \(value) WHERE number = 2")
        #expect(try stage.finding() == .init(problem: "changed", entry: 2))
    }

    /// The honest writer must not sign what it did not write.
    @Test(arguments: [
        ("UPDATE entries SET tool = 'other' WHERE number = 24", LedgerError.Kind.corrupt),
        ("UPDATE checkpoints SET signature = zeroblob(64) WHERE count = 20", .corrupt),
        ("UPDATE checkpoints SET public_key = zeroblob(32) WHERE count = 20", .keys),
        ("UPDATE checkpoints SET public_key = x'', signature = x'' WHERE count = 20", .keys),
        ("DELETE FROM checkpoints", .keys),
    ])
    func theWriterRefuses(sql: String, kind: LedgerError.Kind) async throws {
        let stage = try Stage()
        try await stage.fill(25, checkpointEvery: 10)
        try stage.change("DELETE FROM checkpoints WHERE count = 25")
        try stage.change(sql)
        try FileManager.default.removeItem(atPath: stage.checkpointFile)
        #expect(#expect(throws: LedgerError.self) { try LedgerMaintenance(stage.configuration) }?.kind == kind)
    }

    /// The whole ledger is another, as long as the real one, and the checkpoint file is in its place.
    @Test func theWriterComparesTheFile() async throws {
        let stage = try Stage()
        try await stage.fill(25, checkpointEvery: 10)
        let forged = try Stage()
        var configuration = forged.configuration
        configuration.signingKey = nil
        configuration.checkpointFile = nil
        let id = try stage.data("SELECT CAST(id || base_hash AS BLOB) FROM ledger")
        do { _ = try LedgerMaintenance(configuration) }
        try forged.change("UPDATE ledger SET id = ?, base_hash = ?", [Data(id.prefix(16)), Data(id.dropFirst(16))])
        do {
            let ledger = try LedgerMaintenance(configuration)
            try ledger.append(try (1...30).map { try Stage.record($0 == 13 ? 99 : $0) })
        }
        try forged.change("DELETE FROM checkpoints")
        try forged.copy(to: stage)
        #expect(#expect(throws: LedgerError.self) { try LedgerMaintenance(stage.configuration) }?.kind == .rolledBack)
    }

    /// A link to a ledger is the ledger.
    @Test func aSecondWriterThroughALink() async throws {
        let stage = try Stage()
        let link = stage.folder.appendingPathComponent("link.db").path
        try await stage.fill(1, checkpointEvery: 10)
        let first = try LedgerMaintenance(stage.configuration)
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: stage.path)
        var configuration = stage.configuration
        configuration.path = link
        #expect(#expect(throws: LedgerError.self) { try LedgerMaintenance(configuration) }?.kind == .inUse)
        #expect(first.count == 1)
    }

    @Test func anotherApplicationsDatabaseStaysAsItIs() throws {
        let stage = try Stage()
        try stage.change("PRAGMA application_id = 7; CREATE TABLE notes (text)")
        let before = try Data(contentsOf: URL(fileURLWithPath: stage.path))
        #expect(#expect(throws: LedgerError.self) { try LedgerMaintenance(stage.configuration) }?.kind == .notALedger)
        #expect(try Data(contentsOf: URL(fileURLWithPath: stage.path)) == before)
    }
}
