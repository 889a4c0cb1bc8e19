import AgentRuns
import Replay
import Testing
import TraceReading

@testable import Gate

@Suite("The verdict over all runs")
struct GateJudgeTests {
    @Test("an empty set is inconclusive, never a pass")
    func empty() {
        let report = GateJudge(GatePolicy()).judge(collected(GatePolicy(), []), .init())
        #expect(report.verdict == .inconclusive)
        #expect(report.findings.contains { $0.rule == "no_traces" })
    }

    @Test("two identical arms are inconclusive")
    func identical() throws {
        let pairs = try (0..<40).map { try Pair(id: $0, outcome: "success", latency: 100, cost: 10) }
        let report = GateJudge(GatePolicy()).judge(collected(GatePolicy(), pairs), .init())
        #expect(report.verdict == .inconclusive)
        #expect(report.findings.contains { $0.rule == "identical_arms" })
    }

    @Test("expectations that never applied are inconclusive")
    func vacuous() throws {
        // The candidate states no outcome, and no check looks at it.
        let pairs = try (0..<40).map { try Pair(id: $0, outcome: "success", latency: 100, cost: 10, candidate: "{}", assumesSuccess: false) }
        let report = GateJudge(GatePolicy()).judge(collected(GatePolicy(), pairs), .init())
        #expect(report.verdict == .inconclusive)
        #expect(report.findings.contains { $0.rule == "min_runs" })
    }

    @Test("a check that never applied is inconclusive")
    func unusedCheck() throws {
        var facts = GateJudge.Circumstances()
        facts.checks = ["looks at refunds"]
        let pairs = try (0..<40).map { try Pair(id: $0, outcome: "success", latency: 100, cost: 10, candidateLatency: 90) }
        let report = GateJudge(GatePolicy()).judge(collected(GatePolicy(), pairs), facts)
        #expect(report.verdict == .inconclusive)
        #expect(report.findings.contains { $0.rule == "check_never_applied" && $0.message.contains("looks at refunds") })
    }

    @Test("coverage below min_runs is inconclusive", arguments: [(40, 40, GateReport.Verdict.pass), (39, 40, .inconclusive)])
    func coverage(traces: Int, minimum: Int, verdict: GateReport.Verdict) throws {
        var policy = GatePolicy()
        policy.thresholds.minRuns = minimum
        let pairs = try (0..<traces).map { try Pair(id: $0, outcome: "success", latency: 100, cost: 10, candidateLatency: 90) }
        #expect(GateJudge(policy).judge(collected(policy, pairs), .init()).verdict == verdict)
    }

