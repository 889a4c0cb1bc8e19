internal import AgentRuns
internal import DatabaseFiles
internal import Digests
internal import FileLocks
internal import GRDB
internal import Glibc

/// The writing side of a ledger's database: what is appended, and what may be taken away.
///
/// `@unchecked Sendable`: it is opened on one thread and then used on the writer's alone.
final class LedgerStore: @unchecked Sendable {
    let path: String
    private let lock: FileLock
    let queue: DatabaseQueue
    private let digests: KeyedDigest
    private let signingKey: SigningKey?
    private let checkpointFile: CheckpointFile?
    private let insertion: SQLStatement
    private let contentInsertion: SQLStatement
    private let markInsertion: MarkInsertion
    /// The block that entries are being added to; nil when it is to be read from the database.
    private var openBlock: OpenBlock?
    private var encoding = EntryEncoding()
    private(set) var head: Head
    /// Checkpoints that are in the database and not in the file yet.
    private var unfiled: [Checkpoint] = []
    /// Checkpoints that nobody was told of yet.
    private var untold: [Checkpoint] = []
    /// The last hashes with which the chain may end after a transaction of which nobody knows whether it took place.
    private var possibleEnds: Set<Digest> = []

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
            (head, insertion, contentInsertion, markInsertion) = try queue.write { db in
                (
                    try Self.head(db), try SQLStatement(db, EntryRow.insertion),
                    try SQLStatement(db, "INSERT INTO contents VALUES (?, ?, ?)"), try MarkInsertion(db)
                )
            }
            checkpointFile = try configuration.checkpointFile.map { file throws(LedgerError) in try CheckpointFile(file) }
            let filed = try queue.read { try Self.vet(head, $0, configuration) }
            if let checkpointFile { try file(in: checkpointFile, after: filed) }
        } catch {
            throw LedgerError(error, configuration.path)
        }
    }

    /// Looks at a ledger that nobody writes, without making, changing or locking anything.
    ///
    /// - Throws: ``LedgerError`` for one that would not be gone on with.
    static func inspect(_ configuration: LedgerConfiguration) throws(LedgerError) {
        try LedgerFile.inspect(configuration.path) { db in _ = try vet(Self.head(db), db, configuration) }
    }

    /// Whether the ledger is the one that its keys' owner wrote last.
    ///
    /// - Returns: how many entries the last checkpoint in the checkpoint file covers; nil without one.
    private static func vet(_ head: Head, _ db: Database, _ configuration: LedgerConfiguration) throws -> UInt64? {
        let filed = try configuration.checkpointFile.flatMap { try compare(head, db, configuration.path, withFile: $0) }
        try checkLastSignature(head, db, configuration)
        return filed
    }

    /// The checkpoint file must not know of more than there is, nor of anything else.
    ///
    /// - Returns: how many entries the last checkpoint in it covers; nil for an empty one.
    private static func compare(_ head: Head, _ db: Database, _ path: String, withFile file: String) throws -> UInt64? {
        // Where it is not there yet, opening the ledger makes it.
        guard access(file, F_OK) == 0 else { return nil }
        let all = try CheckpointFile.read(file)
        let known = all.last
        if let known {
            guard known.ledgerID == head.ledgerID else {
                throw LedgerError(.rolledBack, "the checkpoint file \(file) is another ledger's")
            }
            guard known.count <= head.count else {
                throw LedgerError(
                    .rolledBack,
                    "the ledger \(path) has \(head.count) entries, its checkpoint file \(file) says \(known.count): an older copy was put "
                        + "in its place, or its end was cut off; outrigger audit verify says more")
            }
        }
        if let other = try all.first(where: { try !agrees($0, db) }) {
            throw LedgerError(
                .rolledBack,
                "the ledger \(path) is another at entry \(other.count) than its checkpoint file \(file) says: it was rewritten; "
                    + "outrigger audit verify says more")
        }
        return known?.count
    }

    /// The file must know of what there is.
    private func file(in file: CheckpointFile, after count: UInt64?) throws {
        for checkpoint in try queue.read({ try Self.checkpoints($0, ledgerID: head.ledgerID, after: count) }) {
            try file.append(checkpoint)
        }
    }

    /// A ledger whose last checkpoint is not ours is not gone on with: the next one would vouch for whatever is in it.
    private static func checkLastSignature(_ head: Head, _ db: Database, _ configuration: LedgerConfiguration) throws {
        guard let signingKey = configuration.signingKey, head.count > 0 else { return }
        let path = configuration.path
        // Those before it are not read: there can be many.
        let before = max(1, head.checkpointed) - 1
        guard let last = try checkpoints(db, ledgerID: head.ledgerID, after: before).last, last.isSigned else {
            throw LedgerError(
                .keys,
                "the ledger \(path) has entries, and its last checkpoint is not signed, or there is none: who can write it could have made them up; begin a new ledger with the key"
            )
        }
        guard last.publicKey == signingKey.publicKey else {
            throw LedgerError(.keys, "the ledger \(path) is signed by another key than the one given; begin a new ledger with a new key")
        }
        guard last.hasValidSignature else {
            throw LedgerError(.corrupt, "the checkpoint of \(last.count) entries in \(path) was changed: its signature does not fit")
        }
    }

    /// Appends entries, all or none, durably.
    ///
    /// - Returns: the first one's number.
    func append(_ records: [LedgerRecord]) throws(LedgerError) -> EntryNumber {
        try transaction { db in try self.insert(records, db) }
    }

    /// Runs `body` in a transaction; the head is what it was when that fails.
    func transaction<Result>(_ body: (Database) throws -> Result) throws(LedgerError) -> Result {
        let before = head
        do {
            let result = try queue.write(body)
            possibleEnds = []
            return result
        } catch {
            possibleEnds = [before.hash, head.hash]
            head = before
            openBlock = nil
            untold.removeAll { $0.count > before.checkpointed }
            unfiled.removeAll { $0.count > before.checkpointed }
            throw LedgerError(error, path)
        }
    }

    /// Reads the head anew: after a failure nobody knows whether the last transaction took place. Nothing else can have: this
    /// process holds the ledger's only lock.
    func recover() throws(LedgerError) {
        do {
            openBlock = nil
            let found = try queue.read { try Self.head($0) }
            guard found.hash == head.hash || possibleEnds.contains(found.hash) else {
                throw LedgerError(
                    .corrupt, "the ledger \(path) ends with an entry that its writer did not write; outrigger audit verify says more")
            }
            head = found
        } catch {
            throw LedgerError(error, path)
        }
    }

    func insert(_ records: [LedgerRecord], _ db: Database) throws -> EntryNumber {
        let first = head.count + 1
        var marks = try openBlock ?? EntryMarks.open(db, count: head.count)
        // One owner, or it would be copied; and where this fails, none.
        openBlock = nil
        for record in records {
            var entry = record.entry.bounded
            entry.number = head.count + 1
            if let content = record.arguments { entry.arguments = mark(content) }
            if let content = record.result { entry.result = mark(content) }
            let values = entry.values
            let hash = encoding.hash(values, after: head.hash)
            try insertion.run(EntryRow.arguments(values, hash))
            if record.arguments?.kept != nil || record.result?.kept != nil {
                try contentInsertion.run([.init(entry.number), .init(record.arguments?.kept), .init(record.result?.kept)])
            }
            head.hash = hash
            head.frontier.append(hash)
            marks.add(entry.number, entry.time, values)
            if entry.number.isMultiple(of: EntryMarks.blockSize) {
                try markInsertion.insert(marks)
                marks = OpenBlock(marks.block + 1)
            }
            // From the first entry on there is something that only the key's owner can have made.
            if head.count == 1 { _ = try seal(db) }
        }
        openBlock = marks
        return first
    }

    private func mark(_ content: LedgerRecord.Content) -> LedgerEntry.ContentMark {
        let digest = digests.digest(of: content.bytes)
        let kept = content.kept.map { $0 == content.bytes ? digest : digests.digest(of: $0) }
        return LedgerEntry.ContentMark(size: UInt64(content.bytes.count), digest: digest, kept: kept)
    }

    func contains(_ traceID: TraceID) throws(LedgerError) -> Bool {
        do {
            return try queue.read { db in
                let open = try openBlock ?? EntryMarks.open(db, count: head.count)
                openBlock = open
                let sql = "SELECT 1 FROM marks WHERE field = ? AND value = ? LIMIT 1"
                return try open.has(traceID.bytes, in: .traceID)
                    || db.number(sql, [.integer(Int64(EntryField.traceID.column)), .blob(traceID.bytes)]) != nil
            }
        } catch {
            throw LedgerError(error, path)
        }
    }

    /// Makes what filters look up anew from the entries.
    func reindex() throws(LedgerError) {
        try transaction { db in
            try db.run("DELETE FROM marks")
            try db.run("DELETE FROM blocks")
            try EntryMarks.build(db, count: self.head.count)
        }
    }

    /// What was marked of the block that entries are added to is no more.
    func forgetOpenBlock() { openBlock = nil }

    /// Makes a checkpoint when so many entries came since the last one, and files what is not filed yet.
    func checkpoint(every interval: UInt64) throws(LedgerError) -> Checkpoint? {
        if head.count - head.checkpointed >= interval { return try checkpoint() }
        try fileCheckpoints()
        return nil
    }

    /// Makes a checkpoint of all entries; nil when there is one already.
    func checkpoint() throws(LedgerError) -> Checkpoint? {
        let checkpoint = try transaction { try self.seal($0) }
        try fileCheckpoints()
        return checkpoint
    }

    /// Inserts a checkpoint of all entries.
    func seal(_ db: Database) throws -> Checkpoint? {
        guard head.count > head.checkpointed else { return nil }
        var checkpoint = Checkpoint(
            ledgerID: head.ledgerID, count: head.count, time: unixNanoseconds(), lastHash: head.hash, root: head.frontier.root)
        if let signingKey { checkpoint.sign(signingKey) }
        try db.run(
            "INSERT INTO checkpoints VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                .init(checkpoint.count), .init(checkpoint.time), .blob(checkpoint.lastHash.bytes), .blob(checkpoint.root.bytes),
                .blob(checkpoint.publicKey), .blob(checkpoint.signature), .blob(head.frontier.bytes),
            ])
        head.checkpointed = head.count
        unfiled.append(checkpoint)
        untold.append(checkpoint)
        return checkpoint
    }

    /// The checkpoints that were made since this was asked last.
    func takeUntold() -> [Checkpoint] {
        defer { untold = [] }
        return untold
    }

    /// Appends to the file what the database has by now: a file that knew more than it would tell of a cut tail. What cannot be
    /// appended is tried again with the next checkpoint, and at the next opening.
    func fileCheckpoints() throws(LedgerError) {
        while let next = unfiled.first {
            try checkpointFile?.append(next)
            unfiled.removeFirst()
        }
    }
}
