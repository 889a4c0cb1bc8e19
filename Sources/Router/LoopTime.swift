internal import NIOCore

/// The time on one event loop, for waits: while bytes that were read are worked off, it stands still, so that the clock is read
/// once for all that they bring about.
final class LoopTime {
    private var fixed: NIODeadline?

    var now: NIODeadline { fixed ?? .now() }

    /// Lets it stand still while something is done.
    func standing<Result>(_ body: () throws -> Result) rethrows -> Result {
        fixed = .now()
        // What calls this from within goes on with a later time, never with one that stands for too long.
        defer { fixed = nil }
        return try body()
    }
}
