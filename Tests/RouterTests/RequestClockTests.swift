import Glibc
import Testing

@testable import Router

@Suite struct RequestClockTests {
    @Test("It begins with the system's time and never goes back")
    func forward() {
        var before = timespec()
        clock_gettime(CLOCK_REALTIME, &before)
        let clock = RequestClock()
        var last = UInt64(before.tv_sec) * 1_000_000_000
        for _ in 0..<1000 {
            let now = clock.now
            #expect(now >= last)
            last = now
        }
        // In the same hour, whatever the machine does: it is Unix time, and not that since the start of the machine.
        #expect(last - UInt64(before.tv_sec) * 1_000_000_000 < 3_600_000_000_000)
    }
}
