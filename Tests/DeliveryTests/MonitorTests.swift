import Testing
import Threads

@Suite struct MonitorTests {
    @Test func whatTheBodyThrowsPassesAndTheLockIsFreeAgain() {
        struct Refusal: Error {}
        let monitor = Monitor(1)
        #expect(throws: Refusal.self) { try monitor.withLock { _ in throw Refusal() } }
        #expect(monitor.withLock { $0 } == 1)
    }

    @Test(.timeLimit(.minutes(10)))
    func changesFromManyThreadsAllCount() throws {
        let monitor = Monitor(0)
        let work: @Sendable () -> Void = { for _ in 0..<2000 { monitor.withLock { $0 += 1 } } }
        try concurrently(Array(repeating: work, count: 6))
        #expect(monitor.withLock { $0 } == 12_000)
    }

    @Test(.timeLimit(.minutes(10)))
    func whoWaitsIsWokenByEachChangeUntilItSuits() throws {
        let monitor = Monitor(0)
        try concurrently([
            { #expect(monitor.wait { $0 >= 100 ? $0 : nil } == 100) },
            { for _ in 0..<100 { monitor.withLock { $0 += 1 } } },
        ])
    }

    @Test(.timeLimit(.minutes(10)))
    func whoTakesWhileWaitingTakesAlone() throws {
        // Eight take one of eight, in one step with the look: none is taken twice, and nobody is left waiting.
        let tokens = Monitor<[Int]>([])
        let taken = Monitor<[Int]>([])
        let taker: @Sendable () -> Void = {
            let mine = tokens.wait { $0.popLast() }
            taken.withLock { $0.append(mine) }
        }
        let giver: @Sendable () -> Void = { for i in 0..<8 { tokens.withLock { $0.append(i) } } }
        try concurrently(Array(repeating: taker, count: 8) + [giver])
        #expect(taken.withLock { $0.sorted() } == Array(0..<8))
    }

    @Test(.timeLimit(.minutes(10)))
    func oneWaitersChangeWakesTheOther() throws {
        // Two threads pass a ball: each one's change is made within its wait.
        let ball = Monitor(0)
        let player = { (mine: Int) in
            { @Sendable in
                for turn in 0..<200 {
                    ball.wait { (ball: inout Int) -> Void? in
                        guard ball == turn * 2 + mine else { return nil }
                        ball += 1
                        return ()
                    }
                }
            }
        }
        try concurrently([player(0), player(1)])
        #expect(ball.withLock { $0 } == 400)
    }

    @Test(.timeLimit(.minutes(10)), arguments: [Duration.zero, .nanoseconds(1), .milliseconds(30), .seconds(-1)])
    func aWaitForWhatNeverComesEndsWithNil(timeout: Duration) {
        let monitor = Monitor(0)
        #expect(monitor.wait(atMost: timeout) { $0 > 0 ? $0 : nil } == nil)
    }

    @Test func aTimeoutOfZeroStillLooksOnce() {
        #expect(Monitor(3).wait(atMost: .zero) { $0 > 0 ? $0 : nil } == 3)
    }

    @Test(.timeLimit(.minutes(10)))
    func aWaitWithTimeToSpareSeesTheChange() throws {
        // The fraction must carry over into whole seconds: 3599.999999999 s is no valid nanosecond count by itself.
        let monitor = Monitor(0)
        let timeout = Duration.seconds(3599) + .nanoseconds(999_999_999)
        try concurrently([
            { #expect(monitor.wait(atMost: timeout) { $0 == 5 ? $0 : nil } == 5) },
            { for _ in 0..<5 { monitor.withLock { $0 += 1 } } },
        ])
    }
}
