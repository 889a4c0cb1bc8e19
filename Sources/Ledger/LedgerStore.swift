internal import AgentRuns
internal import Digests
internal import FileLocks
internal import GRDB

/// The writing side of a ledger's database: what is appended, and what may be taken away.
///
/// `@unchecked Sendable`: it is opened on one thread and then used on the writer's alone.
final class LedgerStore: @unchecked Sendable {
    let path: String
    private let lock: FileLock
    private let queue: DatabaseQueue
    private let digests: KeyedDigest
    private let signingKey: SigningKey?
    private let checkpointFile: CheckpointFile?
    private let insertion: SQLStatement
    private let contentInsertion: SQLStatement
    private var encoding = EntryEncoding()
    private(set) var head: Head

    /// Where the chain ends.
    struct Head {
        var ledgerID: [UInt8]
        var hash: Digest
        var frontier: MerkleFrontier
        /// Entries that the last checkpoint covers.
        var checkpointed: UInt64

        var count: UInt64 { frontier.count }
    }

    /// - Throws: ``LedgerError`` when another process writes it, when it is no ledger, or is behind its checkpoint file.
    init(_ configuration: LedgerConfiguration) throws(LedgerError) {
        path = configuration.path
        lock = try FileLock(ofLedger: configuration.path)
        queue = try LedgerFile.openForWriting(configuration.path, busyTimeout: configuration.busyTimeout)
        digests = KeyedDigest(key: configuration.digestKey)
        signingKey = configuration.signingKey
        do {
            (head, insertion, contentInsertion) = try queue.write { db in
                (
                    try Self.head(db), try SQLStatement(db, EntryRow.insertion),
                    try SQLStatement(db, "INSERT INTO contents VALUES (?, ?, ?)")
                )
            }
            checkpointFile = try configuration.checkpointFile.map { file throws(LedgerError) in try CheckpointFile(file) }
            if let checkpointFile { try reconcile(checkpointFile) }
        } catch {
            throw LedgerError(error, configuration.path)
        }
    }

    /// The head as the database has it: from the last checkpoint on, so that opening a large ledger is quick.
    private static func head(_ db: Database) throws -> Head {
        var base: (id: [UInt8], count: UInt64, hash: Digest?, frontier: MerkleFrontier?)?
        try db.rows("SELECT id, base_count, base_hash, base_frontier FROM ledger") { row in
            base = (
                row.bytes(0), row.number(1), row.withBytes(2) { Digest($0) },
                MerkleFrontier(count: row.number(1), bytes: row.bytes(3))
            )
        }
        guard let base, base.id.count == 16, var hash = base.hash, var frontier = base.frontier else {
            throw LedgerError(.corrupt, "the ledger's own row is damaged")
        }
        var checkpointed = base.count
        let last = "SELECT count, last_hash, frontier, root FROM checkpoints WHERE count >= ? ORDER BY count DESC LIMIT 1"
        try db.rows(last, [.init(base.count)]) { row in
            guard let peaks = MerkleFrontier(count: row.number(0), bytes: row.bytes(2)),
                let last = row.withBytes(1, { Digest($0) }),
                peaks.root == row.withBytes(3, { Digest($0) })
            else { throw LedgerError(.corrupt, "its checkpoint of \(row.number(0)) entries is damaged") }
            (frontier, hash, checkpointed) = (peaks, last, row.number(0))
        }
        let from = frontier.count
        try db.rows("SELECT number, hash FROM entries WHERE number > ? ORDER BY number", [.init(from)]) { row in
            guard row.number(0) == frontier.count + 1, let next = row.withBytes(1, { Digest($0) }) else {
                throw LedgerError(
                    .corrupt, "entry \(frontier.count + 1) is missing or damaged; outrigger audit verify says more")
            }
            hash = next
            frontier.append(next)
        }
        let count = try db.number("SELECT max(number) FROM entries") ?? base.count
        guard count == frontier.count else {
            throw LedgerError(.rolledBack, "it has \(count) entries and a checkpoint of \(frontier.count): its end was cut off")
        }
        return Head(ledgerID: base.id, hash: hash, frontier: frontier, checkpointed: checkpointed)
    }

