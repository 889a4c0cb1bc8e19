import AgentRuns
import Testing
import TraceReading

/// In the lines, `^` stands in front of the byte that the column must name, and is taken out.
@Suite("Rejected lines")
struct RejectedLineTests {
    private func expectRejection(
        _ marked: String, _ reason: RejectedLine.Reason, mentions: String = "", _ location: SourceLocation = #_sourceLocation
    ) throws {
        let bytes = Array(marked.utf8)
        let column = bytes.firstIndex(of: UInt8(ascii: "^")).map { $0 + 1 } ?? 0
        let rejected = try #require(throws: RejectedLine.self, sourceLocation: location) {
            _ = try DecodedLine(bytes.filter { $0 != UInt8(ascii: "^") })
        }
        #expect(rejected.reason == reason, sourceLocation: location)
        #expect(rejected.column == column, sourceLocation: location)
        #expect(rejected.detail.contains(mentions), sourceLocation: location)
    }

    @Test(
        "A field of the wrong type is named, with its column",
        arguments: [
            (#"{"trace_id":^5}"#, "trace_id"), (#"{"a":1, "trace_id" : ^["x"]}"#, "trace_id"), (#"{"tool_calls":^{}}"#, "tool_calls"),
            (#"{"tool_calls":^"a"}"#, "tool_calls"), (#"{"tool_calls":["a",^5]}"#, "tool_calls"), (#"{"tool_calls":[^null]}"#, "tool_calls"),
            (#"{"tool_calls":[^["a"]]}"#, "tool_calls"), (#"{"tool_calls":[{"name":^5}]}"#, "tool_calls[].name"),
            (#"{"tool_calls":[{"id":^5}]}"#, "tool_calls[].id"), (#"{"tool_results":^{}}"#, "tool_results"),
            (#"{"tool_calls":["a"],"tool_results":[^"x"]}"#, "tool_results"),
            (#"{"tool_calls":["a"],"tool_results":[{"success":^"true"}]}"#, "tool_results[].success"),
            (#"{"tool_calls":["a"],"tool_results":[{"success":^1}]}"#, "tool_results[].success"),
            (#"{"tool_calls":["a"],"tool_results":[{"duration_ms":^"5"}]}"#, "tool_results[].duration_ms"),
            (#"{"outcome":^[]}"#, "outcome"), (#"{"expected_outcome":^true}"#, "expected_outcome"), (#"{"latency_ms":^"350"}"#, "latency_ms"),
            (#"{"latency_ms":^false}"#, "latency_ms"), (#"{"cost_tokens":^{}}"#, "cost_tokens"), (#"{"input_tokens":^1.5}"#, "input_tokens"),
            (#"{"input_tokens":^1e400}"#, "input_tokens"), (#"{"output_tokens":^9223372036854775808}"#, "output_tokens"),
            (#"{"output_tokens":^"3"}"#, "output_tokens"), (#"{"allowed_tools":^"x"}"#, "allowed_tools"),
            (#"{"allowed_tools":["a",^5]}"#, "allowed_tools"), (#"{"allowed_tools":[^null]}"#, "allowed_tools"),
            (#"{"start_time":^true}"#, "start_time"), (#"{"start_time":^"yesterday"}"#, "start_time"), (#"{"start_time":^-5}"#, "start_time"),
            (#"{"start_time":^[]}"#, "start_time"), (#"{"agent":^{}}"#, "agent"), (#"{"version":^1}"#, "version"),
            (#"{"conversation_id":^1}"#, "conversation_id"), (#"{"model":^[]}"#, "model"),
            (#"{"model":"é","agent":^1}"#, "agent"),
        ])
    func wrongType(marked: String, field: String) throws {
        try expectRejection(marked, .wrongType, mentions: field)
    }

    @Test("A line that is JSON but no object is rejected", arguments: ["[]", #""x""#, "5", "null", "true"])
    func notAnObject(text: String) throws {
        try expectRejection("^" + text, .notAnObject)
    }

    @Test(
        "A line that is not JSON says where",
        arguments: [#"{"agent":"a"^"#, #"{"agent":^nope}"#, #"{"x":[^01]}"#, #"{"x":"^\q"}"#, "{} ^{}", "^"])
    func invalidJSON(marked: String) throws {
        try expectRejection(marked, .invalidJSON)
    }

    @Test("An unescaped control character has no known column")
    func controlCharacter() throws {
        try expectRejection("{\"agent\":\"a\tb\"}", .invalidJSON)
    }

    @Test("Bytes that are not UTF-8 are rejected as such, in fields that nobody knows too")
    func invalidUTF8() throws {
        let line = Array(#"{"x":""#.utf8) + [0xFF] + Array(#""}"#.utf8)
        let rejected = try #require(throws: RejectedLine.self) { _ = try DecodedLine(line) }
        #expect(rejected.reason == .invalidUTF8)
        #expect(rejected.column == 7)
    }

    @Test("Nesting beyond the limit is rejected, in fields that nobody knows too")
    func tooDeep() throws {
        func line(_ levels: Int) -> String {
            #"{"x":"# + String(repeating: "[", count: levels) + String(repeating: "]", count: levels) + "}"
        }
        #expect(try DecodedLine(line(RunDecoder.maximumDepth - 1)).oddities == [])
        let rejected = try #require(throws: RejectedLine.self) { _ = try DecodedLine(line(RunDecoder.maximumDepth)) }
        #expect(rejected.reason == .tooDeep)
    }

    @Test(
        "More results than calls are rejected at the first that has no call",
        arguments: [
            #"{"tool_calls":[{}],"tool_results":[{},^{}]}"#, #"{"tool_results":[^{}]}"#, #"{"tool_calls":null,"tool_results":[^{}]}"#,
            #"{"tool_calls":[],"tool_results":[^null]}"#, #"{"tool_results":[^{},{}],"tool_calls":[]}"#,
        ])
    func surplusResults(marked: String) throws {
        try expectRejection(marked, .surplusResults)
    }

    @Test("The column of a surplus result that is a string is its opening quote's, as everywhere")
    func surplusString() throws {
        try expectRejection(#"{"tool_calls":["a"],"tool_results":[null,^"x"]}"#, .surplusResults)
    }

    @Test("Fewer results than calls are no fault")
    func fewerResults() throws {
        let line = try DecodedLine(#"{"tool_calls":["a","b"],"tool_results":[{}]}"#)
        #expect(line.run.toolCalls.map { $0.result != nil } == [true, false])
    }

    /// The id is hashed together with other parts, with a NUL between them.
    @Test("A trace_id with a NUL is rejected")
    func nulInTraceID() throws {
        try expectRejection(#"{"agent":"a","trace_id":^"t\u0000"}"#, .nulInTraceID)
    }

    @Test("After a rejected line the next one is read as if nothing had been")
    func nextLine() throws {
        var decoder = RunDecoder()
        for bad in ["{", #"{"agent":1}"#, "[]"] {
            #expect(throws: RejectedLine.self) { _ = try DecodedLine(Array(bad.utf8), &decoder) }
            let line = try DecodedLine(Array(#"{"agent":"good"}"#.utf8), &decoder)
            #expect(line.text(line.run.agent) == "good")
        }
    }
}
