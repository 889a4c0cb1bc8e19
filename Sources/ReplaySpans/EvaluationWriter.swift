internal import AgentRuns
internal import OTLP
internal import Replay
internal import RunSpans

/// Turns verdicts into evaluation events, each tied to the `agent.run` span that it is about.
struct EvaluationWriter {
    /// Whether events say what was found, which can hold content of the run.
    let explains: Bool

    /// The events of one arm: whether its outcome was the expected one, and each check.
    func write(
        _ verdict: borrowing ArmVerdict, _ trace: borrowing AgentRun, _ run: borrowing AgentRun, _ identity: RunIdentity,
        _ time: UInt64, to events: inout some EventEncoder
    ) {
        guard !verdict.hasProblem else { return }
        if run.outcome != nil || trace.expectedOutcome != nil {
            events.encode(event("outcome_match", passed: !verdict.reasons.contains(.outcome), identity, time))
        }
        if trace.allowedTools != nil {
            events.encode(event("tools_allowed", passed: verdict.misusedCall == nil, identity, time))
        }
        for check in verdict.checks {
            var event = event(check.name, passed: check.passed, identity, time)
            if let score = check.score { event.score = score }
            event.explanation = explains ? check.evidence : nil
            events.encode(event)
        }
        for check in verdict.unscored {
            var event = event(check.name, passed: false, identity, time)
            event.score = nil
            event.label = "inconclusive"
            event.errorType = "evaluator_failed"
            event.explanation = explains ? check.evidence : nil
            events.encode(event)
        }
    }

    /// The event of a candidate's run against the baseline's: whether the tool calls are the same.
    func write(
        _ changes: [ToolCallChange], _ baseline: borrowing ArmRun, _ candidate: borrowing ArmRun, _ identity: RunIdentity,
        _ time: UInt64, to events: inout some EventEncoder
    ) {
        guard baseline.problem == nil, candidate.problem == nil else { return }
        var event = event("tool_calls_match", passed: changes.isEmpty, identity, time)
        // The kinds of changes are no content.
        if !changes.isEmpty {
            event.explanation = Set(changes.map(\.kind.rawValue)).sorted().joined(separator: ", ")
        }
        events.encode(event)
    }

    private func event(_ name: String, passed: Bool, _ identity: RunIdentity, _ time: UInt64) -> EvaluationEvent {
        EvaluationEvent(
            traceID: identity.traceID, spanID: identity.runSpanID, flags: identity.flags, time: time, name: name,
            score: passed ? 1 : 0, label: passed ? "pass" : "fail")
    }
}
