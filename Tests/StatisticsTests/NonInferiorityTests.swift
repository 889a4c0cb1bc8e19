import Statistics
import Testing

@Suite("Non-inferiority")
struct NonInferiorityTests {
    typealias Verdict = NonInferiority.Verdict

    private func interval(_ lower: Double, _ upper: Double) -> ConfidenceInterval {
        ConfidenceInterval(estimate: (lower + upper) / 2, lower: lower, upper: upper, confidence: 0.95)
    }

    /// With a margin of 10 where larger is worse.
    static let table: [(lower: Double, upper: Double, verdict: Verdict)] = [
        (-5, -1, .better), (-5, 0, .notWorse), (-5, 3, .notWorse), (0, 0, .notWorse), (1, 9, .notWorse),
        (-5, 10, .undecided), (-5, 12, .undecided), (5, 12, .undecided), (10, 12, .undecided), (11, 12, .worse),
        (-.infinity, .infinity, .undecided), (11, .infinity, .worse), (.nan, 1, .undecided), (-1, .nan, .undecided),
        (3, -3, .undecided),
    ]

    @Test("An interval is judged by where it lies, the same mirrored when larger is better", arguments: table)
    func difference(lower: Double, upper: Double, verdict: Verdict) throws {
        let latency = try #require(NonInferiority(margin: .absolute(10), direction: .largerIsWorse))
        let score = try #require(NonInferiority(margin: .absolute(10), direction: .largerIsBetter))
        #expect(latency.judge(difference: interval(lower, upper)) == verdict)
        #expect(score.judge(difference: interval(-upper, -lower)) == verdict)
    }

    @Test("A relative margin is a share of the baseline, or of the ratio")
    func relative() throws {
        let rule = try #require(NonInferiority(margin: .relative(0.1), direction: .largerIsWorse))
        #expect(rule.judge(difference: interval(-5, 9), baseline: 100) == .notWorse)
        #expect(rule.judge(difference: interval(-5, 9), baseline: -100) == .notWorse)
        #expect(rule.judge(difference: interval(-5, 9), baseline: 50) == .undecided)
        #expect(rule.judge(difference: interval(-5, 9)) == .undecided)
        #expect(rule.judge(difference: interval(-5, 9), baseline: .nan) == .undecided)
        #expect(rule.judge(difference: interval(-5, 9), baseline: .infinity) == .undecided)
        #expect(rule.judge(ratio: interval(0.97, 1.09)) == .notWorse)
        #expect(rule.judge(ratio: interval(0.9, 0.99)) == .better)
        #expect(rule.judge(ratio: interval(1.11, 1.2)) == .worse)
    }

    @Test("With no margin an interval that touches no difference is undecided")
    func noMargin() throws {
        let rule = try #require(NonInferiority(margin: .absolute(0), direction: .largerIsWorse))
        #expect(rule.judge(difference: interval(0, 0)) == .undecided)
        #expect(rule.judge(difference: interval(-1, -0.1)) == .better)
        #expect(rule.judge(difference: interval(0.1, 1)) == .worse)
    }

    @Test("A margin that is none is refused", arguments: [-0.1, .nan, .infinity])
    func refused(size: Double) {
        #expect(NonInferiority(margin: .absolute(size), direction: .largerIsWorse) == nil)
        #expect(NonInferiority(margin: .relative(size), direction: .largerIsBetter) == nil)
    }
}
