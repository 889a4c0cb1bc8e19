import AgentRuns
import Testing

@testable import LiveRuns

/// One chunk of a stream, with what its `delta` holds.
private func chunk(_ delta: String, reason: String = "null") -> String {
    #"{"object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":\#(delta),"finish_reason":\#(reason)}]}"#
}

private func events(_ data: [String], end: String = "\n") -> String {
    data.map { "data: \($0)\(end)\(end)" }.joined()
}

private let sample = [
    chunk(#"{"role":"assistant","content":null}"#),
    chunk(#"{"tool_calls":[{"index":0,"id":"c1","type":"function","function":{"name":"find","arguments":""}}]}"#),
    chunk(#"{"tool_calls":[{"index":0,"function":{"arguments":"{\"q\":"}}]}"#),
    chunk(#"{"tool_calls":[{"index":1,"id":"c2","type":"function","function":{"name":"book","arguments":"{\"é\""}}]}"#),
    chunk(#"{"tool_calls":[{"index":0,"function":{"arguments":" 1}"}},{"index":1,"function":{"arguments":":[]}"}}]}"#),
    chunk(#"{"content":"Do"}"#), chunk(#"{"content":"ne é"}"#), chunk("{}", reason: #""tool_calls""#),
    #"{"object":"chat.completion.chunk","choices":[],"usage":{"prompt_tokens":7,"completion_tokens":2,"total_tokens":9}}"#, "[DONE]",
]

/// What the sample says.
private func check(_ run: PlainRun) {
    #expect(run.shape == .chatStream)
    #expect(run.response == "text Done é")
    #expect(run.calls == [.init("find", id: "c1", #"json {"q": 1}"#), .init("book", id: "c2", #"json {"é":[]}"#)])
    #expect(run.tokens == [9, 7, 2])
    #expect(run.answeringModel == "m")
    #expect(run.problem == nil)
    #expect(run.failure == nil)
}

@Suite("Streamed chat completions")
struct ChatStreamTests {
    @Test("Pieces are put together, whatever the line ends", arguments: ["\n", "\r\n", "\r"])
    func whole(end: String) {
        check(PlainRun(.stream(events(sample, end: end))))
        check(PlainRun(.stream("\u{FEFF}: comment\(end)event: x\(end)id: 1\(end)retry: 5\(end)\(end)" + events(sample, end: end))))
        check(PlainRun(.stream(events(sample, end: end).replacing("data: ", with: "data:"))))
    }

    @Test("A stream split at every byte is the same run", arguments: ["\n", "\r\n", "\r"])
    func split(end: String) {
        let bytes = Array(events(sample, end: end).utf8)
        let whole = PlainRun(.sample(answer: bytes, type: "text/event-stream"))
        var reader = LiveRunReader()
        for i in 0...bytes.count {
            var exchange = Exchange.sample(answer: [], type: "text/event-stream")
            exchange.response?.body = [Array(bytes[..<i]), Array(bytes[i...])]
            #expect(PlainRun(reader.read(exchange)) == whole, "split at \(i)")
        }
        var exchange = Exchange.sample(answer: [], type: "text/event-stream")
        exchange.response?.body = bytes.map { [$0] }
        #expect(PlainRun(reader.read(exchange)) == whole)
    }

    @Test("Data over several lines are one text")
    func lines() {
        #expect(Array(ServerSentEvents(Array("data: a\ndata:b\ndata\ndata:  c\n\n\n\ndatab: x\ndata: d\n\n".utf8))).map(text) == ["a\nb\n\n c", "d"])
        #expect(Array(ServerSentEvents(Array("\r\n\r\ndata: a\r\r\ndata: b\n\r\n".utf8))).map(text) == ["a", "b"])
        #expect(Array(ServerSentEvents([])).isEmpty)
        let pretty = events(sample).replacing(#","model""#, with: ",\ndata: \"model\"")
        check(PlainRun(.stream(pretty)))
    }

    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    @Test("An end without its empty line counts, half an event does not")
    func unfinished() {
        let bytes = events(sample)
        check(PlainRun(.stream(String(bytes.dropLast()))))
        check(PlainRun(.stream(String(bytes.dropLast(2)))))
        let half = PlainRun(.stream(String(bytes.dropLast(30))))
        #expect(half.problem == "the stream ended without [DONE]")
        #expect(half.calls.count == 2)
    }

    @Test("Cut anywhere, it is a run with what came before, and no trap")
    func cut() {
        let bytes = Array(events(sample).utf8)
        var calls = 0
        var reader = LiveRunReader()
        for i in 0..<bytes.count {
            let live = reader.read(.sample(answer: Array(bytes[..<i]), type: "text/event-stream", isTruncated: true))
            #expect(live.run.toolCalls.count >= calls)
            calls = live.run.toolCalls.count
            #expect(live.shape == .unknown || live.problem != nil)
        }
        #expect(calls == 2)
    }

    @Test("A stream that streams something else is unknown, and no problem")
    func otherStream() {
        for text in ["data: tick\n\ndata: tock\n\n", "data: {\"a\":1}\n\n", ": only comments\n\n", "\n\n\n", "event: x\n\n"] {
            let live = LiveRun(.stream(text))
            #expect(live.shape == .unknown)
            #expect(live.problem == nil)
        }
    }

    @Test("An error within the stream is the agent's word that it failed")
    func error() {
        let run = PlainRun(.stream(events([chunk(#"{"content":"Do"}"#), #"{"error":{"message":"overloaded","type":"server_error"}}"#])))
        #expect(run.failure == "agent_error: overloaded")
        #expect(run.response == "text Do")
        #expect(run.problem == nil)
    }

    @Test(
        "Servers that leave the index out, or say 0 each time, are understood",
        arguments: [
            ["", ""], [#""index":0,"#, #""index":0,"#], [#""index":5,"#, #""index":3,"#], [#""index":-1,"#, #""index":"x","#],
        ])
    func indices(index: [String]) {
        let run = PlainRun(
            .stream(
                events([
                    chunk(#"{"tool_calls":[{\#(index[0])"id":"a","function":{"name":"x","arguments":"{\"k\":"}}]}"#),
                    chunk(#"{"tool_calls":[{\#(index[0])"function":{"arguments":"1}"}}]}"#),
                    chunk(#"{"tool_calls":[{\#(index[1])"id":"b","function":{"name":"y","arguments":"{}"}}]}"#), "[DONE]",
                ])))
        #expect(run.calls == [.init("x", id: "a", #"json {"k":1}"#), .init("y", id: "b", "json {}")])
        #expect(run.problem == nil)
    }

    @Test(
        "How it ended is known where the model says",
        arguments: [("length", "length"), ("stop", nil), ("content_filter", "content_filter")] as [(String, String?)])
    func outcome(reason: String, expected: String?) {
        #expect(PlainRun(.stream(events([chunk(#"{"content":"a"}"#), chunk("{}", reason: "\"\(reason)\""), "[DONE]"]))).outcome == expected)
    }

    @Test("A refusal, an empty answer, and calls beside an empty text")
    func endings() {
        let refusal = PlainRun(.stream(events([chunk(#"{"refusal":"I "}"#), chunk(#"{"refusal":"won't"}"#), "[DONE]"])))
        #expect(refusal.response == "text I won't")
        #expect(refusal.outcome == "refusal")
        #expect(PlainRun(.stream(events([chunk(#"{"content":""}"#), "[DONE]"]))).response == "text ")
        let calls = PlainRun(
            .stream(events([chunk(#"{"content":"","tool_calls":[{"index":0,"id":"a","function":{"name":"x"}}]}"#), "[DONE]"])))
        #expect(calls.response == nil)
        #expect(calls.calls == [.init("x", id: "a")])
    }

    @Test("Other choices are not read")
    func choices() {
        let other = #"{"choices":[{"index":1,"delta":{"content":"no"}},{"index":0,"delta":{"content":"yes"}}]}"#
        #expect(PlainRun(.stream(events([other, "[DONE]"]))).response == "text yes")
    }

    @Test("Streamed and not, the same answer is the same run")
    func sameAsWhole() {
        let whole = PlainRun(
            .sample(
                answer: """
                    {"model":"m","choices":[{"finish_reason":"stop","message":{"content":"Done é","tool_calls":[
                    {"id":"c1","function":{"name":"find","arguments":"{\\"q\\": 1}"}},
                    {"id":"c2","function":{"name":"book","arguments":"{\\"é\\":[]}"}}]}}],
                    "usage":{"prompt_tokens":7,"completion_tokens":2,"total_tokens":9}}
                    """))
        var streamed = PlainRun(.stream(events(sample)))
        streamed.shape = .chat
        #expect(streamed == whole)
    }
}
