internal import DatabaseFiles

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
        if let error = error as? RunStoreError {
            self = error
            return
        }
        let problem = DatabaseProblem(error, "run store", path)
        let kind: Kind =
            switch problem.kind {
            case .locked: .locked
            case .full: .full
            case .corrupt: .corrupt
            case .foreign: .notAStore
            case .unrecordable, .system: .system
            }
        self.init(kind, problem.message)
    }
}
