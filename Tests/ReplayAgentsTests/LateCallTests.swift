import AgentRuns
import Foundation
import Replay
import Testing

@testable import ReplayAgents

/// What the runs of a replay were told with.
private struct LateCalls: PairObserver {
    var byTrace: [String: [Int]] = [:]

    mutating func observe(
        _ place: PairPlace, trace: borrowing AgentRun, baseline: borrowing ArmRun, candidate: borrowing ArmRun,
        verdict: borrowing PairVerdict
    ) {
        let id = trace.recordedID.map { trace.string($0) } ?? ""
        byTrace[id] = [baseline.tools?.late ?? -1, candidate.tools?.late ?? -1]
        #expect(candidate.problem == nil)
        // The other one calls until it is told that it is late, and what comes before that counts as its own.
        if id == "waits" { #expect(verdict.candidate.reasons.isEmpty) }
    }
}

@Suite(.timeLimit(.minutes(10)))
struct LateCallTests {
    /// Pairs are told in the order of the traces, and the first waits for the call that the second makes after its answer.
    @Test func callsAfterTheAnswerAreToldWithTheirRun() async throws {
        let stub = try StubAgent()
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("late-\(UUID().uuidString).jsonl")
        defer { try? FileManager.default.removeItem(at: file) }
        let lines = [
            #"{"trace_id": "waits", "request": {"mode": "after_late"}, "response": 1, "outcome": "success"}"#,
            #"{"trace_id": "calls", "request": {"mode": "calls_after_answer", "calls": [{"name": "read"}]}, "outcome": "success"}"#,
        ]
        try (lines.joined(separator: "\n") + "\n").write(to: file, atomically: true, encoding: .utf8)
        try await withPool { pool in
            let plan = ReplayPlan(
                traces: file.path, baseline: .init(.recorded, version: "v1"),
                candidate: .init(.agent(try pool.live("http://127.0.0.1:\(stub.port)/agent")), version: "v2"),
                rules: ReplayRules(maxLatency: .infinity, failOn: []), replayID: "replay-1")
            var seen = LateCalls()
            let ending = try await ReplayRun.run(plan, &seen, rejects: RejectCounter { _ in }) { false }
            #expect(ending.partial == nil)
            #expect(seen.byTrace == ["waits": [-1, 0], "calls": [-1, 1]])
            #expect(pool.notices.words == ["agents: 1 call after the answer, refused"])
        }
    }
}