    /// The checkpoint file must not know of more than there is, and must know of what there is.
    private func reconcile(_ file: CheckpointFile) throws {
        let known = try file.read().last
        if let known {
            guard known.ledgerID == head.ledgerID else {
                throw LedgerError(.rolledBack, "the checkpoint file \(file.path) is another ledger's")
            }
            guard known.count <= head.count else {
                throw LedgerError(
                    .rolledBack,
                    "the ledger \(path) has \(head.count) entries, its checkpoint file \(file.path) says \(known.count): an older copy was put "
                        + "in its place, or its end was cut off; outrigger audit verify says more")
            }
        }
        for checkpoint in try queue.read({ try Self.checkpoints($0, ledgerID: head.ledgerID, after: known?.count) }) {
            try file.append(checkpoint)
        }
    }

    static func checkpoints(_ db: Database, ledgerID: [UInt8], after count: UInt64? = nil) throws -> [Checkpoint] {
        var found: [Checkpoint] = []
        let sql = "SELECT count, time, last_hash, root, public_key, signature FROM checkpoints WHERE count > ? ORDER BY count"
        try db.rows(sql, [.integer(count.map { Int64(clamping: $0) } ?? -1)]) { row in
            guard let hash = row.withBytes(2, { Digest($0) }), let root = row.withBytes(3, { Digest($0) }) else {
                throw LedgerError(.corrupt, "the checkpoint of \(row.number(0)) entries is damaged")
            }
            var checkpoint = Checkpoint(
                ledgerID: ledgerID, count: row.number(0), time: row.number(1), lastHash: hash, root: root)
            checkpoint.publicKey = row.bytes(4)
            checkpoint.signature = row.bytes(5)
            found.append(checkpoint)
        }
        return found
    }

    /// Appends entries, all or none, durably.
    ///
    /// - Returns: the first one's number.
    func append(_ records: [LedgerRecord]) throws(LedgerError) -> EntryNumber {
        try transaction { db in try self.insert(records) }
    }

    /// Runs `body` in a transaction; the head is what it was when that fails.
    private func transaction<Result>(_ body: (Database) throws -> Result) throws(LedgerError) -> Result {
        let before = head
        do {
            return try queue.write(body)
        } catch {
            head = before
            throw LedgerError(error, path)
        }
    }

    /// Reads the head anew: after a failure nobody knows whether the last transaction took place.
    func recover() throws(LedgerError) {
        do {
            head = try queue.read { try Self.head($0) }
        } catch {
            throw LedgerError(error, path)
        }
    }

    private func insert(_ records: [LedgerRecord]) throws -> EntryNumber {
        let first = head.count + 1
        for record in records {
            var entry = record.entry.bounded
            entry.number = head.count + 1
            if let content = record.arguments { entry.arguments = mark(content) }
            if let content = record.result { entry.result = mark(content) }
            let hash = encoding.hash(entry, after: head.hash)
            try insertion.run(EntryRow.values(entry, hash))
            if record.arguments?.kept != nil || record.result?.kept != nil {
                try contentInsertion.run([.init(entry.number), .init(record.arguments?.kept), .init(record.result?.kept)])
            }
            head.hash = hash
            head.frontier.append(hash)
        }
        return first
    }

    private func mark(_ content: LedgerRecord.Content) -> LedgerEntry.ContentMark {
        let digest = digests.digest(of: content.bytes)
        let kept = content.kept.map { $0 == content.bytes ? digest : digests.digest(of: $0) }
        return LedgerEntry.ContentMark(size: UInt64(content.bytes.count), digest: digest, kept: kept)
    }

    func contains(_ traceID: TraceID) throws(LedgerError) -> Bool {
        do {
            let id = bigEndian(traceID.high) + bigEndian(traceID.low)
            return try queue.read { try $0.number("SELECT 1 FROM entries WHERE trace_id = ? LIMIT 1", [.blob(id)]) != nil }
        } catch {
            throw LedgerError(error, path)
        }
    }

