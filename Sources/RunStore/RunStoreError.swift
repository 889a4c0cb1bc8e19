internal import DatabaseFiles
internal import GRDB
internal import Glibc

/// Why something cannot be done with a run store.
public struct RunStoreError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Kind: String, Hashable, Sendable {
        /// Another process writes this store.
        case inUse
        /// Another process holds the database's own lock.
        case locked
        case full
        case corrupt
        case notAStore
        /// It was written by a later version.
        case newer
        case system
    }

    public var kind: Kind
    public var message: String
    public var description: String { message }

    init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    /// What the system or SQLite says, in words for whoever runs the sidecar.
    init(_ error: any Error, _ path: String) {
        switch error {
        case let error as RunStoreError: self = error
        case DatabaseFile.Failure.unopenable(let reason):
            self.init(
                reason == ENOENT ? .notAStore : .system, "cannot open the run store \(path): \(String(cString: strerror(reason)))")
        case DatabaseFile.Failure.notRegular: self.init(.notAStore, "\(path) is no regular file")
        case DatabaseFile.Failure.unreadableLog:
            self.init(
                .system,
                "the run store \(path) has a write-ahead log that cannot be read in a read-only folder; copy both elsewhere")
        case let error as DatabaseError: self.init(error, path)
        default: self.init(.system, "the run store \(path) failed: \(error)")
        }
    }

    private init(_ error: DatabaseError, _ path: String) {
        let detail = error.message ?? "SQLite error \(error.extendedResultCode.rawValue)"
        switch error.resultCode {
        case .SQLITE_BUSY, .SQLITE_LOCKED: self.init(.locked, "the run store \(path) is locked by another process: \(detail)")
        case .SQLITE_FULL: self.init(.full, "the run store \(path) cannot grow: \(detail)")
        case .SQLITE_CORRUPT: self.init(.corrupt, "the run store \(path) is damaged: \(detail)")
        case .SQLITE_NOTADB: self.init(.notAStore, "\(path) is no run store: \(detail)")
        case .SQLITE_ERROR where detail.contains("no such") || detail.contains("has no column"):
            self.init(.notAStore, "\(path) is no run store: \(detail)")
        default: self.init(.system, "the run store \(path) failed: \(detail)")
        }
    }
}
