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

    @Test func anEvaluatorThatFailsGivesNone() async throws {
        #expect(try await score("exec:exit 1", "{}").explanation.hasPrefix("agent_died: "))
        #expect(try await score("exec:cat", "{}").explanation.contains("not score"))
        #expect(try await score("http://127.0.0.1:1/", "{}").score == nil)
    }
}
