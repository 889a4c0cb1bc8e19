import AgentRuns
import Testing
import TraceReading

@Suite("Fields of a line")
struct RunFieldTests {
    private static let full = #"""
        {"trace_id":"t-1","request":"hello","tool_calls":[{"name":"search","args":{"q": "x"},"id":"c1"},"lookup"],
        "tool_results":[{"success":true,"result":[1, 2],"duration_ms":12.5},{"success":false,"error":"boom"}],
        "response":{"a":1.50},"outcome":"ok","latency_ms":350,"cost_tokens":42,"allowed_tools":["search","other"],
        "expected_outcome":"done","start_time":"2026-03-02T09:30:00Z","agent":"helper","version":"v2",
        "conversation_id":"conv","model":"m-1","input_tokens":30,"output_tokens":12}
        """#

    @Test("Every field of the run arrives")
    func everyField() throws {
        let line = try DecodedLine(Self.full)
        #expect(line.text(line.run.recordedID) == "t-1")
        #expect(line.content(line.run.request) == "string hello")
        #expect(line.content(line.run.response) == "json {\"a\":1.50}")
        #expect(line.text(line.run.outcome) == "ok")
        #expect(line.text(line.run.expectedOutcome) == "done")
        #expect(line.run.latency == .integer(350))
        #expect(line.run.costTokens == .integer(42))
        #expect(line.run.inputTokens == 30)
        #expect(line.run.outputTokens == 12)
        #expect(line.run.allowedTools?.map(line.run.string) == ["search", "other"])
        #expect(line.run.startTime == 1_772_443_800_000_000_000)
        #expect(line.text(line.run.agent) == "helper")
        #expect(line.text(line.run.version) == "v2")
        #expect(line.text(line.run.conversationID) == "conv")
        #expect(line.text(line.run.model) == "m-1")
        #expect(line.oddities == [])
    }

    @Test("Result K arrives with call K")
    func everyCallField() throws {
        let line = try DecodedLine(Self.full)
        let calls = line.run.toolCalls
        try #require(calls.count == 2)
        #expect(line.text(calls[0].name) == "search")
        #expect(line.text(calls[0].id) == "c1")
        #expect(line.content(calls[0].arguments) == #"json {"q": "x"}"#)
        #expect(calls[0].result?.success == true)
        #expect(line.content(calls[0].result?.content) == "json [1, 2]")
        #expect(calls[0].result?.duration == .real(12.5))
        #expect(calls[0].result?.error == nil)
        #expect(line.text(calls[1].name) == "lookup")
        #expect(calls[1].id == nil)
        #expect(calls[1].arguments == nil)
        #expect(calls[1].result?.success == false)
        #expect(line.content(calls[1].result?.error) == "string boom")
    }

    static let names = [
        "trace_id", "request", "tool_calls", "tool_results", "response", "outcome", "latency_ms", "cost_tokens",
        "allowed_tools", "expected_outcome", "start_time", "agent", "version", "conversation_id", "model", "input_tokens",
        "output_tokens",
    ]

    @Test("A field that is null is as one that is missing", arguments: names)
    func null(name: String) throws {
        #expect(try summary(#"{"\#(name)":null}"#) == summary("{}"))
    }

    @Test("Null within calls and results is as missing too")
    func nestedNull() throws {
        #expect(
            try summary(#"{"tool_calls":[{"name":null,"id":null,"args":null}],"tool_results":[null]}"#)
                == summary(#"{"tool_calls":[{}]}"#))
        #expect(
            try summary(
                #"{"tool_calls":["a"],"tool_results":[{"success":null,"result":null,"error":null,"duration_ms":null}]}"#)
                == summary(#"{"tool_calls":["a"],"tool_results":[{}]}"#))
    }

    @Test("Fields that nobody knows are left alone, at every level")
    func unknownFields() throws {
        let line = #"{"Agent":1,"agents":[],"trace_ids":{},"x":{"agent":5},"tool_calls":[{"name":"a","kind":7}],"tool_results":[{"ms":[]}]}"#
        #expect(try summary(line) == summary(#"{"tool_calls":["a"],"tool_results":[{}]}"#))
    }

    @Test("Results may stand before the calls that they answer")
    func order() throws {
        let line = try DecodedLine(#"{"tool_results":[{"result":"r"}],"tool_calls":["a"]}"#)
        #expect(line.content(line.run.toolCalls.first?.result?.content) == "string r")
    }

    @Test("An empty trace_id is no trace_id; other empty texts are empty texts")
    func emptyTexts() throws {
        let line = try DecodedLine(#"{"trace_id":"","outcome":"","request":"","allowed_tools":[]}"#)
        #expect(line.run.recordedID == nil)
        #expect(line.text(line.run.outcome) == "")
        #expect(line.content(line.run.request) == "string ")
        #expect(line.run.allowedTools == [])
    }

    @Test(
        "Request and response may be any JSON, kept as it was written",
        arguments: ["12.0", "-1e+3", "true", "false", "[]", #"{"b" : [ 1,"\u0041" ]}"#])
    func anyJSON(json: String) throws {
        let line = try DecodedLine(#"{"request":\#(json) , "response": \#(json)}"#)
        #expect(line.content(line.run.request) == "json \(json)")
        #expect(line.content(line.run.response) == "json \(json)")
    }

    @Test(
        "Without a word on success, only an error means failure",
        arguments: [
            ("{}", true), (#"{"success":true,"error":"e"}"#, true), (#"{"success":false}"#, false), (#"{"error":"e"}"#, false),
            (#"{"error":""}"#, true), (#"{"error":null}"#, true), (#"{"error":{}}"#, false), (#"{"error":false}"#, false),
            (#"{"success":null,"error":"e"}"#, false), (#"{"success":null}"#, true),
        ])
    func successDefault(result: String, success: Bool) throws {
        let line = try DecodedLine(#"{"tool_calls":["a"],"tool_results":[\#(result)]}"#)
        #expect(line.run.toolCalls.first?.result?.success == success)
    }

    @Test("A run that is used again holds nothing of the line before")
    func reuse() throws {
        var decoder = RunDecoder()
        var run = AgentRun()
        for text in [Self.full, "{}"] {
            try Array(text.utf8).withUnsafeBytes { _ = try decoder.decode($0, into: &run) }
        }
        #expect(run.storage == Array("{}".utf8))
        #expect(run.toolCalls.isEmpty)
        #expect(run.recordedID == nil && run.request == nil && run.response == nil && run.outcome == nil)
        #expect(run.expectedOutcome == nil && run.latency == nil && run.costTokens == nil && run.allowedTools == nil)
        #expect(run.inputTokens == nil && run.outputTokens == nil && run.startTime == nil && run.agent == nil)
        #expect(run.version == nil && run.conversationID == nil && run.model == nil)
    }

    /// All that a line says, without where in the storage it stands.
    private func summary(_ text: String) throws -> [String] {
        let line = try DecodedLine(text)
        let run = line.run
        let texts = [run.recordedID, run.outcome, run.expectedOutcome, run.agent, run.version, run.conversationID, run.model]
        let calls = run.toolCalls.map { call in
            "\(line.text(call.name), default: "-") \(line.text(call.id), default: "-") \(line.content(call.arguments), default: "-") "
                + "\(call.result?.success, default: "-") \(line.content(call.result?.content), default: "-") "
                + "\(line.content(call.result?.error), default: "-") \(call.result?.duration, default: "-")"
        }
        return texts.map { line.text($0) ?? "-" } + [line.content(run.request) ?? "-", line.content(run.response) ?? "-"]
            + ["\(run.latency, default: "-")", "\(run.costTokens, default: "-")", "\(run.inputTokens, default: "-")"]
            + ["\(run.outputTokens, default: "-")", "\(run.startTime, default: "-")", "\(run.allowedTools, default: "-")"] + calls
    }
}
