import AgentRuns
import Replay
import Testing

@testable import Gate

@Suite("What could not be measured has not passed")
struct UnmeasuredTests {
    @Test("a trace that only the candidate ran was compared with nothing", arguments: [
        (0, GateReport.Verdict.pass), (1, .inconclusive), (10, .inconclusive), (19, .inconclusive),
    ])
    func noBaselineRun(alone: Int, verdict: GateReport.Verdict) throws {
        for kind in [RunProblem.Kind.noRun, .transport] {
            let pairs = try (0..<20).map { i -> Pair in
                var pair = try Pair(id: i, outcome: "success", latency: 100, cost: 10, candidateLatency: 90)
                if i < alone { pair.baseline = ArmRun(RunProblem(kind, "it is away")) }
                return pair
            }
            let report = GateJudge(GatePolicy()).judge(collected(GatePolicy(), pairs), .init())
            #expect(report.verdict == verdict, "\(report.findings)")
            let finding = report.findings.first { $0.rule == "no_baseline_run" }
            #expect((finding != nil) == (alone > 0))
            if alone > 0 { #expect(finding?.message.hasPrefix("in \(Numbers.count(alone, "trace")) ") == true) }
        }
    }

    @Test("traces without a run of both arms are counted for each arm by the reason, and told by their ids")
    func unpaired() throws {
        let pairs = try (0..<30).map { i -> Pair in
            var pair = try Pair(id: i, outcome: "success", latency: 100, cost: 10, candidateLatency: 90)
            if i % 3 == 1 { pair.baseline = ArmRun(RunProblem(.timeout, "it hangs")) }
            if i % 2 == 1 { pair.candidate = ArmRun(RunProblem(i < 10 ? .noRun : .transport, "it is away")) }
            return pair
        }
        let tally = collected(GatePolicy(), pairs).tally
        #expect(tally.total - tally.compared == 20)
        #expect(tally.unpaired.baseline == ["timeout": 10])
        #expect(tally.unpaired.candidate == ["no_run": 5, "transport": 10])
        #expect(tally.unpaired.examples == [1, 3, 4, 5, 7, 9, 10, 11, 13, 15].map { "t-\($0)" })
    }

    @Test("a bound on overruns or misuse holds of nothing where nothing could be measured", arguments: [
        ("max_budget_overruns", #""outcome": "success""#, [], GateReport.Verdict.inconclusive),
        ("max_budget_overruns", #""outcome": "success", "latency_ms": -1"#, [], .inconclusive),
        ("max_budget_overruns", #""outcome": "success", "latency_ms": 1"#, [], .pass),
        ("max_budget_overruns", #""outcome": "success", "cost_tokens": 1"#, [], .pass),
        ("max_tool_misuse", #""outcome": "success", "tool_calls": ["a"]"#, [], .inconclusive),
        ("max_tool_misuse", #""outcome": "success", "tool_calls": ["a"], "allowed_tools": ["a"]"#, [], .pass),
        ("max_tool_misuse", #""outcome": "success", "tool_calls": ["a"]"#, ["a"], .pass),
    ] as [(String, String, [String], GateReport.Verdict)])
    func nothingMeasured(rule: String, line: String, released: [String], verdict: GateReport.Verdict) throws {
        var slice = GatePolicy.SliceRule(name: "all", slice: TraceSlice(), thresholds: .init())
        var policy = GatePolicy()
        for isAskedFor in [true, false] {
            let limit = isAskedFor ? 0 : nil
            if rule == "max_tool_misuse" { policy.thresholds.maxToolMisuse = limit } else { policy.thresholds.maxBudgetOverruns = limit }
            slice.thresholds = policy.thresholds
            policy.slices = [slice]
            var evidence = GateEvidence(policy)
            let judge = PairJudge(ReplayRules(allowedTools: released.isEmpty ? nil : Set(released.map { Array($0.utf8) })))
            for i in 0..<10 {
                try Pair(id: i, outcome: "", latency: nil, cost: 0, both: #"{"trace_id": "t-\#(i)", \#(line)}"#)
                    .observe(judge, &evidence, PairPlace(line: i + 1, index: i, repetition: 0))
            }
            evidence.finish()
            let findings = GateJudge(policy).judge(evidence, .init()).findings
            #expect(findings.first { $0.rule == rule }?.verdict == (isAskedFor ? verdict : nil), "\(findings)")
            #expect(findings.first { $0.rule == "slices.all.\(rule)" }?.verdict == (isAskedFor ? verdict : nil), "\(findings)")
        }
    }

    @Test("a replay that did not come to its end is no verdict that could be let pass", arguments: [nil, "ended by a signal"])
    func partial(why: String?) throws {
        var policy = GatePolicy()
        policy.allowsInconclusive = true
        var facts = GateJudge.Circumstances()
        facts.partial = why
        let report = GateJudge(policy).judge(collected(policy, []), facts)
        #expect(report.verdict == .inconclusive && report.allowsInconclusive == (why == nil))
    }

    @Test("a recording of another release is no evidence for the one that is named")
    func foreignRecording() throws {
        var facts = GateJudge.Circumstances()
        let pairs = try (0..<20).map { try Pair(id: $0, outcome: "success", latency: 100, cost: 10, candidateLatency: 90) }
        #expect(GateJudge(GatePolicy()).judge(collected(GatePolicy(), pairs), facts).verdict == .pass)
        facts.foreignRuns = ["the candidate's recording says version v1 (20), and is credited to v2"]
        let report = GateJudge(GatePolicy()).judge(collected(GatePolicy(), pairs), facts)
        #expect(report.verdict == .inconclusive)
        #expect(report.findings.first { $0.rule == "foreign_release" }?.message.contains("says version v1 (20)") == true)
    }

    @Test("values left out are told of where they could have been one overrun too many", arguments: [
        (0, 0, 0, false), (1, 0, 0, true), (1, 1, 0, false), (2, 1, 0, true), (1, 2, 1, false), (1, 1, 1, true), (20, 0, 0, true), (20, 20, 0, false),
    ])
    func unstated(leftOut: Int, allowed: Int, overruns: Int, isTold: Bool) throws {
        for (kept, lost) in [("latency_ms", "cost_tokens"), ("cost_tokens", "latency_ms")] {
            let pairs = try (0..<20).map { i in
                let value = i >= 20 - overruns ? 90_000 : 9
                let line = i < leftOut ? #""\#(kept)": \#(value)"# : #""latency_ms": \#(value), "cost_tokens": 9"#
                return try Pair(id: i, outcome: "success", latency: 10, cost: 10, candidate: #"{"outcome": "success", \#(line)}"#)
            }
            var policy = GatePolicy()
            policy.thresholds.maxBudgetOverruns = allowed
            policy.slices = [.init(name: "all", slice: TraceSlice(), thresholds: policy.thresholds)]
            let findings = GateJudge(policy).judge(collected(policy, pairs), .init()).findings
            for rule in ["max_budget_overruns", "slices.all.max_budget_overruns"] {
                let finding = findings.first { $0.rule == rule && $0.verdict == .inconclusive }
                #expect((finding != nil) == isTold, "\(findings)")
                if isTold { #expect(finding?.message.contains("does not state \(lost) in \(Numbers.count(leftOut, "trace"))") == true) }
                #expect(findings.count { $0.rule == rule } == 1, "\(findings)")
            }
        }
    }

    @Test("a rule has one finding, whatever keeps it from an answer", arguments: [
        ("{}", "no run of the candidate"), (#"{"latency_ms": 1}"#, "does not state latency_ms in 1 trace and cost_tokens in 2 traces in which"),
        (#"{"latency_ms": 90000}"#, "1 budget overrun, 0 allowed"),
    ])
    func oneFinding(stated: String, words: String) throws {
        let lines = ["{}", stated]
        let pairs = try lines.enumerated().map { try Pair(id: $0, outcome: "success", latency: 10, cost: 10, candidate: $1) }
        var policy = GatePolicy()
        policy.thresholds.maxBudgetOverruns = 0
        let findings = GateJudge(policy).judge(collected(policy, pairs), .init()).findings.filter { $0.rule == "max_budget_overruns" }
        #expect(findings.count == 1 && findings.first?.message.contains(words) == true, "\(findings)")
    }
}
