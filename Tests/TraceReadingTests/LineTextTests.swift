import AgentRuns
import Testing
import TraceReading

@Suite("Text in a line")
struct LineTextTests {
    @Test("Escapes are decoded in values and in keys")
    func escapes() throws {
        let line = try DecodedLine(
            #"{"\u0074race_id":"t\u002d1","agent":"\"é\ud83d\ude00\"","tool_calls":[{"n\u0061me":"\/x"}],"tool_results":[{"succes\u0073":false}]}"#)
        #expect(line.text(line.run.recordedID) == "t-1")
        #expect(line.text(line.run.agent) == "\"é😀\"")
        #expect(line.text(line.run.toolCalls.first?.name) == "/x")
        #expect(line.run.toolCalls.first?.result?.success == false)
        #expect(line.oddities == [])
    }

    @Test("JSON content is not decoded: it stays JSON")
    func contentKeepsEscapes() throws {
        let line = try DecodedLine(#"{"request":{"a":"\u0041"},"response":"\u0041"}"#)
        #expect(line.content(line.run.request) == #"json {"a":"\u0041"}"#)
        #expect(line.content(line.run.response) == "string A")
    }

    @Test("A NUL is text like any other")
    func nulIsKept() throws {
        let line = try DecodedLine(#"{"trace_id":"t","request":"a\u0000b","agent":"\u0000","tool_calls":[{"name":"n\u0000"}]}"#)
        #expect(line.content(line.run.request) == "string a\0b")
        #expect(line.text(line.run.agent) == "\0")
        #expect(line.text(line.run.toolCalls.first?.name) == "n\0")
    }

    @Test(
        "Of a repeated field the last one counts, and it is noted",
        arguments: [
            #"{"agent":"a","agent":"b"}"#, #"{"agent":null,"agent":"b"}"#, #"{"agent":"a","\u0061gent":"b"}"#,
            #"{"agent":"a","model":"m","agent":"a","agent":"b"}"#,
        ])
    func repeatedField(text: String) throws {
        let line = try DecodedLine(text)
        #expect(line.text(line.run.agent) == "b")
        #expect(line.oddities == .repeatedField)
    }

    @Test("The last of repeated calls, results and texts count, null too")
    func repeatedNull() throws {
        let line = try DecodedLine(
            #"{"agent":"a","agent":null,"tool_calls":["a","b"],"tool_results":[{},{}],"tool_calls":["c"],"tool_results":[{"result":1}]}"#)
        #expect(line.run.agent == nil)
        #expect(line.run.toolCalls.map { line.text($0.name) } == ["c"])
        #expect(line.content(line.run.toolCalls.first?.result?.content) == "json 1")
        #expect(line.oddities == .repeatedField)
    }

    @Test("Repeated fields that nobody knows are nobody's business")
    func repeatedUnknownField() throws {
        #expect(try DecodedLine(#"{"x":1,"x":2}"#).oddities == [])
    }

    @Test(
        "Half a surrogate pair becomes U+FFFD and is noted, wherever it is read",
        arguments: [
            #"{"agent":"\ud800"}"#, #"{"request":"\udc00x"}"#, #"{"tool_calls":["\ud83d"]}"#, #"{"allowed_tools":["\ud83d"]}"#,
            #"{"trace_id":"\udfff"}"#,
        ])
    func loneSurrogate(text: String) throws {
        let line = try DecodedLine(text)
        #expect(line.oddities.contains(.loneSurrogate))
        let run = line.run
        let read = run.agent ?? run.request?.text ?? run.toolCalls.first?.name ?? run.allowedTools?.first ?? run.recordedID
        #expect(line.text(read)?.hasPrefix("\u{FFFD}") == true)
    }

    @Test(
        "A call without a name is noted",
        arguments: [(#"{"tool_calls":[{}]}"#, true), (#"{"tool_calls":[{"name":null}]}"#, true), (#"{"tool_calls":["a",{"name":"b"}]}"#, false)])
    func unnamedTool(text: String, isOdd: Bool) throws {
        #expect(try DecodedLine(text).oddities.contains(.unnamedTool) == isOdd)
    }

    @Test("Text is read where the line has it, also behind what was decoded")
    func placesBehindEscapes() throws {
        let line = try DecodedLine(#"{"agent":"\u00e9","version":"v1","request":{"a":1},"tool_calls":[{"name":"\t","id":"c1"}],"model":"m"}"#)
        #expect(line.text(line.run.agent) == "é" && line.text(line.run.version) == "v1" && line.text(line.run.model) == "m")
        #expect(line.content(line.run.request) == #"json {"a":1}"#)
        #expect(line.text(line.run.toolCalls.first?.name) == "\t" && line.text(line.run.toolCalls.first?.id) == "c1")
    }

    @Test("A line of more than a gigabyte is rejected before it is looked at")
    func hugeLine() throws {
        let byte = UnsafeMutableRawPointer.allocate(byteCount: 1, alignment: 1)
        defer { byte.deallocate() }
        var decoder = RunDecoder()
        var run = AgentRun()
        // There is one byte: reading on would crash.
        let line = UnsafeRawBufferPointer(start: byte, count: RunDecoder.maximumBytes + 1)
        #expect(throws: RejectedLine.self) { _ = try decoder.decode(line, into: &run) }
    }

    @Test("A short line is kept as a whole; of a long one only what is read", arguments: [10, 100_000])
    func storage(length: Int) throws {
        let line = #"{"agent":"a","nobody":"\#(String(repeating: "x", count: length))","request":{"b":[1]},"model":"m\u0021"}"#
        let run = try DecodedLine(line)
        #expect(run.text(run.run.agent) == "a" && run.text(run.run.model) == "m!")
        #expect(run.content(run.run.request) == #"json {"b":[1]}"#)
        #expect(run.run.storage.count < 1000)
    }
}
