internal import DatabaseFiles

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

    /// What SQLite or the system says, in words for whoever runs the sidecar.
    init(_ error: any Error, _ path: String) {
        if let error = error as? LedgerError {
            self = error
            return
        }
        let problem = DatabaseProblem(error, "ledger", path)
        let kind: Kind =
            switch problem.kind {
            case .locked: .locked
            case .full: .full
            case .unrecordable: .unrecordable
            case .corrupt: .corrupt
            case .foreign: .notALedger
            case .system: .system
            }
        self.init(kind, problem.message)
    }
}
