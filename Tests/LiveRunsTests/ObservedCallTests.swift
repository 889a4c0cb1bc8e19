import AgentRuns
import LiveRuns
import Testing

@Suite("Calls that passed the gateway") struct ObservedCallTests {
    private func names(reported: String, observed: [String]) -> [String] {
        var exchange = Exchange.sample(answer: #"{"response": "x", "tool_calls": [\#(reported)]}"#)
        exchange.observedCalls = observed.enumerated().map { i, name in
            ObservedToolCall(
                name: name, spanID: SpanID(UInt64(i) + 7), arguments: Array("{\"n\":\(i)}".utf8), verdict: name == "no" ? .notAllowed : .allowed, started: 10,
                result: .init(success: name != "no", content: Array("7".utf8), ended: 20))
        }
        let run = LiveRun(exchange).run
        let told = run.toolCalls.compactMap(\.spanID)
        #expect(told == observed.indices.map { SpanID(UInt64($0) + 7) }, "what was told of a call's span stays")
        return run.toolCalls.map { call in
            let parts: [String?] = [call.name.map { run.string($0) }, call.verdict?.word, call.id.map { run.string($0) }]
            return parts.compactMap { $0 }.joined(separator: " ")
        }
    }

    @Test("they stand in the place of what the agent says of them, and what it says of others stays")
    func merged() {
        let told = #"{"name": "own"}, {"name": "b", "id": "1", "result": "a lie"}, {"name": "last"}"#
        #expect(names(reported: told, observed: ["a", "b", "no"]) == ["own", "a allowed", "b allowed 1", "last", "no refused"])
        #expect(names(reported: "", observed: ["a", "a"]) == ["a allowed", "a allowed"])
        #expect(names(reported: #""b", "a""#, observed: ["a", "b"]) == ["a allowed", "b allowed"], "the order in which they came")
        #expect(names(reported: #""own""#, observed: []) == ["own"])
    }
}
