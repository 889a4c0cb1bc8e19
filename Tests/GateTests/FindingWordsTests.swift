import Replay
import Testing

@testable import Gate

@Suite("The figures in findings")
struct FindingWordsTests {
    @Test("a share is a percentage, a ratio is none, and neither has digits that say nothing")
    func effects() throws {
        let pairs = try (0..<40).map {
            try Pair(
                id: $0, outcome: "success", latency: 1000 + Double($0), cost: 10, candidateLatency: 1200 + Double($0) * 1.2,
                candidateOutcome: $0 < 8 ? "failure" : "success")
        }
        var policy = GatePolicy()
        policy.thresholds.minPassRate = 0.95
        policy.comparison.passRate = GatePolicy.PassRate(margin: 0.15, isAskedFor: true)
        policy.comparison.measures = [.init(.latency, statistic: .quantile(0.95), margin: 0.5)]
        let findings = GateJudge(policy).judge(collected(policy, pairs), .init()).findings
        func message(_ rule: String) -> String { findings.first { $0.rule == rule }?.message ?? "" }
        #expect(message("min_pass_rate") == "80 % of 40 runs that could have failed passed, at least 95 % must")
        let rate = #/difference of pass rates -20 % \(97\.5 % interval -\d+(\.\d)? % to [+-]?\d+(\.\d)? %\), margin 15 %/#
        #expect(message("compare.pass_rate").contains(rate), "\(findings)")
        let latency = "not worse: ratio of 95 % quantiles 1.200 (97.5 % interval 1.200 to 1.200), margin 50 %"
        #expect(message("compare.latency_ms") == latency, "\(findings)")
    }
}
