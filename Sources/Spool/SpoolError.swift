internal import Glibc

/// Why a spool cannot be used.
public struct SpoolError: Error, Hashable, Sendable, CustomStringConvertible {
    public var message: String
    /// The system's number for it, such as `ENOSPC`; 0 where the system did not refuse.
    public var code: Int32 = 0
    public var description: String { message }

    static func system(_ problem: String) -> SpoolError {
        let code = errno
        return SpoolError(message: "\(problem): \(String(cString: strerror(code)))", code: code)
    }
}
