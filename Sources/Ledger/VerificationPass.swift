internal import DatabaseFiles
internal import Digests
internal import GRDB

/// One verification on its way through the entries.
struct VerificationPass {
    var result = LedgerVerification()
    private(set) var base: UInt64 = 0
    private let verifier: LedgerVerifier
    private let filed: [Checkpoint]
    private let digests: KeyedDigest?
    private var ledgerID: [UInt8] = []
    private var hash = Digest()
    private var frontier = MerkleFrontier()
    /// Entries whose kept content is not there, and which an erasure must name.
    private var bare: Set<EntryNumber> = []
    /// Erasures that no checkpoint covers yet: who can write the database can add one.
    private var uncoveredErasures: [EntryNumber] = []
    /// The entry that says that those before the first one were removed.
    private var pruning: EntryNumber?

    init(_ verifier: LedgerVerifier, _ filed: [Checkpoint]) {
        self.verifier = verifier
        self.filed = filed
        digests = verifier.digestKey.map { KeyedDigest(key: $0) }
    }

    mutating func run(_ db: Database) throws {
        try readBase(db)
        let checkpoints = try self.checkpoints(db)
        try vouchForBase(checkpoints)
        var pending = checkpoints.drop { $0.count < base }
        try check(&pending)
        var encoding = EntryEncoding()
        // By number, so that the rows' place in the file says nothing; contents are read beside them, in the same order.
        var contents = try ContentCursor(db)
        let entries = try SQLStatement(db, "SELECT \(EntryRow.columns) FROM entries ORDER BY number")
        while try entries.step() {
            try check(entries, &encoding, &contents)
            if pending.first?.count == frontier.count { try check(&pending) }
        }
        result.last = hash
        if let expected = verifier.expected, expected.count > frontier.count {
            throw FoundBad(
                .cut, frontier.count + 1,
                "\(expected.count) entries are expected, the ledger has \(frontier.count): its end was cut off")
        }
        if let next = pending.first {
            throw FoundBad(
                .cut, frontier.count + 1,
                "a checkpoint knows \(next.count) entries, the ledger has \(frontier.count): its end was cut off, or an older copy was put in its place"
            )
        }
        // Where a key is trusted, only what it signed says that something was taken away.
        if verifier.publicKey == nil { bare.subtract(uncoveredErasures) }
        if base > 0, pruning == nil || verifier.publicKey != nil && pruning ?? 0 > result.covered {
            throw FoundBad(.base, base, "entries up to \(base) are gone, and no entry that a checkpoint covers says that they were pruned")
        }
        try checkUncovered()
        if let entry = bare.min() {
            throw FoundBad(.erased, entry, "its kept content is gone, and no entry says that it was erased")
        }
        if let stray = contents.entry { throw FoundBad(.content, stray, "there is content for it, and no such entry") }
        summarise(checkpoints)
    }

    /// Who has a key to trust wants what it vouches for.
    private func checkUncovered() throws {
        guard verifier.publicKey != nil else { return }
        let covered = max(result.covered, base)
        let open = frontier.count - covered
        if result.checkpoints == 0, open > 0 {
            throw FoundBad(.signer, covered + 1, "no checkpoint of the trusted key covers any entry: all of them could have been rewritten")
        }
        if open > verifier.maximumUncovered {
            throw FoundBad(
                .signer, covered + 1,
                "\(open) entries after the last checkpoint are covered by none, more than the \(verifier.maximumUncovered) that are allowed: they could have been rewritten"
            )
        }
    }

