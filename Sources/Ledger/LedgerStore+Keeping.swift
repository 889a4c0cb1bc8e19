internal import DatabaseFiles
internal import GRDB
internal import Glibc

// What may be taken away from a ledger, so that it stays verifiable.
extension LedgerStore {
    /// Removes the content of these entries and records that it did. The chain stays, since only digests stand in it.
    ///
    /// - Parameter whileWritten: whether calls wait for this to end.
    /// - Returns: how many had content.
    func erase(_ numbers: [EntryNumber], reason: String, whileWritten: Bool = false) throws(LedgerError) -> Int {
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
            _ = try insert(records, db)
            // Without it nobody could tell that whoever has the key did this.
            if !records.isEmpty { _ = try seal(db) }
            return records.count
        }
        try settle(whileWritten)
        return erased
    }

    /// Removes the entries up to a checkpoint, which vouches for them from then on.
    ///
    /// - Parameters:
    ///   - time: Unix nanoseconds; entries from then on stay.
    ///   - part: no more entries than this go, except that those up to the next checkpoint do.
    ///   - whileWritten: whether calls wait for this to end.
    /// - Returns: how many entries went.
    func prune(
        before time: UInt64, reason: String, atMost part: UInt64 = .max, whileWritten: Bool = false
    ) throws(LedgerError) -> UInt64 {
        let pruned: UInt64 = try transaction { db in
            let base = try db.number("SELECT base_count FROM ledger") ?? 0
            let firstKept = try Self.first(since: time, db) ?? head.count + 1
            let (limit, isOver) = base.addingReportingOverflow(part)
            var found: (count: UInt64, hash: [UInt8], frontier: [UInt8])?
            let sql = """
                SELECT count, last_hash, frontier FROM checkpoints WHERE count > ? AND count < ?
                ORDER BY count <= ? DESC, CASE WHEN count <= ? THEN -count ELSE count END LIMIT 1
                """
            let bound = SQLStatement.Value(isOver ? .max : limit)
            try db.rows(sql, [.init(base), .init(firstKept), bound, bound]) { found = ($0.number(0), $0.bytes(1), $0.bytes(2)) }
            guard let found else { return 0 }
            try self.vouch(for: found.count, found.frontier, db)
            try db.run("DELETE FROM entries WHERE number <= ?", [.init(found.count)])
            try db.run("DELETE FROM contents WHERE entry <= ?", [.init(found.count)])
            try EntryMarks.prune(db, base: found.count, count: head.count)
            forgetOpenBlock()
            try db.run(
                "UPDATE ledger SET base_count = ?, base_hash = ?, base_frontier = ?",
                [.init(found.count), .blob(found.hash), .blob(found.frontier)])
            var entry = LedgerEntry(.pruning, time: unixNanoseconds())
            entry.refers = found.count
            entry.reason = reason
            _ = try insert([LedgerRecord(entry)], db)
            _ = try seal(db)
            return found.count - base
        }
        try settle(whileWritten)
        return pruned
    }

    /// A checkpoint takes the place of what is removed, so it must be whole: there is nothing to make it anew from afterwards.
    private func vouch(for count: UInt64, _ frontier: [UInt8], _ db: Database) throws {
        let checkpoint = try Self.checkpoints(db, ledgerID: head.ledgerID, after: count - 1).first { $0.count == count }
        guard let checkpoint, !checkpoint.isSigned || checkpoint.hasValidSignature,
            MerkleFrontier(count: count, bytes: frontier)?.root == checkpoint.root
        else {
            throw LedgerError(.corrupt, "the checkpoint of \(count) entries is damaged, so that nothing can be removed up to it")
        }
    }

    /// The first entry that is not older than this.
    private static func first(since time: UInt64, _ db: Database) throws -> EntryNumber? {
        let block = try db.number("SELECT min(block) FROM blocks WHERE latest >= ?", [.init(time)])
        let marked = try block ?? db.number("SELECT max(block) + 1 FROM blocks") ?? 0
        return try db.number(
            "SELECT number FROM entries WHERE number > ? AND time >= ? ORDER BY number LIMIT 1",
            [.init(EntryMarks.numbers(of: marked).lowerBound - 1), .init(time)])
    }

    /// Files the checkpoint and makes away with the bytes: the one does not wait for the other to be possible. Also where nothing
    /// was removed, since an earlier attempt may have left its bytes.
    private func settle(_ whileWritten: Bool) throws(LedgerError) {
        var problem: LedgerError?
        do throws(LedgerError) { try fileCheckpoints() } catch { problem = error }
        try compact(whileWritten)
        if let problem { throw problem }
    }

    /// What was deleted must not live on in free pages or in the log.
    ///
    /// - Parameter whileWritten: then the database is not made anew, which takes long; what is deleted is overwritten in any case.
    private func compact(_ whileWritten: Bool) throws(LedgerError) {
        do {
            try queue.writeWithoutTransaction { db in
                if !whileWritten { try db.run("VACUUM") }
                // A reader keeps what it reads, and with it the old pages.
                for _ in 0..<(whileWritten ? 5 : 50) {
                    if try db.number("PRAGMA wal_checkpoint(TRUNCATE)") == 0 { return }
                    usleep(100_000)
                }
                throw LedgerError(
                    .locked,
                    "it was removed from the ledger, but its bytes are still in the files of \(path), since another process reads it; do it again when that has ended")
            }
        } catch {
            throw LedgerError(error, path)
        }
    }
}
