public import GRDB
internal import GRDBSQLite
internal import Glibc

/// How a database's file is opened, so that it may come from anyone and stays its owner's.
public enum DatabaseFile {
    /// Why a file cannot be opened that SQLite was not even asked about.
    public enum Failure: Error, Hashable, Sendable {
        /// The number is that of `errno`.
        case unopenable(Int32)
        case notRegular
        /// There is a write-ahead log in a folder in which nobody may write: SQLite cannot read it there.
        case unreadableLog
    }

    /// Opens it for writing, with a write-ahead log so that readers and the writer keep out of each other's way, and makes it, for
    /// its owner alone, if it is not there.
    ///
    /// - Parameters:
    ///   - busyTimeout: seconds to wait for another process that holds the database.
    ///   - settings: pragmas of the caller's own.
    ///   - check: looks at the database, read-only, before anything in it is changed; not called for one in which nothing is.
    /// - Throws: ``Failure``, GRDB's `DatabaseError`, or what `check` throws.
    public static func openForWriting(
        _ path: String, busyTimeout: Double, settings: String, check: (Database) throws -> Void
    ) throws -> DatabaseQueue {
        try makePrivate(path)
        var info = stat()
        if stat(path, &info) == 0, info.st_size > 0 {
            // What is not ours is left as it is, down to its journal mode.
            try DatabaseQueue(path: plain(path), configuration: readOnly).read { db in
                if try isBegun(db) { try check(db) }
            }
        }
        var configuration = Configuration()
        configuration.busyMode = .timeout(busyTimeout)
        configuration.prepareDatabase { db in
            try distrust(db)
            try db.execute(sql: "PRAGMA journal_mode = WAL; \(settings)")
        }
        return try DatabaseQueue(path: plain(path), configuration: configuration)
    }

    /// Opens it for reading. A file that cannot be read as what it is, since the folder is read-only, is read as one that
    /// nobody writes.
    ///
    /// - Parameter check: looks at the database first.
    /// - Throws: ``Failure``, GRDB's `DatabaseError`, or what `check` throws.
    public static func openForReading(_ path: String, check: (Database) throws -> Void) throws -> DatabaseQueue {
        var info = stat()
        guard stat(path, &info) == 0 else { throw Failure.unopenable(errno) }
        guard info.st_mode & S_IFMT == S_IFREG else { throw Failure.notRegular }
        func open(_ name: String) throws -> DatabaseQueue {
            let queue = try DatabaseQueue(path: name, configuration: readOnly)
            try queue.read(check)
            return queue
        }
        do {
            return try open(plain(path))
        } catch let error as DatabaseError where [.SQLITE_CANTOPEN, .SQLITE_READONLY].contains(error.resultCode) {
            guard access(path + "-wal", F_OK) != 0 || isEmpty(path + "-wal") else { throw Failure.unreadableLog }
            return try open("file:\(percentEncoded(path))?immutable=1")
        }
    }

    /// Looks at a database, read-only, and leaves nothing beside it, where ``openForReading(_:check:)`` can leave a log.
    ///
    /// - Parameter check: not called for one that is not there yet, in which nothing is, or that has a log of its own: another
    ///   process writes it, or was killed while it did.
    /// - Throws: ``Failure``, GRDB's `DatabaseError`, or what `check` throws.
    public static func inspect(_ path: String, check: (Database) throws -> Void) throws {
        var info = stat()
        guard stat(path, &info) == 0 else {
            if errno == ENOENT { return }
            throw Failure.unopenable(errno)
        }
        guard info.st_mode & S_IFMT == S_IFREG else { throw Failure.notRegular }
        guard info.st_size > 0, access(path + "-wal", F_OK) != 0 || isEmpty(path + "-wal") else { return }
        try DatabaseQueue(path: "file:\(percentEncoded(path))?immutable=1", configuration: readOnly).read { db in
            if try isBegun(db) { try check(db) }
        }
    }

    /// A process that was killed while it made the database leaves a file without tables, or with the migrator's.
    private static func isBegun(_ db: Database) throws -> Bool {
        let tables = try db.number("SELECT count(*) FROM sqlite_schema WHERE tbl_name <> 'grdb_migrations'")
        return try tables != 0 || db.number("PRAGMA application_id") != 0
    }

    private static var readOnly: Configuration {
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(2)
        configuration.prepareDatabase { try distrust($0) }
        return configuration
    }

    private static func isEmpty(_ path: String) -> Bool {
        var info = stat()
        return stat(path, &info) == 0 && info.st_size == 0
    }

    /// Bytes of one value; those of ours are far smaller.
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
    private static func makePrivate(_ path: String) throws(Failure) {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .unopenable(errno) }
        close(descriptor)
    }
}
