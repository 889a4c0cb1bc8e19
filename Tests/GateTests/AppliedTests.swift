import Replay
import Testing

@testable import Gate

@Suite("What a verdict was given by")
struct AppliedTests {
    @Test("bounds are counted, of the whole set and of slices, and each check with its runs", arguments: [1, 20])
    func counted(minimum: Int) throws {
        var policy = GatePolicy()
        policy.thresholds.maxFailed = 0
        policy.thresholds.minPassRate = 0.9
        policy.thresholds.minRuns = minimum
        var thresholds = GatePolicy.Thresholds()
        thresholds.maxToolMisuse = 0
        policy.slices = [.init(name: "all", slice: TraceSlice(), thresholds: thresholds)]
        var facts = GateJudge.Circumstances()
        facts.checks = ["careful", "never"]
        var slice = TraceSlice()
        slice.tags = ["money"]
        let check = RunCheck(name: "careful", condition: .forbiddenTools(["refund"]), slice: slice)
        let judge = PairJudge(ReplayRules(checks: [check]))
        var evidence = GateEvidence(policy)
        for i in 0..<40 {
            let pair = try Pair(
                id: i, outcome: "success", latency: 100, cost: 10, candidateLatency: 90, calls: #"["search"]"#,
                tags: i < 12 ? #"["money"]"# : "[]")
            pair.observe(judge, &evidence, PairPlace(line: i + 1, index: i, repetition: 0))
        }
        evidence.finish()
        let applied = GateJudge(policy).judge(evidence, facts).applied
        #expect(
            applied
                == GateReport.Applied(
                    thresholds: 2, sliceThresholds: 1, minRuns: minimum, evidentTraces: 40, checkedRuns: [12, 0]))
    }
}
