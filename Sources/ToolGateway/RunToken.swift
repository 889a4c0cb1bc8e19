internal import AgentRuns

/// What an agent shows to call tools for its run: 128 bits that nobody can guess.
public struct RunToken: Hashable, Sendable, CustomStringConvertible {
    let high: UInt64
    let low: UInt64

    /// From the system's own generator: this one guards something.
    init() {
        var generator = SystemRandomNumberGenerator()
        high = generator.next()
        low = generator.next()
    }

    /// - Returns: nil for anything but 32 lower-case hex digits.
    public init?(hex: some StringProtocol) {
        guard hex.utf8.count == 32, let id = TraceID(hex: hex.utf8), !hex.utf8.contains(where: { (65...70).contains($0) }) else { return nil }
        high = id.high
        low = id.low
    }

    public var hex: String { TraceID(high: high, low: low).hex }
    /// Not the token: it may come into a log.
    public var description: String { "run token" }
}
