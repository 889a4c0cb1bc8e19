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

    @Test("a check that silence would pass says nothing of a run that is silent", arguments: [
        (.responseLacks("voucher", ignoringCase: true), #"{"outcome": "success"}"#),
        (.forbiddenTools(["refund"]), "{}"),
        (.callBudget(tool: "refund", maximum: 1), "{}"),
        (.timeBudget(tool: nil, milliseconds: 10), "{}"),
        (.timeBudget(tool: "look", milliseconds: 10), #"{"tool_calls": ["look"], "tool_results": [{"success": true}]}"#),
        (.timeBudget(tool: nil, milliseconds: 10), #"{"tool_calls": ["look"], "tool_results": [{"success": true, "duration_ms": -5}]}"#),
    ] as [(RunCheck.Condition, String)])
    func silence(_ condition: RunCheck.Condition, _ silent: String) throws {
        let judge = PairJudge(ReplayRules(checks: [RunCheck(name: "c", condition: condition)]))
        let telling = #"{"response": "no", "tool_calls": ["look"], "tool_results": [{"success": true, "duration_ms": 5}]}"#
        let candidate = ArmRun(run: try run(silent), assumesSuccess: false)
        let verdict = judge.judge(candidate.run, baseline: ArmRun(run: try run(telling)), candidate: candidate)
        #expect(verdict.baseline.checks.map(\.passed) == [true])
        #expect(verdict.candidate.checks.isEmpty && verdict.candidate.untold.map(\.name) == ["c"])
        #expect(verdict.lostEvidence?.hasPrefix("check c: ") == true)
        // Where neither arm says it, nothing was lost.
        #expect(judge.judge(candidate.run, baseline: candidate, candidate: candidate).lostEvidence == nil)
    }

    @Test("time that is known to be too much fails, though other calls do not say theirs")
    func knownTime() throws {
        let judge = PairJudge(ReplayRules(checks: [RunCheck(name: "c", condition: .timeBudget(tool: nil, milliseconds: 10))]))
        let slow = try run(#"{"tool_calls": ["a", "b"], "tool_results": [{"success": true, "duration_ms": 11}, {"success": true}]}"#)
        #expect(judge.judge(recording: slow).candidate.reasons == [.check("c")])
    }

    @Test("an arm that says less than the other loses evidence", arguments: [
        (#"{"outcome": "success"}"#, #"{"response": "x"}"#, true), (#"{"outcome": "success"}"#, #"{"outcome": "failure"}"#, false),
        (#"{"response": "x"}"#, #"{"response": "x"}"#, false), (#"{"response": "x"}"#, #"{"outcome": "success"}"#, false),
        (#"{"outcome": "success"}"#, #"{"response": "x", "outcome": null}"#, false),
        (#"{"outcome": null}"#, #"{"response": "x"}"#, true),
    ])
    func lostOutcome(_ baseline: String, _ candidate: String, _ isLost: Bool) throws {
        // A check that could be applied to the response makes up for no outcome.
        let check = RunCheck(name: "c", condition: .responseLength(0...99))
        for judge in [judge, PairJudge(ReplayRules(checks: [check]))] {
            for assumesSuccess in [true, false] {
                let (a, b) = (ArmRun(run: try run(baseline)), ArmRun(run: try run(candidate), assumesSuccess: assumesSuccess))
                let verdict = judge.judge(try run("{}"), baseline: a, candidate: b)
                #expect((verdict.lostEvidence != nil) == isLost)
            }
        }
    }

    @Test("an agent that says there was no outcome has not succeeded; one that leaves it out was not judged", arguments: [
        (#"{"outcome": null}"#, true), (#"{"response": "x"}"#, false), (#"{"outcome": "success"}"#, false),
    ])
    func statedNone(_ candidate: String, _ fails: Bool) throws {
        for trace in ["{}", #"{"expected_outcome": "success"}"#] {
            let verdict = judge.judge(
                try run(trace), baseline: ArmRun(run: try run("{}")), candidate: ArmRun(run: try run(candidate), assumesSuccess: false))
            #expect(verdict.candidate.reasons.contains(.outcome) == fails)
        }
    }

    @Test("silence passes no check on what must not be", arguments: [
        (#"{"response": " "}"#, RunCheck.Condition.responseLacks("x", ignoringCase: false), false),
        (#"{"response": "y"}"#, .responseLacks("x", ignoringCase: false), true),
        (#"{"response": "y", "tool_calls": [{"args": {}}]}"#, .forbiddenTools(["x"]), false),
        (#"{"response": "y", "tool_calls": ["z"]}"#, .forbiddenTools(["x"]), true),
    ])
    func silence(_ candidate: String, _ condition: RunCheck.Condition, _ passes: Bool) throws {
        let judge = PairJudge(ReplayRules(checks: [RunCheck(name: "c", condition: condition)]))
        let verdict = judge.judge(recording: try run(candidate))
        #expect((verdict.candidate.checks.first?.passed ?? false) == passes)
    }

    @Test("runs that say the same in other words of JSON are identical", arguments: [
        (#"{"response": {"a": 1, "b": [2]}, "latency_ms": 1000, "cost_tokens": 7}"#,
         #"{"latency_ms": 1000.0, "response": { "b": [ 2 ], "a": 1.0 }, "cost_tokens": 7e0}"#, true),
        (#"{"response": {"a": 1}}"#, #"{"response": {"a": 2}}"#, false), (#"{"response": "{}"}"#, #"{"response": {}}"#, false),
        (#"{"latency_ms": 1}"#, "{}", false), ("{}", #"{"response": ""}"#, false),
    ])
    func identity(_ baseline: String, _ candidate: String, _ isIdentical: Bool) throws {
        let verdict = judge.judge(
            try run("{}"), baseline: ArmRun(run: try run(baseline)), candidate: ArmRun(run: try run(candidate)))
        #expect(verdict.isIdentical == isIdentical)
    }

    @Test("who has no way to state an outcome is judged by the checks")
    func chatCompletions() throws {
        let judge = PairJudge(ReplayRules(checks: [RunCheck(name: "c", condition: .responseLength(0...99))]))
        let baseline = ArmRun(run: try run(#"{"outcome": "success", "response": "x"}"#))
        var candidate = ArmRun(run: try run(#"{"response": "y"}"#), assumesSuccess: false)
        candidate.canStateOutcome = false
        let verdict = judge.judge(try run("{}"), baseline: baseline, candidate: candidate)
        #expect(verdict.lostEvidence == nil && verdict.candidate.hadExpectation && verdict.passed)
        // Without any check nothing is known.
        #expect(self.judge.judge(try run("{}"), baseline: baseline, candidate: candidate).lostEvidence != nil)
    }

    @Test("words are found behind JSON's escapes, in keys, and in JSON within a string", arguments: [
        #""voucher""#, #""vou\u0063her""#, #"{"text": "a vou\u0063her"}"#, #"{"vou\u0063her": 1}"#, #"[[{"x": ["vou\u0063her"]}]]"#,
        #""{\"text\": \"vou\\u0063her\"}""#, #"{"text": "vou\u0063her", "text": "sorry"}"#,
    ])
    func escapes(_ response: String) throws {
        let trace = try run(#"{"response": \#(response)}"#)
        for (condition, passes) in [
            (RunCheck.Condition.responseLacks("voucher", ignoringCase: false), false),
            (.responseLacks("VOUCHER", ignoringCase: true), false), (.responseContains("voucher", ignoringCase: false), true),
            (.responseMatches(try LinearPattern("vou.her$"), source: "vou.her$"), true),
            (.responseContains("coupon", ignoringCase: true), false), (.responseLacks("coupon", ignoringCase: true), true),
        ] {
            let verdict = PairJudge(ReplayRules(checks: [RunCheck(name: "c", condition: condition)])).judge(recording: trace)
            #expect(verdict.passed == passes, "\(condition)")
        }
    }

    @Test("what only looks like an escape hides nothing behind it", arguments: [
        #""C:\\users\\bob: {\"note\": \"vou\\u0063her\"}""#, #""\\u: vou\\u0063her""#, #""\\uxyz1 vou\\u0063her""#,
    ])
    func noEscape(_ response: String) throws {
        let check = RunCheck(name: "c", condition: .responseLacks("voucher", ignoringCase: false))
        #expect(!PairJudge(ReplayRules(checks: [check])).judge(recording: try run(#"{"response": \#(response)}"#)).passed)
    }

    @Test("length is of what is said, not of how it is spelt", arguments: [
        (#""abc""#, 3), (#"{"a": "b"}"#, 9), (#"{ "a" :   "\u0062" }"#, 9), (#"[ 1.0 , 2 ]"#, 5),
    ])
    func length(_ response: String, _ length: Int) throws {
        let trace = try run(#"{"response": \#(response)}"#)
        let judge = PairJudge(ReplayRules(checks: [RunCheck(name: "c", condition: .responseLength(length...length))]))
        #expect(judge.judge(recording: trace).passed)
    }

    @Test("what is wanted of a response fails without any", arguments: [
        .responseContains("x", ignoringCase: true), .responseEquals(.null), .responseLength(0...9),
    ] as [RunCheck.Condition])
    func noResponse(_ condition: RunCheck.Condition) throws {
        let judge = PairJudge(ReplayRules(checks: [RunCheck(name: "c", condition: condition)]))
        let verdict = judge.judge(recording: try run(#"{"outcome": "success"}"#)).candidate
        #expect(verdict.checks.first?.passed == false && verdict.checks.first?.evidence == "there is no response")
    }

    @Test("evidence says the call or the score that it is about, which reports do not say again")
    func places() throws {
        let schema = try JSONSchema(try JSONDocument(parsing: #"{"required": ["amount"]}"#))
        let arm = ArmRun(run: try run(calls: ["look", "refund({})"]), assumesSuccess: false)
        let scores = [EvaluatorName("judge"): EvaluatorScore(score: 0.2)]
        for (condition, words, call) in [
            (.forbiddenTools(["refund"]), "call 2 is of the forbidden tool refund", 1),
            (.arguments(tool: "refund", schema: schema), "call 2: arguments of refund", 1),
            (.evaluator(EvaluatorName("judge"), minimum: 0.5), "score 0.2, at least 0.5 is wanted", nil),
        ] as [(RunCheck.Condition, String, Int?)] {
            let judge = PairJudge(ReplayRules(checks: [RunCheck(name: "c", condition: condition)]))
            let verdict = judge.judge(arm.run, baseline: arm, candidate: arm, candidateScores: scores)
            let check = try #require(verdict.candidate.checks.first)
            #expect(check.evidence.hasPrefix(words) && check.call == call, "\(check)")
        }
    }

    @Test("one of anything is told as one", arguments: [
        (.callBudget(tool: "look", maximum: 1), "1 call of look, at most 1 is allowed"),
        (.callBudget(tool: nil, maximum: 0), "2 calls of all tools, at most 0 are allowed"),
        (.responseLength(2...9), "response has 1 character, wanted 2 to 9"), (.responseLength(0...Int.max), "response has 1 character, wanted at least 0"),
        (.timeBudget(tool: "look", milliseconds: 1500), "calls of look took 2.5 ms, at most 1,500 ms are allowed"),
        (.timeBudget(tool: "book", milliseconds: 1), "1 call of book does not say how long it took"),
    ] as [(RunCheck.Condition, String)])
    func singulars(_ condition: RunCheck.Condition, _ evidence: String) throws {
        let judge = PairJudge(ReplayRules(checks: [RunCheck(name: "c", condition: condition)]))
        let trace = try run(
            #"{"response": "x", "tool_calls": ["look", "book"], "tool_results": [{"success": true, "duration_ms": 2.5}, {"success": true}]}"#)
        let verdict = judge.judge(recording: trace).candidate
        #expect((verdict.checks + verdict.untold).map(\.evidence) == [evidence])
    }

    @Test("an evaluator that gives no score is no reason to fail, and no evidence")
    func brokenEvaluator() throws {
        let judge = PairJudge(ReplayRules(checks: [RunCheck(name: "good", condition: .evaluator(EvaluatorName("judge"), minimum: 0.5))]))
        let silent = ArmRun(run: try run(#"{"trace_id": "t-7"}"#), assumesSuccess: false)
        let failed = [EvaluatorName("judge"): EvaluatorScore(score: nil, explanation: "it died")]
        for (scores, words) in [([:], "gave no score"), (failed, "failed: it died")] {
            let verdict = judge.judge(silent.run, baseline: silent, candidate: silent, candidateScores: scores).candidate
            #expect(verdict.passed && !verdict.hadExpectation && verdict.checks.isEmpty)
            #expect(verdict.unscored.map(\.name) == ["good"])
            #expect(verdict.unscored.map(\.evidence) == ["evaluator judge, trace t-7: \(words)"])
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

    @Test("a verdict that was used before holds nothing of the pair before")
    func reuse() throws {
        let schema = try JSONSchema(try JSONDocument(parsing: #"{"required": ["amount"]}"#))
        let judge = PairJudge(
            ReplayRules(
                maxLatency: 1, allowedTools: [Array("look".utf8)], maxRepetitions: 2,
                checks: [
                    RunCheck(name: "said", condition: .responseLacks("x", ignoringCase: false)),
                    RunCheck(name: "sane", condition: .arguments(tool: "poll", schema: schema)),
                    RunCheck(name: "good", condition: .evaluator(EvaluatorName("judge"), minimum: 0.5)),
                ]))
        let telling = ArmRun(run: try run(#"{"outcome": "success", "response": "y", "latency_ms": 5}"#))
        let wild = ArmRun(run: try run(calls: Array(repeating: "poll(1)", count: 8)), assumesSuccess: false)
        let odd = ArmRun(run: try run(#"{"outcome": "failure", "tool_calls": [{"name": "look"}]}"#))
        let late = ArmRun(RunProblem(.timeout, ""))
        let pairs = [(telling, wild), (wild, telling), (odd, odd), (telling, late), (odd, telling), (telling, telling)]
        let scratch = JudgeScratch()
        var used = PairVerdict(baseline: ArmVerdict(), candidate: ArmVerdict())
        for (a, b) in pairs + pairs.reversed() {
            judge.judge(telling.run, baseline: a, candidate: b, scratch: scratch, into: &used)
            let new = judge.judge(telling.run, baseline: a, candidate: b)
            #expect(String(describing: used) == String(describing: new))
        }
        used.removeAll()
        #expect(String(describing: used) == String(describing: PairVerdict(baseline: ArmVerdict(), candidate: ArmVerdict())))
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
