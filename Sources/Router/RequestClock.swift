internal import Glibc

/// The times of one request and of its copy: the system's clock is read when the request comes in, and from then on what has
/// passed is added, so that a clock that is set back meanwhile makes no request end before it began.
struct RequestClock {
    /// When the request came in, in Unix nanoseconds.
    let start: UInt64
    private let steady: UInt64

    init() {
        start = Self.read(CLOCK_REALTIME)
        steady = Self.read(CLOCK_MONOTONIC)
    }

    /// Unix nanoseconds.
    var now: UInt64 { start + (Self.read(CLOCK_MONOTONIC) - steady) }

    private static func read(_ clock: clockid_t) -> UInt64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
