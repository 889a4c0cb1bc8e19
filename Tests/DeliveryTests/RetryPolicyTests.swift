import Testing

@testable import Delivery

@Suite struct RetryPolicyTests {
    static func policy(initial: Duration, maximum: Duration) -> RetryPolicy {
        var policy = RetryPolicy()
        policy.initial = initial
        policy.maximum = maximum
        return policy
    }

    @Test func theFirstWaitIsTheInitialOne() {
        #expect(Self.policy(initial: .seconds(8), maximum: .seconds(100)).wait(before: 1, random: 0.5) == .seconds(8))
    }

    @Test func eachWaitIsHalfAgainAsLongUntilTheCap() {
        let policy = Self.policy(initial: .seconds(8), maximum: .seconds(40))
        let waits = (1...7).map { policy.wait(before: $0, random: 0.5) }
        #expect(waits == [.seconds(8), .seconds(12), .seconds(18), .seconds(27), .seconds(40), .seconds(40), .seconds(40)])
    }

    @Test(arguments: [1, 2, 5, 50])
    func jitterStaysWithinHalfEitherWay(attempt: Int) {
        let policy = Self.policy(initial: .seconds(2), maximum: .seconds(30))
        let middle = policy.wait(before: attempt, random: 0.5)
        #expect(policy.wait(before: attempt, random: 0) == middle * 0.5)
        var numbers = SeededNumbers(seed: 1)
        for _ in 0..<100 {
            let wait = policy.wait(before: attempt, random: .random(in: 0..<1, using: &numbers))
            #expect(wait >= middle * 0.5)
            #expect(wait < middle * 1.5)
        }
    }

    @Test(arguments: [64, 1000, Int.max])
    func manyAttemptsDoNotOverflow(attempt: Int) {
        let policy = Self.policy(initial: .milliseconds(1), maximum: .seconds(30))
        #expect(policy.wait(before: attempt, random: 0.5) == .seconds(30))
    }

    @Test func anInitialWaitOverTheCapIsCutToIt() {
        #expect(Self.policy(initial: .seconds(60), maximum: .seconds(30)).wait(before: 1, random: 0.5) == .seconds(30))
    }

    @Test func theDefaultsGrowFromOneSecondToThirty() {
        let policy = RetryPolicy()
        #expect(policy.wait(before: 1, random: 0.5) == .seconds(1))
        #expect(policy.wait(before: 100, random: 0.5) == .seconds(30))
        #expect(policy.giveUpAfter == .seconds(300))
    }
}
