internal import DatabaseFiles
internal import Digests
internal import GRDB
public import JSONText

extension LedgerReader {
    /// What an export has.
    public struct Exported: Hashable, Sendable {
        public var entries = 0
        /// Those without a proof, since they came after the last checkpoint.
        public var uncovered = 0
        /// Those without a proof although a checkpoint covers them: the ledger is damaged.
        public var unproven = 0
    }

    /// Writes entries as JSON lines that can be verified on their own: first what the ledger is, then the entries, each with
    /// the hash before it and the Merkle proof that the last checkpoint covers it, if it does, then the checkpoints.
    ///
    /// Memory: 64 bytes for each entry of the ledger, for the proofs.
    ///
    /// - Parameter write: gets each line with its line break.
    /// - Throws: ``LedgerError``, or what `write` throws.
    public func export(_ filter: LedgerFilter, withContent: Bool, _ write: ([UInt8]) throws -> Void) throws -> Exported {
        // Whoever writes has words of its own for what went wrong: it is not the ledger that failed.
        var failure: (any Error)?
        do {
            return try export(filter, withContent: withContent, write) { failure = $0 }
        } catch {
            if let failure { throw failure }
            throw error
        }
    }

    private func export(
        _ filter: LedgerFilter, withContent: Bool, _ write: ([UInt8]) throws -> Void, onFailure: (any Error) -> Void
    ) throws(LedgerError) -> Exported {
        try read { db in
            var base: (id: [UInt8], count: UInt64, hash: Digest, frontier: MerkleFrontier)?
            try db.rows("SELECT id, base_count, base_hash, base_frontier FROM ledger") { row in
                guard let hash = row.withBytes(2, { Digest($0) }),
                    let frontier = MerkleFrontier(count: row.number(1), bytes: row.bytes(3))
                else { return }
                base = (row.bytes(0), row.number(1), hash, frontier)
            }
            guard let base else { throw LedgerError(.corrupt, "the ledger \(self.path) has no valid row of its own") }
            let checkpoints = try LedgerStore.checkpoints(db, ledgerID: base.id)
            let covered = checkpoints.last?.count ?? 0
            var tree = MerkleTree(after: base.frontier)
            try db.rows(
                "SELECT e.hash FROM \(EntryRow.table) WHERE e.number > ? AND e.number <= ? ORDER BY e.number",
                [.init(base.count), .init(covered)]
            ) { row in
                guard let hash = row.withBytes(0, { Digest($0) }) else {
                    throw LedgerError(.corrupt, "an entry has no valid hash")
                }
                tree.append(hash)
            }
            func line(_ members: [(String, JSONValue)]) throws {
                do {
                    try write(Array((JSONValue.object(members).text + "\n").utf8))
                } catch {
                    onFailure(error)
                    throw error
                }
            }
            try line([
                ("format", .text("outrigger/ledger-export/1")), ("ledger", .text(hexText(base.id))),
                (
                    "base",
                    .object([
                        ("count", .integer(Int(clamping: base.count))), ("hash", .text(base.hash.hex)),
                        ("frontier", .text(hexText(base.frontier.bytes))),
                    ])
                ),
                ("complete", .bool(filter.isEmpty)), ("content", .bool(withContent)),
            ])
            var exported = Exported()
            let selection = """
                SELECT \(EntryRow.columns(of: "e")), c.arguments, c.result,
                    (SELECT p.hash FROM entries p NOT INDEXED WHERE p.number = e.number - 1)
                FROM \(EntryRow.table) LEFT JOIN contents c NOT INDEXED ON c.entry = e.number
                """
            try EntrySearch.run(db, selection, filter, Page(limit: .max, newestFirst: false)) { row in
                let recorded = try EntryRow.read(row, contents: EntryRow.hashColumn + 1)
                var members = recorded.members(withContent: withContent)
                let previous = row.withBytes(EntryRow.hashColumn + 3) { Digest($0) } ?? base.hash
                members.append(("previous", .text(previous.hex)))
                if let path = tree.proof(of: recorded.entry.number - 1, in: covered) {
                    members.append(
                        (
                            "proof",
                            .object([("size", .integer(Int(clamping: covered))), ("path", .array(path.map { .text($0.hex) }))])
                        ))
                } else if recorded.entry.number > covered {
                    exported.uncovered += 1
                } else {
                    exported.unproven += 1
                }
                try line([("entry", .object(members))])
                exported.entries += 1
            }
            for checkpoint in checkpoints { try line([("checkpoint", .raw(Array(checkpoint.json.utf8)))]) }
            return exported
        }
    }
}

extension RecordedEntry {
    /// The entry as members of a JSON object: its fields by their names, bytes in hex, and what is not known left out; its hash;
    /// and kept content as text, or in hex where it is not UTF-8.
    public func members(withContent: Bool) -> [(String, JSONValue)] {
        var members: [(String, JSONValue)] = EntryField.allCases.compactMap { field in
            switch entry[field] {
            case .absent: nil
            case .number(let value): (field.rawValue, .integer(Int(clamping: value)))
            case .text(let text): (field.rawValue, .text(text))
            case .bytes(let bytes): (field.rawValue, .text(hexText(bytes)))
            }
        }
        members.append(("hash", .text(hash.hex)))
        guard withContent else { return members }
        for (name, content) in [("arguments", arguments), ("result", result)] {
            guard let content else { continue }
            if let text = String(validating: content, as: UTF8.self) {
                members.append(("\(name)_content", .text(text)))
            } else {
                members.append(("\(name)_hex", .text(hexText(content))))
            }
        }
        return members
    }
}
