import AgentRuns
import LiveRuns
import LiveSpans
import OTLP
import RunSpans
import Testing

/// What a shadow's calls are compared by: those that passed the tool gateway, where any did.
@Suite struct ShadowComparisonTests {
    private static func observed(_ calls: [(name: String, arguments: String)]) -> [ObservedToolCall] {
        calls.map { ObservedToolCall(name: $0.name, spanID: SpanID(1), arguments: Array($0.arguments.utf8), verdict: .allowed, started: 1) }
    }

    private static func comparisons(
        _ served: [(String, String)], _ shadow: [(String, String)], servedBody: String = #"{"response":"ok"}"#,
        shadowBody: String = #"{"response":"ok"}"#
    ) -> [String: String] {
        let exchange = Exchange.sample(.shadow, .candidate, answer: shadowBody) {
            $0.pairedWith = .init(
                status: 200, contentType: "application/json", body: [Array(servedBody.utf8)], latency: 5, observedCalls: observed(served))
            $0.observedCalls = observed(shadow)
        }
        let origin = Origin(resource: [], scopeName: "outrigger", scopeVersion: "1")
        var writer = LiveSpanWriter(
            RunMapping(mode: .live), baseline: nil, candidate: nil, encoder: ProtobufSpanEncoder(origin), events: ProtobufEventEncoder(origin))
        let found = writer.write(exchange).comparisons
        return Dictionary(uniqueKeysWithValues: found.map { ($0.check, $0.result) })
    }

    @Test("the same calls at the gateway are the same, although the agents tell of none, or of others")
    func same() {
        let calls = [("find", #"{"a":1,"b":[2]}"#), ("send", "{}")]
        let again = [("find", #"{"b": [2.0], "a": 1}"#), ("send", "{}")]
        #expect(Self.comparisons(calls, again)["tool_calls_match"] == "pass")
        let reports = Self.comparisons(
            calls, again, servedBody: #"{"response":"ok","tool_calls":["find"]}"#, shadowBody: #"{"response":"ok","tool_calls":["erase"]}"#)
        #expect(reports["tool_calls_match"] == "pass")
    }

    @Test("other calls at the gateway are others, although the agents tell of the same")
    func others() {
        let report = #"{"response":"ok","tool_calls":["find"]}"#
        for shadow in [[("find", #"{"a":2}"#)], [("send", "{}")], [("find", #"{"a":1}"#), ("send", "{}")], []] {
            #expect(Self.comparisons([("find", #"{"a":1}"#)], shadow, servedBody: report, shadowBody: report)["tool_calls_match"] == "fail")
        }
        #expect(Self.comparisons([], [("send", "{}")], servedBody: report, shadowBody: report)["tool_calls_match"] == "fail")
    }

    @Test("calls at the gateway are compared where the answers cannot be read")
    func unreadable() {
        let compared = Self.comparisons([("find", "{}")], [("find", "{}")], servedBody: "[1]", shadowBody: "<html>")
        #expect(compared["tool_calls_match"] == "pass" && compared["response_match"] == nil)
        #expect(Self.comparisons([], [], servedBody: "[1]", shadowBody: "[1]")["tool_calls_match"] == nil)
    }

    @Test("where nothing passed the gateway, what the agents tell is compared")
    func told() {
        let (one, other) = (#"{"response":"ok","tool_calls":["find"]}"#, #"{"response":"ok","tool_calls":["send"]}"#)
        #expect(Self.comparisons([], [], servedBody: one, shadowBody: one)["tool_calls_match"] == "pass")
        #expect(Self.comparisons([], [], servedBody: one, shadowBody: other)["tool_calls_match"] == "fail")
    }
}
