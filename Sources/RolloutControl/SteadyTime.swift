internal import Glibc

/// Unix milliseconds as they were at the start, and what has passed since: a clock that is set forward ends no step of a schedule
/// early, and one that is set back keeps none for longer than it should last.
public struct SteadyTime: Sendable {
    private let start: Int64
    private let passedAtStart: Int64

    public init() {
        start = unixMilliseconds()
        passedAtStart = Self.passed
    }

    public var milliseconds: Int64 { start + (Self.passed - passedAtStart) }

    /// With the time for which the machine slept.
    private static var passed: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}
