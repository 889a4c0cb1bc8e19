internal import DatabaseFiles
internal import GRDB

/// The database's tables.
///
/// - `store`, one row: the `key` of the digests.
/// - `runs`: a row for each ``StoredRun``, in the order in which they were `stored` (Unix nanoseconds).
/// - `calls`: the tool calls of the runs.
///
/// The key stands in the same file as the digests: they tell equal from different, and keep nobody who has the whole file from
/// trying guesses.
enum RunStoreSchema {
    /// `user_version` of the database.
    static let version = 1
    /// `application_id`, "OUTS".
    static let applicationID: Int32 = 0x4F55_5453

    static let migrator: DatabaseMigrator = {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { db in
            try db.execute(
                sql: """
                    CREATE TABLE store (key BLOB NOT NULL) STRICT;
                    CREATE TABLE runs (
                        id INTEGER PRIMARY KEY AUTOINCREMENT, stored INTEGER NOT NULL,
                        trace_id BLOB NOT NULL, span_id BLOB NOT NULL, role TEXT NOT NULL, mode TEXT NOT NULL,
                        started INTEGER NOT NULL, duration INTEGER, request_id TEXT NOT NULL, replay_id TEXT NOT NULL,
                        agent TEXT NOT NULL, release_version TEXT NOT NULL, release_digest TEXT NOT NULL,
                        rollout_id TEXT NOT NULL, rollout_revision INTEGER NOT NULL, stage TEXT NOT NULL, fallback TEXT NOT NULL,
                        status INTEGER, outcome TEXT, error_type TEXT, cost_tokens REAL, input_tokens INTEGER,
                        output_tokens INTEGER, passed INTEGER, reasons TEXT NOT NULL, response_digest BLOB, response TEXT,
                        is_exported INTEGER NOT NULL, pair_trace_id BLOB, pair_span_id BLOB,
                        divergence_index INTEGER, divergence_tool TEXT, divergence_kind TEXT, omitted_calls INTEGER NOT NULL,
                        recorded_id TEXT NOT NULL,
                        UNIQUE (trace_id, span_id)) STRICT;
                    CREATE TABLE calls (
                        run INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE, place INTEGER NOT NULL,
                        tool TEXT NOT NULL, arguments_digest BLOB NOT NULL, arguments TEXT, verdict TEXT, success INTEGER,
                        duration INTEGER, PRIMARY KEY (run, place)) STRICT, WITHOUT ROWID;
                    CREATE INDEX runs_stored ON runs (stored);
                    CREATE INDEX runs_request_id ON runs (request_id);
                    CREATE INDEX runs_recorded_id ON runs (recorded_id);
                    CREATE INDEX runs_pair ON runs (pair_trace_id, pair_span_id);
                    PRAGMA application_id = \(applicationID);
                    PRAGMA user_version = \(version);
                    """)
            var random = SystemRandomNumberGenerator()
            let key = (0..<32).map { _ in UInt8.random(in: 0...255, using: &random) }
            try db.run("INSERT INTO store VALUES (?)", [.blob(key)])
        }
        return migrator
    }()

    /// - Throws: ``RunStoreError`` for a database that is no run store, or a later version's.
    static func check(_ db: Database, _ path: String) throws {
        guard try db.number("PRAGMA application_id") == UInt64(applicationID) else {
            throw RunStoreError(.notAStore, "\(path) is a database, but no run store of Outrigger's")
        }
        let found = try db.number("PRAGMA user_version") ?? 0
        guard found <= version else {
            throw RunStoreError(
                .newer, "the run store \(path) was written by a later version (schema \(found), this one knows \(version))")
        }
        let tables = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name IN ('store', 'runs', 'calls')"
        // A view or a trigger could make it look or become another than it is.
        guard try db.number(tables) == 3, try db.number("SELECT count(*) FROM sqlite_schema WHERE type IN ('view', 'trigger')") == 0 else {
            throw RunStoreError(.notAStore, "\(path) does not have a run store's tables, or has views or triggers, which no run store has")
        }
    }
}
