internal import FileLocks
internal import GRDB
internal import GRDBSQLite
internal import Glibc

/// How a ledger's database is opened.
enum LedgerFile {
    /// Opens it for writing, makes it if it is not there, and brings an older one up to date.
    static func openForWriting(_ path: String, busyTimeout: Double) throws(LedgerError) -> DatabaseQueue {
        do {
            var configuration = Configuration()
            configuration.busyMode = .timeout(busyTimeout)
            configuration.prepareDatabase { db in
                // The wal keeps readers and the writer out of each other's way; an intent must outlive a loss of power.
                try distrust(db)
                try db.execute(sql: "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON")
            }
            try makePrivate(path)
            try checkBeforeWriting(path)
            let queue = try DatabaseQueue(path: plain(path), configuration: configuration)
            try LedgerSchema.migrator.migrate(queue)
            return queue
        } catch {
            throw LedgerError(error, path)
        }
    }

    /// What is no ledger is left as it is, down to its journal mode.
    private static func checkBeforeWriting(_ path: String) throws {
        var info = stat()
        guard stat(path, &info) == 0, info.st_size > 0 else { return }
        var configuration = Configuration()
        configuration.readonly = true
        configuration.prepareDatabase { try Self.distrust($0) }
        try DatabaseQueue(path: plain(path), configuration: configuration).read { db in
            // A process that was killed while it made the database leaves a file without tables, or with the migrator's.
            let tables = try db.number("SELECT count(*) FROM sqlite_schema WHERE tbl_name <> 'grdb_migrations'")
            if try tables != 0 || db.number("PRAGMA application_id") != 0 { try check(db, path) }
        }
    }

    /// Opens it for reading. A file that cannot be read as what it is, since the folder is read-only, is read as one that
    /// nobody writes.
    static func openForReading(_ path: String) throws(LedgerError) -> DatabaseQueue {
        do {
            var info = stat()
            guard stat(path, &info) == 0 else {
                throw LedgerError(.notALedger, "cannot open the ledger \(path): \(String(cString: strerror(errno)))")
            }
            guard info.st_mode & S_IFMT == S_IFREG else { throw LedgerError(.notALedger, "\(path) is no regular file") }
            do {
                return try reading(plain(path), path)
            } catch let error as DatabaseError where [.SQLITE_CANTOPEN, .SQLITE_READONLY].contains(error.resultCode) {
                guard access(path + "-wal", F_OK) != 0 || walIsEmpty(path) else {
                    throw LedgerError(
                        .system,
                        "the ledger \(path) has a write-ahead log that cannot be read in a read-only folder; copy both elsewhere"
                    )
                }
                return try reading("file:\(percentEncoded(path))?immutable=1", path)
            }
        } catch {
            throw LedgerError(error, path)
        }
    }

    private static func walIsEmpty(_ path: String) -> Bool {
        var info = stat()
        return stat(path + "-wal", &info) == 0 && info.st_size == 0
    }

    private static func reading(_ name: String, _ path: String) throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(2)
        configuration.prepareDatabase { try Self.distrust($0) }
        let queue = try DatabaseQueue(path: name, configuration: configuration)
        try queue.read { try check($0, path) }
        return queue
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
        if version == UInt64(LedgerSchema.version), try LedgerSchema.text(db) != LedgerSchema.expected() {
            throw LedgerError(.notALedger, "\(path) has other tables or indexes than a ledger has: what it lists need not be what it holds")
        }
        guard version <= LedgerSchema.version else {
            throw LedgerError(
                .newer,
                "the ledger \(path) was written by a later version (schema \(version), this one knows \(LedgerSchema.version))")
        }
    }

    /// Bytes of one value; a ledger's own are far smaller.
    private static let maximumValue: Int32 = 64 << 20

    /// The file may come from anyone: nothing in its schema may call functions that do something, and no value may be so large
    /// that reading it takes the machine's memory.
    private static func distrust(_ db: Database) throws {
        try db.execute(sql: "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON")
        if let connection = db.sqliteConnection { sqlite3_limit(connection, SQLITE_LIMIT_LENGTH, maximumValue) }
    }

    /// A path that SQLite cannot take for a URI or a name of its own.
    private static func plain(_ path: String) -> String { path.hasPrefix("/") ? path : "./" + path }

    private static func percentEncoded(_ path: String) -> String {
        var result = ""
        for byte in path.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "/"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
                result.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                result += "%" + (digits.count == 1 ? "0" : "") + digits
            }
        }
        return result
    }

    /// Others need not read who called what: the file is made for its owner alone, and SQLite makes its companions alike.
    private static func makePrivate(_ path: String) throws(LedgerError) {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw LedgerError(.system, "cannot open the ledger \(path): \(String(cString: strerror(errno)))")
        }
        close(descriptor)
    }
}

extension FileLock {
    /// Keeps a second writer from a ledger: each would break the other's chain.
    ///
    /// - Parameter ledger: the path of the database.
    init(ofLedger ledger: String) throws(LedgerError) {
        // The same ledger by another name, such as a link, is the same ledger.
        let place = realpath(ledger, nil)
        defer { free(place) }
        let file = (place.map { String(cString: $0) } ?? ledger) + ".lock"
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
