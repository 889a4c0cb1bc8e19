internal import DatabaseFiles
internal import Digests
internal import GRDB

// Where the chain stands, as the database has it.
extension LedgerStore {
    /// The head as the database has it: from the last checkpoint on, so that opening a large ledger is quick.
    static func head(_ db: Database) throws -> Head {
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
        // What no checkpoint covers yet is computed anew: the next one must not sign what was changed meanwhile.
        var encoding = EntryEncoding()
        try db.rows("SELECT \(EntryRow.columns) FROM entries WHERE number > ? ORDER BY number", [.init(frontier.count)]) { row in
            let computed = EntryRow.hash(row, after: hash, &encoding).hash
            guard row.number(0) == frontier.count + 1, let computed, computed == EntryRow.storedHash(row) else {
                throw LedgerError(
                    .corrupt, "entry \(frontier.count + 1) is missing or damaged; outrigger audit verify says more")
            }
            // Each has a checkpoint in its own transaction: one without was put here by somebody else, and is not to be signed.
            if EntryRow.kind(row)?.takesAway == true {
                throw LedgerError(
                    .corrupt,
                    "entry \(frontier.count + 1) says that something was taken away, and no checkpoint covers it, as one does where the key's owner does that; outrigger audit verify says more"
                )
            }
            hash = computed
            frontier.append(computed)
        }
        let count = try db.number("SELECT max(number) FROM entries") ?? base.count
        guard count == frontier.count else {
            throw LedgerError(.rolledBack, "it has \(count) entries and a checkpoint of \(frontier.count): its end was cut off")
        }
        return Head(ledgerID: base.id, hash: hash, frontier: frontier, checkpointed: checkpointed)
    }

    /// Whether the entry that a checkpoint ends with is still the same; one that was pruned is.
    static func agrees(_ checkpoint: Checkpoint, _ db: Database) throws -> Bool {
        var isSame = true
        try db.rows("SELECT hash FROM entries WHERE number = ?", [.init(checkpoint.count)]) { row in
            isSame = row.withBytes(0) { Digest($0) } == checkpoint.lastHash
        }
        return isSame
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
}
