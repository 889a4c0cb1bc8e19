internal import DatabaseFiles
internal import Digests
internal import GRDB
internal import Glibc

/// The database's tables, and how an older database becomes one of this version.
///
/// - `ledger`, one row: `id` (16 random bytes), `created` (Unix nanoseconds), and where the ledger begins since it was
///   pruned: `base_count` entries that are there no more, `base_hash` the last one's hash, `base_frontier` the Merkle peaks
///   over them (32 bytes each).
/// - `entries`: a column for each ``EntryField``, NULL where nothing is known, and `hash`.
/// - `contents`: what was kept of an entry's `arguments` and `result`; erasing removes it.
/// - `checkpoints`: those of ``Checkpoint``, and the Merkle `frontier` at that count, with which the writer goes on.
/// - `blocks` and `marks`: see ``EntryMarks``. A mark's `field` is the place of its ``EntryField``, counted from 0.
enum LedgerSchema {
    /// `user_version` of the database.
    static let version = 3
    /// `application_id`, "OUTR".
    static let applicationID: Int32 = 0x4F55_5452

    static let migrator: DatabaseMigrator = {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { db in
            let columns = EntryField.allCases.dropFirst().map { field in
                let type =
                    switch field.form {
                    case .number: "INTEGER"
                    case .text: "TEXT"
                    case .bytes: "BLOB"
                    }
                return "\(field.rawValue) \(type)\(field == .time || field == .kind ? " NOT NULL" : "")"
            }
            try db.execute(
                sql: """
                    CREATE TABLE ledger (
                        id BLOB NOT NULL, created INTEGER NOT NULL,
                        base_count INTEGER NOT NULL, base_hash BLOB NOT NULL, base_frontier BLOB NOT NULL) STRICT;
                    CREATE TABLE entries (number INTEGER PRIMARY KEY, \(columns.joined(separator: ", ")), hash BLOB NOT NULL) STRICT;
                    CREATE TABLE contents (entry INTEGER PRIMARY KEY, arguments BLOB, result BLOB) STRICT;
                    CREATE TABLE checkpoints (
                        count INTEGER PRIMARY KEY, time INTEGER NOT NULL, last_hash BLOB NOT NULL, root BLOB NOT NULL,
                        public_key BLOB NOT NULL, signature BLOB NOT NULL, frontier BLOB NOT NULL) STRICT;
                    CREATE INDEX entries_time ON entries (time);
                    CREATE INDEX entries_trace_id ON entries (trace_id);
                    CREATE INDEX entries_tool ON entries (tool);
                    CREATE INDEX entries_agent ON entries (agent);
                    CREATE INDEX entries_release_version ON entries (release_version);
                    """)
            // Within the transaction: a process that is killed here leaves a ledger or nothing.
            try db.execute(sql: "PRAGMA application_id = \(applicationID); PRAGMA user_version = 1")
            let id = KeyFile.random(16)
            try db.run(
                "INSERT INTO ledger VALUES (?, ?, 0, ?, x'')",
                [.blob(id), .init(unixNanoseconds()), .blob(EntryEncoding.genesis(of: id).bytes)])
        }
        // What is rare is looked for most: refusals among a million allowed calls, the candidate's among the baseline's.
        migrator.registerMigration("2") { db in
            try db.execute(
                sql: """
                    CREATE INDEX entries_verdict ON entries (verdict);
                    CREATE INDEX entries_arm ON entries (arm);
                    CREATE INDEX entries_request_id ON entries (request_id);
                    PRAGMA user_version = 2;
                    """)
        }
        // Eight indexes were most of what a call cost: each is changed by every entry, and two of them on other pages each time.
        migrator.registerMigration("3") { db in
            try db.execute(
                sql: """
                    DROP INDEX entries_time; DROP INDEX entries_trace_id; DROP INDEX entries_tool; DROP INDEX entries_agent;
                    DROP INDEX entries_release_version; DROP INDEX entries_verdict; DROP INDEX entries_arm;
                    DROP INDEX entries_request_id;
                    CREATE TABLE blocks (block INTEGER PRIMARY KEY, earliest INTEGER NOT NULL, latest INTEGER NOT NULL) STRICT;
                    CREATE TABLE marks (
                        field INTEGER NOT NULL, value BLOB NOT NULL, block INTEGER NOT NULL, places BLOB NOT NULL,
                        PRIMARY KEY (field, value, block)) STRICT, WITHOUT ROWID;
                    PRAGMA user_version = 3;
                    """)
            try EntryMarks.build(db, count: try db.number("SELECT max(number) FROM entries") ?? 0)
        }
        return migrator
    }()
}

extension LedgerSchema {
    /// What tables and indexes there are, and how they were made.
    static func text(_ db: Database) throws -> [String] {
        var lines: [String] = []
        let sql = "SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_schema WHERE name NOT LIKE 'sqlite_stat%' ORDER BY 1, 2, 3, 4"
        try db.rows(sql) { row in lines.append((0..<4).map { row.text($0) }.joined(separator: " ")) }
        return lines
    }

    /// Those of a ledger of this version, or of an older one.
    static func expected(_ version: UInt64) throws -> [String] {
        let queue = try DatabaseQueue()
        try migrator.migrate(queue, upTo: String(version))
        return try queue.read { try text($0) }
    }
}

func unixNanoseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return UInt64(max(0, time.tv_sec)) * 1_000_000_000 + UInt64(time.tv_nsec)
}
