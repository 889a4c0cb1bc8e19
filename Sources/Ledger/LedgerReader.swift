public import AgentRuns
internal import DatabaseFiles
internal import Digests
internal import GRDB
internal import Glibc

/// Reads a ledger, also one that is being written, a copy, or a read-only file. It never keeps the writer waiting.
public final class LedgerReader: Sendable {
    public let path: String
    let queue: DatabaseQueue

    /// - Throws: ``LedgerError`` when there is no such ledger, or a later version wrote it.
    public init(_ path: String) throws(LedgerError) {
        self.path = path
        queue = try LedgerFile.openForReading(path)
    }

    /// What a ledger is as a whole.
    public struct Overview: Sendable {
        /// 16 bytes.
        public var ledgerID: [UInt8]
        /// Unix nanoseconds.
        public var created: UInt64
        /// Entries that were removed from its beginning.
        public var pruned: UInt64
        /// The last entry's number.
        public var count: UInt64
        public var lastCheckpoint: Checkpoint?
        /// Of the database alone.
        public var bytes: Int
    }

    /// Which entries of those that the filter lets through: one page.
    public struct Page: Sendable {
        public var limit: Int
        /// Only entries that come before this one in the order asked for.
        public var after: EntryNumber?
        public var newestFirst = true

        public init(limit: Int, after: EntryNumber? = nil, newestFirst: Bool = true) {
            self.limit = limit
            self.after = after
            self.newestFirst = newestFirst
        }
    }

    public func overview() throws(LedgerError) -> Overview {
        try read { db in
            var found: Overview?
            try db.rows("SELECT id, created, base_count FROM ledger") { row in
                found = Overview(
                    ledgerID: row.bytes(0), created: row.number(1), pruned: row.number(2), count: row.number(2), bytes: 0)
            }
            guard var overview = found else { throw LedgerError(.corrupt, "the ledger \(self.path) has no row of its own") }
            overview.count = try db.number("SELECT max(number) FROM entries") ?? overview.pruned
            overview.lastCheckpoint = try LedgerStore.checkpoints(db, ledgerID: overview.ledgerID).last
            overview.bytes = try Int(clamping: (db.number("PRAGMA page_count") ?? 0) * (db.number("PRAGMA page_size") ?? 0))
            return overview
        }
    }

    /// One page of entries, in the order of their numbers, or of time where the filter asks for nothing but a time.
    public func entries(_ filter: LedgerFilter, _ page: Page) throws(LedgerError) -> [RecordedEntry] {
        try read { db in
            var found: [RecordedEntry] = []
            try Self.entries(db, filter, page) { found.append($0) }
            return found
        }
    }

    /// All entries that the filter lets through, one by one, the oldest first.
    public func forEach(_ filter: LedgerFilter, _ body: (RecordedEntry) throws -> Void) throws(LedgerError) {
        try read { db in try Self.entries(db, filter, Page(limit: .max, newestFirst: false), body) }
    }

    private static func entries(_ db: Database, _ filter: LedgerFilter, _ page: Page, _ body: (RecordedEntry) throws -> Void)
        throws
    {
        var condition = filter.condition()
        let (comparison, direction) = page.newestFirst ? ("<", "DESC") : (">", "ASC")
        if let after = page.after {
            if filter.readsByTime {
                condition.add(
                    "(e.time, e.number) \(comparison) ((SELECT time FROM entries WHERE number = ?), ?)", .init(after),
                    .init(after))
            } else {
                condition.add("e.number \(comparison) ?", .init(after))
            }
        }
        let order = filter.readsByTime ? "e.time \(direction), e.number \(direction)" : "e.number \(direction)"
        let sql = """
            SELECT \(EntryRow.columns(of: "e")), c.arguments, c.result FROM entries e LEFT JOIN contents c ON c.entry = e.number
            WHERE \(condition.clause) ORDER BY \(order) LIMIT ?
            """
        try db.rows(sql, condition.arguments + [.integer(Int64(page.limit))]) { row in
            try body(try EntryRow.read(row, contents: EntryRow.hashColumn + 1))
        }
    }

    public func entry(_ number: EntryNumber) throws(LedgerError) -> RecordedEntry? {
        try read { db in
            var found: RecordedEntry?
            let sql = """
                SELECT \(EntryRow.columns(of: "e")), c.arguments, c.result FROM entries e LEFT JOIN contents c ON c.entry = e.number
                WHERE e.number = ?
                """
            try db.rows(sql, [.init(number)]) { found = try EntryRow.read($0, contents: EntryRow.hashColumn + 1) }
            return found
        }
    }

    /// The entries of a trace, and of all traces that served one of its requests: a shadow's stand beside the baseline's.
    public func trace(_ traceID: TraceID) throws(LedgerError) -> [RecordedEntry] {
        try read { db in
            var found: [RecordedEntry] = []
            let sql = """
                SELECT \(EntryRow.columns(of: "e")), c.arguments, c.result FROM entries e LEFT JOIN contents c ON c.entry = e.number
                WHERE e.trace_id = ?1 OR e.request_id IN (SELECT request_id FROM entries WHERE trace_id = ?1 AND request_id IS NOT NULL)
                ORDER BY e.number LIMIT 100000
                """
            try db.rows(sql, [.blob(traceID.bytes)]) {
                found.append(try EntryRow.read($0, contents: EntryRow.hashColumn + 1))
            }
            return found
        }
    }

    /// Whether an entry stands in this trace.
    public func contains(_ traceID: TraceID) throws(LedgerError) -> Bool {
        try read { db in
            try db.number(
                "SELECT 1 FROM entries WHERE trace_id = ? LIMIT 1", [.blob(traceID.bytes)])
                != nil
        }
    }

    func read<Result>(_ body: (Database) throws -> Result) throws(LedgerError) -> Result {
        do {
            return try queue.read(body)
        } catch {
            throw LedgerError(error, path)
        }
    }
}
