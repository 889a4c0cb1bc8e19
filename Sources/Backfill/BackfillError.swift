internal import Glibc

/// Something that ends a backfill before its input does.
public struct BackfillError: Error, Sendable, CustomStringConvertible {
    public enum Kind: Sendable {
        /// The user must change the command or the configuration: exit status 2.
        case configuration
        /// Something failed while it ran: exit status 1.
        case runtime
    }

    public var kind: Kind
    public var message: String

    public var description: String { message }

    static func configuration(_ message: String) -> BackfillError { BackfillError(kind: .configuration, message: message) }
    static func runtime(_ message: String) -> BackfillError { BackfillError(kind: .runtime, message: message) }

    static func io(_ what: String, _ code: Int32) -> BackfillError {
        runtime("\(what): \(String(cString: strerror(code)))")
    }
}
