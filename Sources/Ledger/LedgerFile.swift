internal import DatabaseFiles
internal import FileLocks
internal import GRDB
internal import Glibc

/// How a ledger's database is opened.
enum LedgerFile {
    /// Opens it for writing, makes it if it is not there, and brings an older one up to date.
    static func openForWriting(_ path: String, busyTimeout: Double) throws(LedgerError) -> DatabaseQueue {
        do {
            // An intent must outlive a loss of power, and what is erased must be gone from the file's free pages.
            // The last pages are written again and again: the longer the log, the more of that is written back at once.
            let settings = """
                PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA wal_autocheckpoint = 8192; PRAGMA cache_size = -16384
                """
            let queue = try DatabaseFile.openForWriting(path, busyTimeout: busyTimeout, settings: settings) { try check($0, path) }
            try LedgerSchema.migrator.migrate(queue)
            return queue
        } catch {
            throw LedgerError(error, path)
        }
    }

    /// Opens it for reading, also a copy or a read-only file.
    static func openForReading(_ path: String) throws(LedgerError) -> DatabaseQueue {
        do {
            return try DatabaseFile.openForReading(path) { try check($0, path) }
        } catch {
            throw LedgerError(error, path)
        }
    }

    /// Looks at one that is there and that nobody writes, and leaves nothing beside it.
    static func inspect(_ path: String, _ body: (Database) throws -> Void) throws(LedgerError) {
        do {
            try DatabaseFile.inspect(path) { db in
                try check(db, path)
                try body(db)
            }
        } catch {
            throw LedgerError(error, path)
        }
    }

    /// - Throws: ``LedgerError`` for a database that is no ledger, or a later version's.
    private static func check(_ db: Database, _ path: String) throws {
        let version = try db.number("PRAGMA user_version") ?? 0
        guard try db.number("PRAGMA application_id") == UInt64(LedgerSchema.applicationID) else {
            throw LedgerError(.notALedger, "\(path) is a database, but no ledger of Outrigger's")
        }
        // A view or a trigger could make a ledger look or become another than it is.
        let tables =
            "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name IN ('ledger', 'entries', 'contents', 'checkpoints')"
        guard try db.number(tables) == 4,
            try db.number("SELECT count(*) FROM sqlite_schema WHERE type IN ('view', 'trigger')") == 0
        else {
            throw LedgerError(
                .notALedger, "\(path) does not have a ledger's tables, or has views or triggers, which no ledger has")
        }
        guard version > 0 else { throw LedgerError(.notALedger, "\(path) does not say which version of a ledger it is") }
        if version <= LedgerSchema.version, try LedgerSchema.text(db) != LedgerSchema.expected(version) {
            throw LedgerError(.notALedger, "\(path) has other tables or indexes than a ledger has: what it lists need not be what it holds")
        }
        guard version <= LedgerSchema.version else {
            throw LedgerError(
                .newer,
                "the ledger \(path) was written by a later version (schema \(version), this one knows \(LedgerSchema.version))")
        }
    }
}

extension FileLock {
    /// Keeps a second writer from a ledger: each would break the other's chain.
    ///
    /// - Parameter ledger: the path of the database.
    init(ofLedger ledger: String) throws(LedgerError) {
        let file = FileLock.path(ofDatabase: ledger)
        do throws(Failure) { self = try FileLock(file) } catch {
            switch error {
            case .unopenable(let reason):
                throw LedgerError(.system, "the ledger \(ledger) cannot be locked: \(file): \(String(cString: strerror(reason)))")
            case .taken:
                throw LedgerError(
                    .inUse,
                    "the ledger \(ledger) is written by another process, such as a sidecar; give each a ledger of its own, or stop it")
            case .unlockable: throw LedgerError(.inUse, "the ledger \(ledger) cannot be locked")
            }
        }
    }
}