    @Test("repetitions of a trace are no further evidence, and a trace fails once, however often it does", arguments: [1, 30])
    func repeatedEvidence(repetitions: Int) throws {
        var policy = GatePolicy()
        policy.thresholds.minRuns = 3
        policy.thresholds.maxFailed = 1
        policy.thresholds.maxBudgetOverruns = 1
        var slice = TraceSlice()
        slice.tags = ["money"]
        var thresholds = GatePolicy.Thresholds()
        thresholds.minRuns = 2
        policy.slices = [.init(name: "money", slice: slice, thresholds: thresholds)]
        var evidence = GateEvidence(policy)
        let judge = PairJudge(ReplayRules())
        for trace in 0..<2 {
            for repetition in 0..<repetitions {
                let pair = try Pair(
                    id: trace, outcome: "success", latency: 100, cost: 10, candidateLatency: trace == 0 ? 90_000 : 90,
                    tags: trace == 0 ? #"["money"]"# : "[]")
                pair.observe(judge, &evidence, PairPlace(line: trace + 1, index: trace, repetition: repetition))
            }
        }
        evidence.finish()
        let findings = GateJudge(policy).judge(evidence, .init()).findings
        #expect(findings.first { $0.rule == "max_failed" }?.verdict == .pass)
        #expect(findings.first { $0.rule == "max_budget_overruns" }?.verdict == .pass)
        #expect(findings.first { $0.rule == "min_runs" }?.message.hasPrefix("2 traces with runs") == true)
        #expect(findings.first { $0.rule == "slices.money.min_runs" }?.message.hasPrefix("1 trace in slice money") == true)
    }

    @Test("an evaluator that failed makes the verdict inconclusive, and is not taken for a check that never applied")
    func failedEvaluator() throws {
        var evidence = GateEvidence(GatePolicy())
        let judge = PairJudge(ReplayRules(checks: [RunCheck(name: "good", condition: .evaluator(EvaluatorName("judge"), minimum: 0.5))]))
        for i in 0..<10 {
            try Pair(id: i, outcome: "success", latency: 100, cost: 10, candidateLatency: 90)
                .observe(judge, &evidence, PairPlace(line: i + 1, index: i, repetition: 0))
        }
        evidence.finish()
        var facts = GateJudge.Circumstances()
        facts.checks = ["good"]
        let report = GateJudge(GatePolicy()).judge(evidence, facts)
        #expect(report.verdict == .inconclusive)
        #expect(report.findings.first { $0.rule == "evaluator_failed" }?.message.contains("10 runs") == true)
        #expect(!report.findings.contains { $0.rule == "check_never_applied" })
    }

    @Test("recorded times are not compared with those of a live run")
    func incomparable() throws {
        var policy = GatePolicy()
        policy.comparison.measures = [.init(.latency, margin: 0.1), .init(.cost)]
        var facts = GateJudge.Circumstances()
        facts.latenciesAreComparable = false
        let pairs = try (0..<40).map { try Pair(id: $0, outcome: "success", latency: 100, cost: 10, candidateLatency: 9) }
        let report = GateJudge(policy).judge(collected(policy, pairs), facts)
        let latency = try #require(report.metrics.first { $0.name == "latency_ms" })
        #expect(latency.verdict == .inconclusive && latency.decision == "not comparable" && latency.pValue == nil)
        #expect(report.findings.first { $0.rule == "compare.cost_tokens" }?.verdict == .pass)
        #expect(report.verdict == .inconclusive)
    }

    @Test("a tool that only a check names is told, with what may have been meant")
    func unknownTools() throws {
        var policy = GatePolicy()
        policy.checkedTools = ["serch", "search", "never"]
        let pairs = [try Pair(id: 1, outcome: "success", latency: 100, cost: 10, calls: #"["search"]"#)]
        let unknown = collected(policy, pairs).unknownTools
        #expect(unknown.map(\.name) == ["serch", "never"])
        #expect(unknown.map(\.nearest) == ["search", nil])
    }

    @Test("tools of the candidate's release that nothing exercises are inconclusive")
    func releaseTools() throws {
        var policy = GatePolicy()
        policy.releaseTools = ["search", "refund"]
        let pairs = try (0..<10).map {
            try Pair(id: $0, outcome: "success", latency: 100, cost: 10, candidateLatency: 90, calls: #"["search"]"#)
        }
        let report = GateJudge(policy).judge(collected(policy, pairs), .init())
        #expect(report.verdict == .inconclusive)
        #expect(report.findings.first { $0.rule == "tools_never_exercised" }?.message.contains("refund") == true)
        #expect(report.findings.first { $0.rule == "tools_never_exercised" }?.message.contains("search") == false)
    }

    @Test("a broken threshold fails, whatever else is inconclusive")
    func failBeforeInconclusive() throws {
        var policy = GatePolicy()
        policy.thresholds.maxFailed = 0
        policy.thresholds.minRuns = 1000
        let pairs = [try Pair(id: 1, outcome: "success", latency: 100, cost: 10, candidateOutcome: "failure")]
        #expect(GateJudge(policy).judge(collected(policy, pairs), .init()).verdict == .fail)
    }

    @Test("what was not judged is said", arguments: [
        ("partial", 1, "the replay is partial: ended by a signal"), ("rejected_lines", 1, "1 line of the recordings could not be read"),
        ("rejected_lines", 1200, "1,200 lines of"), ("unmatched_runs", 1, "1 recorded run belongs to no trace"),
        ("unmatched_runs", 2, "2 recorded runs belong to no trace"),
    ])
    func notJudged(rule: String, count: Int, words: String) throws {
        var facts = GateJudge.Circumstances()
        facts.partial = rule == "partial" ? "ended by a signal" : nil
        facts.rejectedLines = rule == "rejected_lines" ? count : 0
        facts.unmatchedRuns = rule == "unmatched_runs" ? count : 0
        let pairs = try (0..<10).map { try Pair(id: $0, outcome: "success", latency: 100, cost: 10, candidateLatency: 90) }
        let report = GateJudge(GatePolicy()).judge(collected(GatePolicy(), pairs), facts)
        #expect(report.verdict == .inconclusive)
        #expect(report.findings.first { $0.rule == rule }?.message.hasPrefix(words) == true, "\(report.findings)")
    }

    @Test("slices have thresholds of their own")
    func slices() throws {
        var policy = GatePolicy()
        var slice = TraceSlice()
        slice.tags = ["money"]
        var thresholds = GatePolicy.Thresholds()
        thresholds.maxFailed = 0
        policy.slices = [.init(name: "money", slice: slice, thresholds: thresholds)]
        let pairs = try (0..<20).map {
            try Pair(
                id: $0, outcome: "success", latency: 100, cost: 10, candidateLatency: 90,
                candidateOutcome: $0 == 3 ? "failure" : "success", tags: $0 < 5 ? #"["money"]"# : "[]")
        }
        let report = GateJudge(policy).judge(collected(policy, pairs), .init())
        #expect(report.verdict == .fail)
        #expect(report.findings.first { $0.rule == "slices.money.max_failed" }?.verdict == .fail)
        #expect(report.slices.first?.tally.total == 5)
    }

    @Test("a metric that nobody reported is inconclusive where it was asked for")
    func unreported() throws {
        var policy = GatePolicy()
        policy.comparison.measures = [.init(.latency, margin: 0.1)]
        let pairs = try (0..<20).map {
            try Pair(id: $0, outcome: "success", latency: nil, cost: 10, candidate: #"{"outcome": "success", "cost_tokens": 11}"#)
        }
        let report = GateJudge(policy).judge(collected(policy, pairs), .init())
        #expect(report.findings.first { $0.rule == "compare.latency_ms" }?.verdict == .inconclusive)
    }

    @Test("latencies are compared as they were measured, where both were", arguments: [
        (100, 450, GateReport.Verdict.fail), (100, nil, .pass), (nil, 450, .pass), (450, 100, .pass),
    ] as [(Double?, Double?, GateReport.Verdict)])
    func measured(_ baseline: Double?, _ candidate: Double?, _ verdict: GateReport.Verdict) throws {
        var policy = GatePolicy()
        policy.comparison.passRate = nil
        policy.comparison.measures = [.init(.latency, margin: 0.1)]
        let pairs = try (0..<40).map { i -> Pair in
            // By its own account the candidate is faster.
            var pair = try Pair(id: i, outcome: "success", latency: 100 + Double(i), cost: 10, candidateLatency: 1 + Double(i) / 100)
            pair.baseline.measuredLatency = baseline.map { $0 + Double(i) }
            pair.candidate.measuredLatency = candidate.map { $0 + Double(i) }
            return pair
        }
        #expect(GateJudge(policy).judge(collected(policy, pairs), .init()).metrics.first?.verdict == verdict)
    }

    @Test("repetitions show what is flaky, and a trace passes only when all of them do")
    func repetitions() throws {
        var evidence = GateEvidence(GatePolicy())
        let judge = PairJudge(ReplayRules())
        for trace in 0..<10 {
            for repetition in 0..<4 {
                let failed = trace == 2 && repetition == 1
                let pair = try Pair(
                    id: trace, outcome: "success", latency: 100, cost: 10, candidateLatency: 90,
                    candidateOutcome: failed ? "failure" : "success")
                pair.observe(judge, &evidence, PairPlace(line: trace + 1, index: trace, repetition: repetition))
            }
        }
        evidence.finish()
        var facts = GateJudge.Circumstances()
        facts.repetitions = 4
        let report = GateJudge(GatePolicy()).judge(evidence, facts)
        let flakiness = try #require(report.flakiness)
        #expect(flakiness.flaky.map(\.traceID) == ["t-2"])
        #expect(flakiness.flaky.map(\.passed) == [3])
        // Of 10 traces, 9 pass always and one in 3 of 4: pass^1 = (9 + 3/4) / 10, pass^4 = 9/10.
        #expect(abs(flakiness.passHatK[0] - 0.975) < 1e-12)
        #expect(abs(flakiness.passHatK[3] - 0.9) < 1e-12)
        let passRate = try #require(report.metrics.first { $0.name == "pass_rate" })
        #expect(passRate.pairs == 10)
        #expect(abs(passRate.candidate - 0.9) < 1e-12)
    }
}

@Suite("A verdict needs evidence")
struct GateEvidenceTests {
    @Test("an outcome that the candidate leaves out is evidence lost, however many it states", arguments: [0, 1, 19])
    func omittedOutcomes(stated: Int) throws {
        let pairs = try (0..<20).map {
            try Pair(
                id: $0, outcome: "success", latency: 100, cost: 10, candidateLatency: 90,
                candidate: $0 < stated ? nil : #"{"latency_ms": 90, "cost_tokens": 10}"#)
        }
        var policy = GatePolicy()
        policy.thresholds.minPassRate = 0.9
        let report = GateJudge(policy).judge(collected(policy, pairs), .init())
        #expect(report.verdict == .inconclusive)
        #expect(report.findings.contains { $0.rule == "evidence_lost" && $0.message.contains("in \(Numbers.count(20 - stated, "trace"))") })
    }

    @Test("runs of which nothing was expected have not passed anything")
    func passRate() throws {
        // 10 traces say nothing; of 10 that do, 4 fail.
        let pairs = try (0..<20).map {
            let silent = #"{"trace_id": "t-\#($0)", "latency_ms": 1}"#
            return try Pair(
                id: $0, outcome: "success", latency: 100, cost: 10, candidateOutcome: $0 < 4 ? "failure" : "success",
                both: $0 < 10 ? nil : silent)
        }
        var policy = GatePolicy()
        policy.thresholds.minPassRate = 0.7
        policy.comparison.passRate = GatePolicy.PassRate(margin: 0.9)
        let report = GateJudge(policy).judge(collected(policy, pairs), .init())
        let finding = try #require(report.findings.first { $0.rule == "min_pass_rate" })
        #expect(finding.verdict == .fail && finding.message.hasPrefix("60 % of 10 runs"))
        #expect(report.metrics.first?.pairs == 10)
    }

    @Test("failures that a comparison of pass rates leaves out fail the gate, unless max_failed has the say", arguments: [nil, 40])
    func uncomparedFailures(maxFailed: Int?) throws {
        // The baseline's silence cannot fail, so these traces are no pairs; the candidate fails each of the first 20.
        let pairs = try (0..<40).map { i -> Pair in
            var pair = try Pair(id: i, outcome: "success", latency: 100, cost: 10, candidateLatency: 90, candidateOutcome: i < 20 ? "failure" : nil)
            if i < 20 { pair.baseline = try Pair(id: i, outcome: "", latency: nil, cost: 0, both: #"{"latency_ms": 100}"#).baseline }
            return pair
        }
        var policy = GatePolicy()
        policy.thresholds.maxFailed = maxFailed
        policy.comparison.passRate = GatePolicy.PassRate(margin: 0.3, isAskedFor: true)
        let report = GateJudge(policy).judge(collected(policy, pairs), .init())
        let finding = report.findings.first { $0.rule == "compare.uncompared_failures" }
        #expect((finding?.message.hasPrefix("20 traces failed") ?? false) == (maxFailed == nil))
        #expect(report.verdict == (maxFailed == nil ? .fail : .pass), "\(report.findings)")
    }

    @Test("a margin with nothing to compare is inconclusive")
    func nothingComparable() throws {
        let pairs = try (0..<20).map { try Pair(id: $0, outcome: "", latency: nil, cost: 0, both: #"{"latency_ms": \#($0)}"#) }
        var policy = GatePolicy()
        policy.comparison.passRate = GatePolicy.PassRate(margin: 0.3, isAskedFor: true)
        let report = GateJudge(policy).judge(collected(policy, pairs), .init())
        #expect(report.findings.contains { $0.rule == "compare.pass_rate" && $0.verdict == .inconclusive })
    }

    @Test("what a candidate leaves unstated overruns no budget, so a bound on overruns is inconclusive", arguments: [
        (#""latency_ms": 90"#, "cost_tokens"), (#""cost_tokens": 10"#, "latency_ms"), (#""latency_ms": -1, "cost_tokens": 10"#, "latency_ms"),
        (#""latency_ms": 90, "cost_tokens": 10"#, nil),
    ] as [(String, String?)])
    func unstatedBudgets(stated: String, lost: String?) throws {
        let pairs = try (0..<20).map {
            try Pair(id: $0, outcome: "success", latency: 100, cost: 10, candidate: #"{"outcome": "success", \#(stated)}"#)
        }
        for isAskedFor in [true, false] {
            var policy = GatePolicy()
            if isAskedFor { policy.thresholds.maxBudgetOverruns = 0 }
            let report = GateJudge(policy).judge(collected(policy, pairs), .init())
            let finding = report.findings.first { $0.rule == "max_budget_overruns" && $0.verdict == .inconclusive }
            #expect((finding != nil) == (isAskedFor && lost != nil), "\(report.findings)")
            if let lost, isAskedFor { #expect(finding?.message.contains("\(lost) in 20 traces") == true) }
        }
    }

    @Test("another line of the same trace is no further evidence")
    func copies() throws {
        let pairs = try (0..<20).map { try Pair(id: $0 % 2, outcome: "success", latency: 100, cost: 10, candidateLatency: 90) }
        var policy = GatePolicy()
        policy.thresholds.minRuns = 20
        policy.comparison.measures = [.init(.latency, margin: 0.5)]
        let report = GateJudge(policy).judge(collected(policy, pairs), .init())
        let finding = try #require(report.findings.first { $0.rule == "min_runs" })
        #expect(finding.verdict == .inconclusive && finding.message.hasPrefix("2 traces") && finding.message.contains("(18 more repeat"))
        #expect(report.metrics.allSatisfy { $0.pairs == 2 })
    }

    @Test("where nothing passes in either arm, no margin makes a pass")
    func nothingPassed() throws {
        let pairs = try (0..<40).map {
            try Pair(
                id: $0, outcome: "success", latency: 100, cost: 10, candidateLatency: 90, candidateOutcome: "failure",
                baselineOutcome: "failure")
        }
        var policy = GatePolicy()
        policy.comparison.passRate = GatePolicy.PassRate(margin: 0.2, isAskedFor: true)
        let report = GateJudge(policy).judge(collected(policy, pairs), .init())
        #expect(report.verdict == .inconclusive)
        #expect(report.findings.contains { $0.rule == "nothing_passed" })
    }

    @Test("values that the candidate leaves out may be the worse ones", arguments: [
        (#""latency_ms": null"#, 1, GateReport.Verdict.pass), (#""latency_ms": null"#, 2, .inconclusive), (#""latency_ms": null"#, 19, .inconclusive),
        (#""latency_ms": -1"#, 2, .inconclusive), (#""latency_ms": -1"#, 20, .inconclusive),
    ])
    func unreported(value: String, count: Int, verdict: GateReport.Verdict) throws {
        var policy = GatePolicy()
        policy.comparison.passRate = nil
        policy.comparison.measures = [.init(.latency, margin: 0.1)]
        let pairs = try (0..<20).map {
            try Pair(
                id: $0, outcome: "success", latency: 100, cost: 10, candidateLatency: 90,
                candidate: $0 < count ? #"{"outcome": "success", \#(value)}"# : nil)
        }
        let report = GateJudge(policy).judge(collected(policy, pairs), .init())
        #expect(report.findings.first { $0.rule == "compare.latency_ms" }?.verdict == verdict)
        #expect(report.verdict == verdict)
    }

    @Test("a candidate that is worse where it reports fails, whatever it leaves out")
    func worseInTheRest() throws {
        var policy = GatePolicy()
        policy.comparison.passRate = nil
        policy.comparison.measures = [.init(.latency)]
        let pairs = try (0..<20).map {
            try Pair(
                id: $0, outcome: "success", latency: 100, cost: 10, candidateLatency: 300,
                candidate: $0 < 8 ? #"{"outcome": "success"}"# : nil)
        }
        #expect(GateJudge(policy).judge(collected(policy, pairs), .init()).metrics.first?.decision == "worse")
    }

    @Test("pairs too few to show a difference, however large, are no pass", arguments: [
        (4, nil, GateReport.Verdict.inconclusive), (5, nil, .fail), (1, 0.1, .inconclusive), (4, 100, .inconclusive), (5, 100, .pass),
    ] as [(Int, Double?, GateReport.Verdict)])
    func tooFew(count: Int, margin: Double?, verdict: GateReport.Verdict) throws {
        var policy = GatePolicy()
        policy.comparison.passRate = nil
        policy.comparison.measures = [.init(.latency, margin: margin)]
        let pairs = try (0..<count).map { try Pair(id: $0, outcome: "success", latency: 10 + Double($0), cost: 10, candidateLatency: 490) }
        #expect(GateJudge(policy).judge(collected(policy, pairs), .init()).metrics.first?.verdict == verdict)
    }

    @Test("a pass rate of too few traces is no pass where it was asked for", arguments: [(4, true), (5, true), (4, false)])
    func tooFewForPassRate(count: Int, isAskedFor: Bool) throws {
        var policy = GatePolicy()
        policy.comparison.passRate = GatePolicy.PassRate(isAskedFor: isAskedFor)
        let pairs = try (0..<count).map { try Pair(id: $0, outcome: "success", latency: 10, cost: 10, candidateLatency: 9) }
        let expected: GateReport.Verdict = count < 5 && isAskedFor ? .inconclusive : .pass
        #expect(GateJudge(policy).judge(collected(policy, pairs), .init()).verdict == expected)
    }

    @Test("nothing can be compared with zero")
    func zeros() throws {
        var policy = GatePolicy()
        policy.comparison.measures = [.init(.cost, margin: 0.1)]
        let pairs = try (0..<20).map { try Pair(id: $0, outcome: "success", latency: 10, cost: 0, candidateLatency: 9) }
        let finding = GateJudge(policy).judge(collected(policy, pairs), .init()).findings.first { $0.rule == "compare.cost_tokens" }
        #expect(finding?.verdict == .inconclusive && finding?.message.contains("is 0 in all 20 traces") == true)
    }
}

@Suite("The paired comparison, by simulation")
struct MetricComparisonSimulationTests {
    @Test("a candidate as good as the baseline is seldom called worse")
    func falseAlarms() throws {
        var generator = SeededGenerator(seed: 11)
        var policy = GatePolicy()
        policy.comparison.measures = [.init(.latency), .init(.cost)]
        var worse = 0
        for _ in 0..<60 {
            let pairs = try (0..<60).map { id in
                let base = Double.random(in: 100...1000, using: &generator)
                return try Pair(
                    id: id, outcome: "success", latency: base, cost: base,
                    candidateLatency: base * .random(in: 0.8...1.2, using: &generator),
                    candidateCost: base * .random(in: 0.8...1.2, using: &generator),
                    candidateOutcome: Double.random(in: 0...1, using: &generator) < 0.05 ? "failure" : "success",
                    baselineOutcome: Double.random(in: 0...1, using: &generator) < 0.05 ? "failure" : "success")
            }
            let report = GateJudge(policy).judge(collected(policy, pairs), .init())
            if report.metrics.contains(where: { $0.verdict == .fail }) { worse += 1 }
        }
        // 5 % of 60 are 3; 9 or more would happen by chance once in 500 times.
        #expect(worse < 9)
    }

    @Test("a candidate that is clearly worse fails, one that is within the margin passes", arguments: [
        (1.3, GateReport.Verdict.fail), (1.0, .pass), (1.03, .pass), (0.9, .pass),
    ])
    func power(factor: Double, verdict: GateReport.Verdict) throws {
        var generator = SeededGenerator(seed: 5)
        var policy = GatePolicy()
        policy.comparison.passRate = nil
        policy.comparison.measures = [.init(.latency, margin: 0.1)]
        let pairs = try (0..<200).map { id in
            let base = Double.random(in: 100...1000, using: &generator)
            return try Pair(
                id: id, outcome: "success", latency: base, cost: 1,
                candidateLatency: base * factor * .random(in: 0.9...1.1, using: &generator))
        }
        let report = GateJudge(policy).judge(collected(policy, pairs), .init())
        #expect(report.metrics.first?.verdict == verdict)
    }
}

/// A trace with the runs of both arms.
struct Pair {
    var trace: AgentRun
    var baseline: ArmRun
    var candidate: ArmRun

    init(
        id: Int, outcome: String, latency: Double?, cost: Double, candidateLatency: Double? = nil, candidateCost: Double? = nil,
        candidateOutcome: String? = nil, baselineOutcome: String? = nil, calls: String = "[]", tags: String = "[]",
        candidate json: String? = nil, both silent: String? = nil, assumesSuccess: Bool = true
    ) throws {
        func line(_ outcome: String, _ latency: Double?, _ cost: Double) -> String {
            let time = latency.map { #""latency_ms": \#($0), "# } ?? ""
            return #"{"trace_id": "t-\#(id)", "outcome": "\#(outcome)", \#(time)"cost_tokens": \#(cost), "tool_calls": \#(calls), "tags": \#(tags)}"#
        }
        trace = try run(silent ?? line(outcome, latency, cost))
        baseline = ArmRun(run: try run(silent ?? line(baselineOutcome ?? outcome, latency, cost)))
        candidate = ArmRun(
            run: try run(json ?? silent ?? line(candidateOutcome ?? outcome, candidateLatency ?? latency, candidateCost ?? cost)),
            assumesSuccess: assumesSuccess)
    }

    func observe(_ judge: PairJudge, _ evidence: inout GateEvidence, _ place: PairPlace) {
        evidence.observe(
            place, trace: trace, baseline: baseline, candidate: candidate,
            verdict: judge.judge(trace, baseline: baseline, candidate: candidate))
    }
}

func collected(_ policy: GatePolicy, _ pairs: [Pair]) -> GateEvidence {
    var evidence = GateEvidence(policy)
    let judge = PairJudge(ReplayRules())
    for (i, pair) in pairs.enumerated() { pair.observe(judge, &evidence, PairPlace(line: i + 1, index: i, repetition: 0)) }
    evidence.finish()
    return evidence
}

/// Runs made from JSON lines, as every source makes them.
private func run(_ json: String) throws -> AgentRun {
    var decoder = RunDecoder()
    var run = AgentRun()
    _ = try Array(json.utf8).withUnsafeBytes { try decoder.decode($0, into: &run) }
    return run
}