    private mutating func readBase(_ db: Database) throws {
        var rows = 0
        var isValid = false
        try db.rows("SELECT id, base_count, base_hash, base_frontier FROM ledger") { row in
            rows += 1
            guard let start = row.withBytes(2, { Digest($0) }),
                let peaks = MerkleFrontier(count: row.number(1), bytes: row.bytes(3))
            else { return }
            (self.ledgerID, self.base, self.hash, self.frontier) = (row.bytes(0), row.number(1), start, peaks)
            isValid = self.ledgerID.count == 16
        }
        if let expected = verifier.expected, expected.count < base {
            throw FoundBad(.base, expected.count, "the \(expected.count) expected entries cannot be checked: those up to \(base) were pruned")
        }
        guard rows == 1, isValid else { throw FoundBad(.unreadable, nil, "the ledger's own row is damaged") }
        guard base > 0 || hash == EntryEncoding.genesis(of: ledgerID) else {
            throw FoundBad(.otherLedger, nil, "the chain's first hash is not that of this ledger's id")
        }
    }

    /// All checkpoints, from the database and from the file, in the order of what they cover; each one's signature is checked.
    private func checkpoints(_ db: Database) throws -> [Checkpoint] {
        let stored: [Checkpoint]
        do {
            stored = try LedgerStore.checkpoints(db, ledgerID: ledgerID)
        } catch let error as LedgerError {
            throw FoundBad(.checkpoint, nil, error.message)
        }
        // Nobody signs it, but who goes on from the checkpoint, or removes what is before it, goes by it.
        try db.rows("SELECT count, frontier, root FROM checkpoints ORDER BY count") { row in
            guard MerkleFrontier(count: row.number(0), bytes: row.bytes(1))?.root == row.withBytes(2, { Digest($0) }) else {
                throw FoundBad(.checkpoint, row.number(0), "the frontier of the checkpoint of \(row.number(0)) entries does not give its root")
            }
        }
        for checkpoint in stored + filed {
            guard checkpoint.ledgerID == ledgerID else {
                throw FoundBad(.otherLedger, nil, "the checkpoint of \(checkpoint.count) entries is another ledger's")
            }
            if checkpoint.isSigned, !checkpoint.hasValidSignature {
                throw FoundBad(
                    .checkpoint, checkpoint.count,
                    "the checkpoint of \(checkpoint.count) entries was changed: its signature does not fit")
            }
            if let key = verifier.publicKey, checkpoint.publicKey != key || !checkpoint.isSigned {
                throw FoundBad(
                    .signer, checkpoint.count,
                    "the checkpoint of \(checkpoint.count) entries is "
                        + (checkpoint.isSigned ? "signed by a key that is not trusted" : "not signed"))
            }
        }
        return (stored + filed).sorted { $0.count < $1.count }
    }

    private func vouchForBase(_ checkpoints: [Checkpoint]) throws {
        guard base > 0 else { return }
        guard checkpoints.contains(where: { $0.count == base && $0.lastHash == hash && $0.root == frontier.root }) else {
            throw FoundBad(.base, base, "entries up to \(base) were removed, and no checkpoint vouches for them")
        }
    }

    /// Holds the chain against the checkpoints that end here.
    private mutating func check(_ pending: inout ArraySlice<Checkpoint>) throws {
        while let checkpoint = pending.first, checkpoint.count == frontier.count {
            guard checkpoint.lastHash == hash, checkpoint.root == frontier.root else {
                let first = max(result.covered, base) + 1
                throw FoundBad(
                    .rewritten, min(first, frontier.count),
                    "the entries from \(first) to \(frontier.count) are not those that the checkpoint of \(checkpoint.count) entries knows"
                )
            }
            // One that is in the file too is still one.
            if result.covered != frontier.count || result.checkpoints == 0 { result.checkpoints += 1 }
            result.covered = frontier.count
            bare.subtract(uncoveredErasures)
            uncoveredErasures.removeAll()
            pending = pending.dropFirst()
        }
        if let expected = verifier.expected, expected.count == frontier.count, expected.hash != hash {
            throw FoundBad(.rewritten, frontier.count, "its hash is not the one expected")
        }
    }

