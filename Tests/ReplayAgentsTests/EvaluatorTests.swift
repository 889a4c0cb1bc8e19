import AgentRuns
import Replay
import Testing

@testable import ReplayAgents

private let stub = Result { try StubAgent() }

@Suite(.timeLimit(.minutes(10)))
struct EvaluatorTests {
    private func score(_ specification: String, _ request: String) async throws -> EvaluatorScore {
        try await withPool { pool in
            let evaluator = try pool.evaluator(AgentSpecification(parsing: specification), label: "judge", timeLimit: .seconds(20))
            let run = try trace(#"{"request": \#(request), "response": "r", "tool_calls": ["a", {"name": "b", "args": {}}]}"#)
            return await evaluator.score(run, of: run)
        }
    }

    @Test func anEvaluatorGivesAScore() async throws {
        let url = "http://127.0.0.1:\(try stub.get().port)/evaluate"
        #expect(try await score(url, "{}") == EvaluatorScore(score: 2))
        #expect(try await score(url, #"{"verdict": {"score": 0.5, "explanation": "half"}}"#) == EvaluatorScore(score: 0.5, explanation: "half"))
        #expect(try await score("exec:" + Support.execAgent, #"{"score": 0.25}"#) == EvaluatorScore(score: 0.25, explanation: "as told"))
    }

    @Test(arguments: [
        (#"{"verdict": {"score": "high"}}"#, "score must be a number, found string"), (#"{"verdict": {}}"#, "found nothing"),
        (#"{"verdict": {"error": "lost"}}"#, "lost"), (#"{"verdict": {"score": 1, "explanation": 2}}"#, "explanation must be a string"),
    ])
    func aBadScoreIsNone(_ request: String, _ words: String) async throws {
        let score = try await score("http://127.0.0.1:\(try stub.get().port)/evaluate", request)
        #expect(score.score == nil && score.explanation.contains(words), "\(score)")
    }

    @Test(arguments: [
        (#"{"score": 0.9, "score": 0.1}"#, #"the key "score" is there twice"#),
        (#"{"score": 1, "sc\\u006fre": 0}"#, #"the key "score" is there twice"#),
        (#"{"score": 1, "explanation": "a", "explanation": "b"}"#, #"the key "explanation" is there twice"#),
        (#"{"score": 1}\n{"score": 0}"#, "not JSON"), (#"{"score": NaN}"#, "not JSON"), (#"{"score": Infinity}"#, "not JSON"),
        (#"{"score": 1e300}"#, "score must be between -1e9 and 1e9"), (#"{"score": -1e10}"#, "score must be between -1e9 and 1e9"),
        (#"{"score": 1e999}"#, "score must be between -1e9 and 1e9"), (#"[{"score": 1}]"#, "found nothing"), ("", "not JSON"),
    ])
    func anAnswerThatCannotBeMeantIsNoScore(_ answer: String, _ words: String) async throws {
        var request = Array(#"{"verdict": ""#.utf8)
        for byte in answer.utf8 { request += byte == UInt8(ascii: "\"") ? Array(#"\""#.utf8) : [byte] }
        let text = String(decoding: request, as: UTF8.self) + #""}"#
        let score = try await score("http://127.0.0.1:\(try stub.get().port)/evaluate", text)
        #expect(score.score == nil && score.explanation.hasPrefix("bad_answer: ") && score.explanation.contains(words), "\(score)")
    }

    @Test("the scale is the evaluator's own", arguments: [-3, 0, 1.5, 100, 1e9])
    func anyScaleIsTaken(_ value: Double) async throws {
        let url = "http://127.0.0.1:\(try stub.get().port)/evaluate"
        #expect(try await score(url, #"{"verdict": {"score": \#(value)}}"#) == EvaluatorScore(score: value))
    }

    @Test func ofTwoLinesTheFirstCounts() async throws {
        try await withPool { pool in
            let evaluator = try pool.evaluator(
                AgentSpecification(parsing: "exec:" + Support.execAgent), label: "judge", timeLimit: .seconds(60))
            let twice = try trace(#"{"request": {"scores": [0.25, 0.75]}, "response": "r"}"#)
            let once = try trace(#"{"request": {"score": 0.5}, "response": "r"}"#)
            #expect(await evaluator.score(twice, of: twice).score == 0.25)
            #expect(await evaluator.score(once, of: once).score == 0.5)
            #expect(pool.notices.counts == [.lateAnswer: 1])
        }
    }

    @Test func anEvaluatorThatFailsGivesNone() async throws {
        #expect(try await score("exec:exit 1", "{}").explanation.hasPrefix("agent_died: "))
        #expect(try await score("exec:cat", "{}").explanation.contains("not score"))
        #expect(try await score("http://127.0.0.1:1/", "{}").score == nil)
    }
}
