internal import GRDB

/// Why something cannot be done with a ledger.
public struct LedgerError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Kind: String, Hashable, Sendable {
        /// Another process writes this ledger.
        case inUse
        /// Another process holds the database's own lock.
        case locked
        case full
        /// An entry that cannot be recorded itself, whatever the state of the database.
        case unrecordable
        case corrupt
        case notALedger
        /// It was written by a later version.
        case newer
        case system
        /// The writer was closed.
        case closed
        /// More waits to be written than may.
        case overloaded
        /// A key or a checkpoint file is missing or wrong.
        case keys
        /// It is behind its own checkpoint file.
        case rolledBack
        /// The request makes no sense for this ledger.
        case refused
    }

    public var kind: Kind
    public var message: String
    public var description: String { message }

    init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    /// What SQLite says, in words for whoever runs the sidecar.
    init(_ error: any Error, _ path: String) {
        if let error = error as? LedgerError {
            self = error
            return
        }
        guard let error = error as? DatabaseError else {
            self.init(.system, "the ledger \(path) failed: \(error)")
            return
        }
        let detail = error.message ?? "SQLite error \(error.extendedResultCode.rawValue)"
        switch error.resultCode {
        case .SQLITE_BUSY, .SQLITE_LOCKED: self.init(.locked, "the ledger \(path) is locked by another process: \(detail)")
        case .SQLITE_FULL: self.init(.full, "the ledger \(path) cannot grow: \(detail)")
        case .SQLITE_TOOBIG, .SQLITE_CONSTRAINT, .SQLITE_MISMATCH:
            self.init(.unrecordable, "the ledger \(path) cannot hold an entry: \(detail)")
        case .SQLITE_CORRUPT: self.init(.corrupt, "the ledger \(path) is damaged: \(detail)")
        case .SQLITE_NOTADB: self.init(.notALedger, "\(path) is no ledger: \(detail)")
        case .SQLITE_ERROR where detail.contains("no such") || detail.contains("has no column"):
            self.init(.notALedger, "\(path) is no ledger: \(detail)")
        default: self.init(.system, "the ledger \(path) failed: \(detail)")
        }
    }
}