    /// Makes a checkpoint of all entries; nil when there is one already.
    func checkpoint() throws(LedgerError) -> Checkpoint? {
        guard head.count > head.checkpointed else { return nil }
        var checkpoint = Checkpoint(
            ledgerID: head.ledgerID, count: head.count, time: unixNanoseconds(), lastHash: head.hash, root: head.frontier.root)
        if let signingKey { checkpoint.sign(signingKey) }
        try transaction { db in
            try db.run(
                "INSERT INTO checkpoints VALUES (?, ?, ?, ?, ?, ?, ?)",
                [
                    .init(checkpoint.count), .init(checkpoint.time), .blob(checkpoint.lastHash.bytes),
                    .blob(checkpoint.root.bytes),
                    .blob(checkpoint.publicKey), .blob(checkpoint.signature), .blob(self.head.frontier.bytes),
                ])
        }
        head.checkpointed = head.count
        // After the database: a file that knew more than it would tell of a cut tail.
        try checkpointFile?.append(checkpoint)
        return checkpoint
    }

    /// Removes the content of these entries and records that it did. The chain stays, since only digests stand in it.
    ///
    /// - Returns: how many had content.
    func erase(_ numbers: [EntryNumber], reason: String) throws(LedgerError) -> Int {
        let erased = try transaction { db in
            let deletion = try SQLStatement(db, "DELETE FROM contents WHERE entry = ?")
            var records: [LedgerRecord] = []
            for number in numbers {
                try deletion.run([.init(number)])
                guard db.changesCount > 0 else { continue }
                var entry = LedgerEntry(.erasure, time: unixNanoseconds())
                entry.refers = number
                entry.reason = reason
                records.append(LedgerRecord(entry))
            }
            _ = try self.insert(records)
            return records.count
        }
        try compact()
        return erased
    }

    /// Removes the entries up to a checkpoint, which vouches for them from then on.
    ///
    /// - Parameter time: Unix nanoseconds; entries from then on stay.
    /// - Returns: how many entries went.
    func prune(before time: UInt64, reason: String) throws(LedgerError) -> UInt64 {
        let pruned: UInt64 = try transaction { db in
            let base = try db.number("SELECT base_count FROM ledger") ?? 0
            let firstKept =
                try db.number("SELECT min(number) FROM entries WHERE time >= ?", [.init(time)]) ?? self.head.count + 1
            var found: (count: UInt64, hash: [UInt8], frontier: [UInt8])?
            let sql = """
                SELECT count, last_hash, frontier FROM checkpoints WHERE count > ? AND count < ? ORDER BY count DESC LIMIT 1
                """
            try db.rows(sql, [.init(base), .init(firstKept)]) { found = ($0.number(0), $0.bytes(1), $0.bytes(2)) }
            guard let found else { return 0 }
            try db.run("DELETE FROM entries WHERE number <= ?", [.init(found.count)])
            try db.run("DELETE FROM contents WHERE entry <= ?", [.init(found.count)])
            try db.run(
                "UPDATE ledger SET base_count = ?, base_hash = ?, base_frontier = ?",
                [.init(found.count), .blob(found.hash), .blob(found.frontier)])
            var entry = LedgerEntry(.pruning, time: unixNanoseconds())
            entry.refers = found.count
            entry.reason = reason
            _ = try self.insert([LedgerRecord(entry)])
            return found.count - base
        }
        if pruned > 0 { try compact() }
        return pruned
    }

    /// What was deleted must not live on in free pages or in the log.
    private func compact() throws(LedgerError) {
        do {
            try queue.writeWithoutTransaction { db in
                try db.run("VACUUM")
                try db.run("PRAGMA wal_checkpoint(TRUNCATE)")
            }
        } catch {
            throw LedgerError(error, path)
        }
    }
}

extension LedgerEntry {
    /// With its text cut to ``maximumText`` bytes, and numbers that a database can hold.
    fileprivate var bounded: LedgerEntry {
        var entry = self
        for field in [\LedgerEntry.runID, \.requestID, \.agent, \.releaseVersion, \.releaseDigest, \.tool, \.reason] {
            if entry[keyPath: field].utf8.count > Self.maximumText { entry[keyPath: field] = cut(entry[keyPath: field]) }
        }
        entry.time = min(time, UInt64(Int64.max))
        entry.duration = duration.map { min($0, UInt64(Int64.max)) }
        entry.rolloutRevision = rolloutRevision.map { min($0, UInt64(Int64.max)) }
        entry.refers = refers.map { min($0, UInt64(Int64.max)) }
        return entry
    }

    private func cut(_ text: String) -> String {
        var count = 0
        var scalars = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            count += String(scalar).utf8.count
            guard count <= Self.maximumText - 3 else { break }
            scalars.append(scalar)
        }
        return String(scalars) + "…"
    }
}
