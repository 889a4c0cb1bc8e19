import AgentRuns
@testable import RunSpans
import Testing

@Suite("Attributes of a run's spans")
struct SpanAttributeTests {
    private let mapped = MappedRun(.full())

    @Test("agent.run says whose run it was, where it came from and how it ended")
    func agentRun() {
        #expect(
            mapped.spans[0].attributes == [
                "gen_ai.operation.name": .text("invoke_agent"), "openinference.span.kind": .text("AGENT"),
                "outrigger.run.mode": .text("backfill"), "outrigger.run.role": .text("baseline"), "outrigger.source.dataset": .text("demo"),
                "outrigger.time.source": .text("synthetic"), "gen_ai.agent.name": .text("helper"), "agent.version": .text("v2"),
                "outrigger.run.id": .text("5a816d25d78fd4b9"), "outrigger.request.id": .text("t-001"),
                "outrigger.source.trace_id": .text("t-001"), "outrigger.source.line": .integer(7),
                "outrigger.outcome.actual": .text("done"), "outrigger.outcome.expected": .text("done"), "outrigger.outcome.match": .bool(true),
                "outrigger.cost.tokens": .integer(42), "llm.token_count.total": .integer(42), "outrigger.latency_ms": .double(350.5),
                "gen_ai.usage.input_tokens": .integer(30), "gen_ai.usage.output_tokens": .integer(12),
                "gen_ai.conversation.id": .text("conv"), "gen_ai.request.model": .text("m-1"),
                // SHA-256 of "private request", by sha256sum.
                "outrigger.request.sha256": .text("8fdbdab8fdcf0715fde62613f426488b262e435f328377a4a33afe272fb0a79a"),
            ])
    }

    @Test("A run that says nothing has only what the job says")
    func emptyRun() {
        #expect(
            MappedRun(AgentRun()).spans[0].attributes.keys.sorted() == [
                "gen_ai.operation.name", "openinference.span.kind", "outrigger.run.id", "outrigger.run.mode", "outrigger.run.role",
                "outrigger.source.dataset", "outrigger.source.line", "outrigger.time.source",
            ])
    }

    @Test("Steps, calls and results have theirs")
    func others() {
        #expect(mapped.spans[1].attributes == ["step.index": .integer(0), "openinference.span.kind": .text("CHAIN")])
        #expect(
            mapped.spans[2].attributes == [
                "gen_ai.operation.name": .text("execute_tool"), "gen_ai.tool.type": .text("function"), "openinference.span.kind": .text("TOOL"),
                "outrigger.tool.index": .integer(0), "tool.name": .text("search"), "gen_ai.tool.name": .text("search"),
                "gen_ai.tool.call.id": .text("call-1"), "outrigger.tool.allowed": .bool(true),
            ])
        #expect(
            mapped.spans[3].attributes == [
                "tool.success": .bool(true), "openinference.span.kind": .text("CHAIN"), "outrigger.tool.index": .integer(0),
            ])
    }

    @Test("A failed tool is an error of its result and its call, never of step or run")
    func failure() {
        #expect(mapped.spans.map { $0.failure != nil } == [false, false, false, false, false, true, true])
        #expect(mapped.spans.map { $0.text("error.type") } == [nil, nil, nil, nil, nil, "tool_error", "tool_error"])
        #expect(mapped.spans[6].attributes["tool.success"] == .bool(false))
        #expect(mapped.spans[5].attributes["outrigger.tool.allowed"] == .bool(false))
    }

    @Test("Without a list of allowed tools nothing is said; with an empty one nothing is allowed")
    func allowedTools() {
        var run = AgentRun.with(calls: 1)
        #expect(MappedRun(run).spans[2].attributes["outrigger.tool.allowed"] == nil)
        run.allowedTools = []
        #expect(MappedRun(run).spans[2].attributes["outrigger.tool.allowed"] == .bool(false))
    }

    @Test("A call without a name has no name attributes")
    func unnamed() {
        var run = AgentRun()
        run.addCall(nil)
        run.allowedTools = [run.store("")]
        let call = MappedRun(run).spans[2]
        #expect(call.attributes["tool.name"] == nil && call.attributes["gen_ai.tool.name"] == nil)
        #expect(call.attributes["outrigger.tool.allowed"] == .bool(false))
    }

    @Test(
        "A cost is whole or a decimal, and a total only when whole",
        arguments: [
            (.integer(12), .integer(12), .integer(12)), (.real(12), .integer(12), .integer(12)), (.real(12.5), .double(12.5), nil),
            (.integer(-3), .integer(-3), .integer(-3)), (.real(1e300), .double(1e300), nil), (.real(.infinity), nil, nil),
        ] as [(RecordedNumber, Attribute.Value?, Attribute.Value?)])
    func cost(cost: RecordedNumber, expected: Attribute.Value?, total: Attribute.Value?) {
        var run = AgentRun()
        run.costTokens = cost
        let attributes = MappedRun(run).spans[0].attributes
        #expect(attributes["outrigger.cost.tokens"] == expected)
        #expect(attributes["llm.token_count.total"] == total)
    }

    @Test(
        "The recorded latency is shown as it was, if it is a number at all",
        arguments: [(.integer(350), .double(350)), (.real(-1.5), .double(-1.5)), (.integer(100_000_000), .double(1e8)), (.real(.infinity), nil)]
            as [(RecordedNumber, Attribute.Value?)])
    func latency(latency: RecordedNumber, expected: Attribute.Value?) {
        #expect(MappedRun(.with(calls: 0, latency: latency)).spans[0].attributes["outrigger.latency_ms"] == expected)
    }

    @Test("Outcomes match to the byte, and only two of them can", arguments: [("ok", "ok", true), ("ok", "OK", false), ("é", "e\u{301}", false)])
    func outcomeMatch(actual: String, expected: String, matches: Bool) {
        var run = AgentRun()
        run.expectedOutcome = run.store(expected)
        #expect(MappedRun(run).spans[0].attributes["outrigger.outcome.match"] == nil)
        run.outcome = run.store(actual)
        #expect(MappedRun(run).spans[0].attributes["outrigger.outcome.match"] == .bool(matches))
        run.expectedOutcome = nil
        #expect(MappedRun(run).spans[0].attributes["outrigger.outcome.match"] == nil)
    }

    @Test("What the run does not say of agent and version, the job says")
    func fallbacks() {
        let mapping = RunMapping(mode: .replay, role: .candidate, agentName: "job agent", agentVersion: "job version")
        let silent = MappedRun(AgentRun(), mapping).spans[0]
        #expect(silent.text("gen_ai.agent.name") == "job agent")
        #expect(silent.text("agent.version") == "job version")
        #expect(silent.text("outrigger.run.mode") == "replay")
        #expect(silent.text("outrigger.run.role") == "candidate")
        let outspoken = MappedRun(.full(), mapping).spans[0]
        #expect(outspoken.text("gen_ai.agent.name") == "helper")
        #expect(outspoken.text("agent.version") == "v2")
    }

    @Test("The stand-in for a missing id is the id everywhere")
    func standIn() {
        let root = MappedRun(AgentRun(), recordedID: "line:abc").spans[0]
        #expect(root.text("outrigger.request.id") == "line:abc")
        #expect(root.text("outrigger.source.trace_id") == "line:abc")
    }

    /// Back ends that nest by dots would lose one of the two.
    @Test("No key is a dotted prefix of another, and none repeats on a span")
    func keys() {
        let spans = MappedRun(.full(), RunMapping(mode: .backfill, capture: .full)).spans
        let all = Set(spans.flatMap { $0.list.map(\.key) })
        for key in all { #expect(!all.contains { $0.hasPrefix(key + ".") }, "\(key) is a prefix") }
        for span in spans { #expect(Set(span.list.map(\.key)).count == span.list.count) }
        // All of a captured run's keys were looked at, not some.
        #expect(all.isSuperset(of: ["input.value", "output.value", "gen_ai.tool.call.arguments", "outrigger.tool.result.sha256"]))
    }
}
