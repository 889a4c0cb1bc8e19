import RunSpans
import Testing

@testable import Replay

@Suite("What reports tell of one trace")
struct RunDetailTests {
    @Test("an outcome that fails a run is told with the expected one", arguments: [
        ("{}", #"{"outcome": "failed"}"#, "success"),
        ("{}", #"{"outcome": null}"#, "success"),
        (#"{"expected_outcome": "refunded"}"#, #"{"outcome": "success"}"#, "refunded"),
        (#"{"expected_outcome": "refunded"}"#, "{}", "refunded"),
        (#"{"expected_outcome": "refunded"}"#, #"{"outcome": "refunded", "latency_ms": 90000}"#, nil),
        ("{}", #"{"outcome": "success"}"#, nil),
    ] as [(String, String, String?)])
    func expectedOutcome(_ trace: String, _ line: String, _ expected: String?) throws {
        let recording = try run(trace)
        let arm = ArmRun(run: try run(line))
        let verdict = PairJudge(ReplayRules()).judge(recording, baseline: arm, candidate: arm)
        let detail = RunDetail(
            verdict, trace: recording, place: PairPlace(line: 1, index: 0, repetition: 0), baseline: arm, candidate: arm, ids: nil,
            content: false, changes: true, redactor: TextRedactor(Redaction()))
        #expect(detail.baseline.expectedOutcome == expected && detail.candidate.expectedOutcome == expected)
    }

    @Test("Keys of arguments are shown without what is secret in them, as values are")
    func secretKeys() throws {
        let recording = try run(#"{"tool_calls": [{"name": "send", "args": {"to": {"joe@example.com": "cc"}}}]}"#)
        let other = ArmRun(run: try run(#"{"tool_calls": [{"name": "send", "args": {"to": {"joe@example.com": "bcc"}}}]}"#))
        let arm = ArmRun(run: recording)
        var verdict = PairVerdict(baseline: ArmVerdict(), candidate: ArmVerdict())
        PairJudge(ReplayRules()).judge(recording, baseline: arm, candidate: other, scratch: JudgeScratch(), into: &verdict)
        let detail = RunDetail(
            verdict, trace: recording, place: PairPlace(line: 1, index: 0, repetition: 0), baseline: arm, candidate: other, ids: nil,
            content: false, changes: true, redactor: TextRedactor(Redaction()))
        #expect(detail.toolChanges.first?.arguments.first?.0 == "/to/[REDACTED:email]")
    }
}
