internal import GRDB
internal import Glibc

/// Why something cannot be done with a database, sorted by what is to be done about it, in words for whoever runs the process.
public struct DatabaseProblem: Hashable, Sendable {
    public enum Kind: Hashable, Sendable {
        /// Another process holds the database's own lock.
        case locked
        case full
        /// A row that cannot be written itself, whatever the state of the database.
        case unrecordable
        case corrupt
        /// It is no database, none of the kind that was meant, or not there.
        case foreign
        case system
    }

    public var kind: Kind
    public var message: String

    /// - Parameters:
    ///   - error: a ``DatabaseFile/Failure``, GRDB's `DatabaseError`, or another.
    ///   - name: what the database is, such as `ledger`.
    public init(_ error: any Error, _ name: String, _ path: String) {
        (kind, message) =
            switch error {
            case DatabaseFile.Failure.unopenable(let reason):
                (reason == ENOENT ? .foreign : .system, "cannot open the \(name) \(path): \(String(cString: strerror(reason)))")
            case DatabaseFile.Failure.notRegular: (.foreign, "\(path) is no regular file")
            case DatabaseFile.Failure.unreadableLog:
                (.system, "the \(name) \(path) has a write-ahead log that cannot be read in a read-only folder; copy both elsewhere")
            case let error as DatabaseError: Self.words(error, name, path)
            default: (.system, "the \(name) \(path) failed: \(error)")
            }
    }

    private static func words(_ error: DatabaseError, _ name: String, _ path: String) -> (Kind, String) {
        let detail = error.message ?? "SQLite error \(error.extendedResultCode.rawValue)"
        return switch error.resultCode {
        case .SQLITE_BUSY, .SQLITE_LOCKED: (.locked, "the \(name) \(path) is locked by another process: \(detail)")
        case .SQLITE_FULL: (.full, "the \(name) \(path) cannot grow: \(detail)")
        case .SQLITE_TOOBIG, .SQLITE_CONSTRAINT, .SQLITE_MISMATCH:
            (.unrecordable, "the \(name) \(path) cannot hold an entry: \(detail)")
        case .SQLITE_CORRUPT: (.corrupt, "the \(name) \(path) is damaged: \(detail)")
        case .SQLITE_NOTADB: (.foreign, "\(path) is no \(name): \(detail)")
        case .SQLITE_ERROR where detail.contains("no such") || detail.contains("has no column"):
            (.foreign, "\(path) is no \(name): \(detail)")
        default: (.system, "the \(name) \(path) failed: \(detail)")
        }
    }
}