    private mutating func check(_ row: SQLStatement, _ encoding: inout EntryEncoding, _ contents: inout ContentCursor) throws {
        let number = row.number(0)
        let next = frontier.count + 1
        guard number == next else {
            throw FoundBad(.missing, next, "it is not there; the next one is \(number)")
        }
        let (computed, misfit) = EntryRow.hash(row, after: hash, &encoding)
        if let misfit { throw FoundBad(.changed, number, "its \(misfit.rawValue) was changed to something of another type") }
        guard let computed, let stored = EntryRow.storedHash(row), computed == stored else {
            throw FoundBad(
                .changed, number, "its fields do not give its hash: something of it was changed, or it stood elsewhere")
        }
        hash = computed
        frontier.append(computed)
        result.entries += 1
        if verifier.expected?.count == number, verifier.expected?.hash != hash {
            throw FoundBad(.rewritten, number, "its hash is not the one expected")
        }
        if let stray = contents.entry, stray < number {
            throw FoundBad(.content, stray, "there is content for it, and no such entry")
        }
        if row.type(Self.argumentsKept) != .null || row.type(Self.resultKept) != .null {
            try checkContent(row, number, contents)
        } else if contents.entry == number {
            throw FoundBad(.content, number, "it has content, and no digest of any")
        }
        if contents.entry == number { try contents.advance() }
        if !bare.isEmpty || pruning == nil && base > 0, row.type(Self.refers) != .null {
            switch EntryRow.kind(row) {
            case .erasure: uncoveredErasures.append(row.number(Self.refers))
            case .pruning where row.number(Self.refers) == base: pruning = number
            default: break
            }
        }
    }

    private static let refers = EntryField.refers.column
    private static let argumentsKept = EntryField.argumentsKept.column
    private static let resultKept = EntryField.resultKept.column

    private mutating func checkContent(_ row: SQLStatement, _ number: EntryNumber, _ contents: ContentCursor) throws {
        guard contents.entry == number else {
            bare.insert(number)
            return
        }
        result.contents += 1
        for (column, content, name) in [
            (Self.argumentsKept, contents.arguments, "arguments"), (Self.resultKept, contents.result, "result"),
        ] {
            guard (row.type(column) != .null) == (content != nil) else {
                throw FoundBad(.content, number, "its \(name) and the digest of them do not go together")
            }
            guard let content, let digests else { continue }
            guard row.withBytes(column, { Digest($0) }) == digests.digest(of: content) else {
                throw FoundBad(.content, number, "its \(name) changed: the content does not give its digest")
            }
        }
    }

    private mutating func summarise(_ checkpoints: [Checkpoint]) {
        let open = frontier.count - max(result.covered, base)
        if open > 0 {
            result.notes.append(
                "\(open) entries after the last checkpoint are covered by none: cutting them off, or rewriting them, would not be found")
        }
        if checkpoints.contains(where: { !$0.isSigned }) {
            result.notes.append("checkpoints are not signed: who can write the database could have rewritten all of it")
        } else if !checkpoints.isEmpty, verifier.publicKey == nil {
            result.notes.append(
                "signatures were checked against the keys that the checkpoints name; --public-key says which one to trust")
        }
        if result.contents > 0, digests == nil {
            result.notes.append("kept content was not checked against its digests; that takes --digest-key")
        }
        if verifier.checkpointFile == nil, verifier.expected == nil {
            result.notes.append(
                "without --checkpoints or --expect, a tail that was cut off together with its checkpoints is not found")
        }
        if base > 0 { result.notes.append("\(base) entries were pruned; a checkpoint vouches for them") }
    }
}

/// The rows of `contents` one by one, in the order of their entries.
private struct ContentCursor {
    private let rows: SQLStatement
    /// Which entry's content it is; nil at the end.
    private(set) var entry: EntryNumber?

    init(_ db: Database) throws {
        rows = try SQLStatement(db, "SELECT entry, arguments, result FROM contents ORDER BY entry")
        try advance()
    }

    mutating func advance() throws { entry = try rows.step() ? rows.number(0) : nil }

    var arguments: [UInt8]? { rows.type(1) == .null ? nil : rows.bytes(1) }
    var result: [UInt8]? { rows.type(2) == .null ? nil : rows.bytes(2) }
}
