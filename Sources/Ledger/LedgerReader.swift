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
        /// Whether what was kept of contents is read too.
        public var withContent = true

        public init(limit: Int, after: EntryNumber? = nil, newestFirst: Bool = true, withContent: Bool = true) {
            self.limit = limit
            self.after = after
            self.newestFirst = newestFirst
            self.withContent = withContent
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
            overview.count = try db.number("SELECT max(e.number) FROM \(EntryRow.table)") ?? overview.pruned
            overview.lastCheckpoint = try LedgerStore.checkpoints(db, ledgerID: overview.ledgerID).last
            overview.bytes = try Int(clamping: (db.number("PRAGMA page_count") ?? 0) * (db.number("PRAGMA page_size") ?? 0))
            return overview
        }
    }

    /// One page of entries, in the order of their numbers.
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

    private static let withContent =
        "SELECT \(EntryRow.columns(of: "e")), c.arguments, c.result FROM \(EntryRow.table) "
        + "LEFT JOIN contents c NOT INDEXED ON c.entry = e.number"
    private static let withoutContent = "SELECT \(EntryRow.columns(of: "e")) FROM \(EntryRow.table)"

    private static func entries(_ db: Database, _ filter: LedgerFilter, _ page: Page, _ body: (RecordedEntry) throws -> Void)
        throws
    {
        let contents = page.withContent ? EntryRow.hashColumn + 1 : nil
        try EntrySearch.run(db, page.withContent ? withContent : withoutContent, filter, page) { row in
            try body(try EntryRow.read(row, contents: contents))
        }
    }

    public func entry(_ number: EntryNumber) throws(LedgerError) -> RecordedEntry? {
        try read { db in
            var found: RecordedEntry?
            try db.rows("\(Self.withContent) WHERE e.number = ?", [.init(number)]) {
                found = try EntryRow.read($0, contents: EntryRow.hashColumn + 1)
            }
            return found
        }
    }

    /// The entries of a trace, and of all traces that served one of its requests: a shadow's stand beside the baseline's.
    ///
    /// - Parameter withContent: whether what was kept of contents is read too, all of which is held at once.
    public func trace(_ traceID: TraceID, withContent: Bool = true) throws(LedgerError) -> [RecordedEntry] {
        try read { db in
            var found: [EntryNumber: RecordedEntry] = [:]
            func add(_ change: (inout LedgerFilter) -> Void) throws {
                var filter = LedgerFilter()
                change(&filter)
                let page = Page(limit: Self.maximumOfTrace, newestFirst: false, withContent: withContent)
                try Self.entries(db, filter, page) { found[$0.entry.number] = $0 }
            }
            try add { $0.traceID = traceID }
            for request in Set(found.values.map(\.entry.requestID)).subtracting([""]).sorted() {
                guard found.count < Self.maximumOfTrace else { break }
                try add { $0.requestID = request }
            }
            return Array(found.values.sorted { $0.entry.number < $1.entry.number }.prefix(Self.maximumOfTrace))
        }
    }

    private static let maximumOfTrace = 100_000

    func read<Result>(_ body: (Database) throws -> Result) throws(LedgerError) -> Result {
        do {
            return try queue.read(body)
        } catch {
            throw LedgerError(error, path)
        }
    }
}
