import AgentRuns
import JSONDocuments
import Testing

@testable import Replay

@Suite("The verdict on a pair of runs")
struct PairJudgeTests {
    private let judge = PairJudge(ReplayRules(maxLatency: 2000, maxCost: 800))

    @Test("follows the sample's rules on a recording", arguments: [
        (#"{}"#, []),
        (#"{"outcome": "success", "latency_ms": 2000, "cost_tokens": 800}"#, []),
        (#"{"outcome": "failure"}"#, ["outcome_fail"]),
        (#"{"outcome": null}"#, ["outcome_fail"]),
        (#"{"latency_ms": 2000.5}"#, ["latency"]),
        (#"{"cost_tokens": 801}"#, ["cost"]),
        (#"{"outcome": "x", "latency_ms": 9999, "cost_tokens": 9999}"#, ["outcome_fail", "latency", "cost"]),
        (#"{"allowed_tools": ["a"], "tool_calls": [{"name": "a"}]}"#, []),
        (#"{"allowed_tools": ["a"], "tool_calls": [{"name": "b"}, "c"]}"#, ["tool_misuse"]),
        (#"{"allowed_tools": ["a"], "tool_calls": ["a", "c"]}"#, ["tool_misuse"]),
        (#"{"allowed_tools": [], "tool_calls": ["a"]}"#, ["tool_misuse"]),
        (#"{"allowed_tools": ["a"], "tool_calls": [{"args": {}}]}"#, ["tool_misuse"]),
        (#"{"allowed_tools": null, "tool_calls": ["a"]}"#, []),
        (#"{"outcome": "refunded", "expected_outcome": "refunded"}"#, []),
        (#"{"outcome": "success", "expected_outcome": "refunded"}"#, ["outcome_fail"]),
        (#"{"expected_outcome": "refunded"}"#, ["outcome_fail"]),
        (#"{"expected_outcome": "success"}"#, []),
    ] as [(String, [String])])
    func sample(_ line: String, _ reasons: [String]) throws {
        let verdict = judge.judge(recording: try run(line))
        #expect(verdict.candidate.reasons.map(\.name) == reasons)
        #expect(verdict.passed == reasons.isEmpty)
        #expect(verdict.isIdentical)
    }

    @Test("an agent that states no outcome is not judged by it, and gives no evidence")
    func noOutcome() throws {
        let trace = try run(#"{"outcome": "success", "expected_outcome": "success"}"#)
        let silent = ArmRun(run: try run("{}"), assumesSuccess: false)
        let verdict = judge.judge(trace, baseline: ArmRun(run: trace), candidate: silent)
        #expect(verdict.candidate.reasons.isEmpty)
        #expect(!verdict.candidate.hadExpectation)
    }

    @Test("a check on arguments says nothing of a run that does not call the tool")
    func argumentsOfNothing() throws {
        let schema = try JSONSchema(try JSONDocument(parsing: #"{"required": ["amount"]}"#))
        let judge = PairJudge(ReplayRules(checks: [RunCheck(name: "sane", condition: .arguments(tool: "refund", schema: schema))]))
        let trace = try run("{}")
        for (calls, applies, passes) in [(["look"], false, true), (["refund({})"], true, false), ([#"refund({"amount": 1})"#], true, true)] {
            let silent = ArmRun(run: try run(calls: calls), assumesSuccess: false)
            let verdict = judge.judge(trace, baseline: silent, candidate: silent).candidate
            #expect(verdict.checks.count == (applies ? 1 : 0) && verdict.hadExpectation == applies)
            #expect(verdict.passed == passes)
        }
    }

    @Test("an evaluator that gives no score is no reason to fail, and no evidence")
    func brokenEvaluator() throws {
        let judge = PairJudge(ReplayRules(checks: [RunCheck(name: "good", condition: .evaluator(EvaluatorName("judge"), minimum: 0.5))]))
        let silent = ArmRun(run: try run("{}"), assumesSuccess: false)
        for scores in [[:], [EvaluatorName("judge"): EvaluatorScore(score: nil, explanation: "it died")]] {
            let verdict = judge.judge(silent.run, baseline: silent, candidate: silent, candidateScores: scores).candidate
            #expect(verdict.passed && !verdict.hadExpectation && verdict.checks.isEmpty)
            #expect(verdict.unscored.map(\.name) == ["good"])
        }
        let poor = [EvaluatorName("judge"): EvaluatorScore(score: 0.2)]
        #expect(!judge.judge(silent.run, baseline: silent, candidate: silent, candidateScores: poor).candidate.passed)
    }

    @Test("a problem is the only reason", arguments: RunProblem.Kind.allCases)
    func problem(_ kind: RunProblem.Kind) throws {
        let trace = try run(#"{"outcome": "failure", "tool_calls": ["a"]}"#)
        let verdict = judge.judge(trace, baseline: ArmRun(run: trace), candidate: ArmRun(RunProblem(kind, "so it went")))
        #expect(verdict.candidate.reasons.map(\.name) == [kind.rawValue])
        #expect(verdict.toolChanges.isEmpty)
        #expect(!verdict.isIdentical)
    }

    @Test("differences fail a run only where they are told to", arguments: ToolCallChange.Kind.allCases)
    func failOn(_ kind: ToolCallChange.Kind) throws {
        let trace = try run(calls: ["a(1)", "b(1)", "c", "d"])
        // Arguments of b, a tool in c's place, d moved to the front, a again.
        let other = try run(calls: ["d", "a(1)", "b(2)", "x", "a(1)"])
        let judge = PairJudge(ReplayRules(failOn: [kind]))
        let verdict = judge.judge(trace, baseline: ArmRun(run: trace), candidate: ArmRun(run: other))
        let expected = verdict.toolChanges.contains { $0.kind == kind } ? [kind.rawValue] : []
        #expect(verdict.candidate.reasons.map(\.name) == expected)
        #expect(verdict.baseline.passed)
    }

    @Test("a loop counts against the arm that repeats itself more")
    func loops() throws {
        let judge = PairJudge(ReplayRules(failOn: [], maxRepetitions: 3))
        let calm = ArmRun(run: try run(calls: ["poll(1)", "poll(1)"]))
        let wild = ArmRun(run: try run(calls: Array(repeating: "poll(1)", count: 8)))
        let trace = calm.run
        #expect(judge.judge(trace, baseline: calm, candidate: wild).candidate.reasons == [.loop])
        #expect(judge.judge(trace, baseline: wild, candidate: calm).candidate.reasons == [])
        #expect(judge.judge(trace, baseline: wild, candidate: wild).candidate.reasons == [])
    }

    @Test("the release's allow-list holds where the trace has none")
    func releaseAllowList() throws {
        let judge = PairJudge(ReplayRules(allowedTools: [Array("a".utf8)]))
        #expect(judge.judge(recording: try run(#"{"tool_calls": ["b"]}"#)).candidate.reasons == [.toolMisuse])
        #expect(judge.judge(recording: try run(#"{"tool_calls": ["b"], "allowed_tools": ["b"]}"#)).candidate.reasons == [])
    }
}
