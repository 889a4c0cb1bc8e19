/// A number from a trace, no less exact than it was written.
public enum RecordedNumber: Hashable, Sendable {
    case integer(Int64)
    case real(Double)

    /// The nearest double.
    @inlinable
    public var double: Double {
        switch self {
        case .integer(let value): Double(value)
        case .real(let value): value
        }
    }

    /// The value, when it is a whole number that 64 bits hold (`12` and `12.0` alike).
    @inlinable
    public var integer: Int64? {
        switch self {
        case .integer(let value): value
        case .real(let value): Int64(exactly: value)
        }
    }

    /// Milliseconds as nanoseconds, rounded half up.
    ///
    /// - Returns: nil when the number is negative, not finite, or more than 24 hours: no tool call or agent run that we
    ///   know of takes that long, so such a value is a mistake of the recorder.
    public var millisecondsAsNanoseconds: UInt64? {
        let limit = 24.0 * 3600 * 1e9
        switch self {
        case .integer(let value):
            guard value >= 0, value <= 24 * 3600 * 1000 else { return nil }
            return UInt64(value) * 1_000_000
        case .real(let value):
            let nanoseconds = (value * 1e6 + 0.5).rounded(.down)
            guard value >= 0, nanoseconds <= limit else { return nil }
            return UInt64(nanoseconds)
        }
    }
}
