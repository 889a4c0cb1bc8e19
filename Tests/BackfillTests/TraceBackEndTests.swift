import AgentRuns
import Testing

@testable import Backfill

/// Which span ids stand in what a system answers. The samples are shaped as the systems answer, cut short.
@Suite struct TraceBackEndTests {
    private static let trace = TraceID(high: 0x512f_26ad_a3c3_d634, low: 0xac3c_6b12_b7b3_3cb5)

    private func backEnd(_ kind: String, project: String = "default") throws -> TraceBackEnd {
        try #require(TraceBackEnd("\(kind)=http://localhost:1", project: project))
    }

    /// The ids found for the trace that was asked for, in hex and in order.
    private func ids(_ kind: String, _ answer: String) throws -> [String] {
        let found = try #require(try backEnd(kind).spanIDs(in: Array(answer.utf8), asked: Self.trace))
        return found.ids[Self.trace, default: []].map(\.hex).sorted()
    }

    @Test func jaegersSpansAreFoundAndNotTheirReferences() throws {
        let answer = """
            {"data":[{"traceID":"512f26ada3c3d634ac3c6b12b7b33cb5","spans":[
              {"traceID":"512f26ada3c3d634ac3c6b12b7b33cb5","spanID":"ad1e803717b8a5ef","operationName":"agent.run",
               "references":[],"startTime":1767225600000000,"duration":350000,
               "tags":[{"key":"outrigger.run.id","type":"string","value":"0123456789abcdef"}],"logs":[],"processID":"p1"},
              {"traceID":"512f26ada3c3d634ac3c6b12b7b33cb5","spanID":"0000000000000001","operationName":"agent.step",
               "references":[{"refType":"CHILD_OF","traceID":"512f26ada3c3d634ac3c6b12b7b33cb5","spanID":"ffffffffffffffff"}],
               "tags":[],"logs":[],"processID":"p1","warnings":null}],
              "processes":{"p1":{"serviceName":"s","tags":[]}}}],"total":0,"limit":0,"offset":0,"errors":null}
            """
        #expect(try ids("jaeger", answer) == ["0000000000000001", "ad1e803717b8a5ef"])
    }

    @Test(arguments: [#"{"data":null,"errors":[{"code":404,"msg":"trace not found"}]}"#, #"{"data":[]}"#])
    func jaegerWithoutTheTraceHasNoSpans(_ answer: String) throws {
        #expect(try ids("jaeger", answer) == [])
    }

    /// Tempo writes ids as protobuf's JSON form does: in base64, whose alphabet has a slash that JSON may escape.
    @Test(
        arguments: [
            ("rR6ANxe4pe8=", "ad1e803717b8a5ef"), ("AAAAAAAAAAE=", "0000000000000001"), ("//////////8=", "ffffffffffffffff"),
            (#"\/\/\/\/\/\/\/\/\/\/8="#, "ffffffffffffffff"), ("++++++++++8=", "fbefbefbefbefbef"),
            ("ad1e803717b8a5ef", "ad1e803717b8a5ef"), ("AD1E803717B8A5EF", "ad1e803717b8a5ef"),
        ])
    func temposIDsAreBase64OrHex(_ text: String, _ hex: String) throws {
        let answer = """
            {"batches":[{"resource":{"attributes":[]},"scopeSpans":[{"scope":{"name":"outrigger"},"spans":[
              {"traceId":"US8mraPD1jSsPGsSt7M8tQ==","spanId":"\(text)","parentSpanId":"AAAAAAAAAAI=","name":"agent.run",
               "kind":"SPAN_KIND_INTERNAL","startTimeUnixNano":"1","endTimeUnixNano":"2","attributes":[],
               "links":[{"traceId":"US8mraPD1jSsPGsSt7M8tQ==","spanId":"AAAAAAAAAAM="}],"status":{}}]}]}]}
            """
        #expect(try ids("tempo", answer) == [hex])
    }

    @Test(arguments: ["", "short", "rR6ANxe4pe8", "rR6ANxe4p*8=", "rR6ANxe4pe8AAAA="])
    func whatIsNoIDIsNotTakenForOne(_ text: String) throws {
        #expect(try ids("tempo", #"{"batches":[{"scopeSpans":[{"spans":[{"spanId":"\#(text)"}]}]}]}"#) == [])
    }

    /// What a run says is in the answer too: a tool may be called as the reader's own words are.
    @Test(arguments: ["links", "references", "spanId", "spanID"])
    func valuesAreNotTakenForKeys(_ word: String) throws {
        let tempo = """
            {"batches":[{"scopeSpans":[{"spans":[
              {"spanId":"0000000000000001","attributes":[{"key":"gen_ai.tool.name","value":{"stringValue":"\(word)"}}]},
              {"spanId":"0000000000000002","name":"agent.run"}]}]}]}
            """
        #expect(try ids("tempo", tempo) == ["0000000000000001", "0000000000000002"])
        let jaeger = """
            {"data":[{"spans":[{"spanID":"0000000000000001","tags":[{"key":"gen_ai.tool.name","value":"\(word)"}]},
              {"tags":[{"key":"\(word)","value":"\(word)"}],"spanID":"0000000000000002"},
              {"operationName":"\(word)","references":[{"spanID":"0000000000000009"}],"spanID":"0000000000000003"}]}]}
            """
        #expect(try ids("jaeger", jaeger) == ["0000000000000001", "0000000000000002", "0000000000000003"])
    }

    @Test func phoenixsSpansAreFoundByTraceWithTheCursor() throws {
        let other = TraceID(high: 1, low: 2)
        let answer = """
            {"data":[{"id":"U3Bhbjox","name":"agent.run",
              "context":{"trace_id":"512f26ada3c3d634ac3c6b12b7b33cb5","span_id":"ad1e803717b8a5ef"},"span_kind":"AGENT",
              "parent_id":null,"attributes":{"context":{"trace_id":"\(other.hex)","span_id":"0000000000000009"}},"events":[]},
             {"id":"U3Bhbjoy","context":{"trace_id":"\(other.hex)","span_id":"0000000000000001"},"parent_id":"ad1e803717b8a5ef"}],
             "next_cursor":"U3BhbjoxNDMzNQ=="}
            """
        let phoenix = try backEnd("phoenix")
        let found = try #require(phoenix.spanIDs(in: Array(answer.utf8), asked: Self.trace))
        #expect(found.ids.mapValues { $0.map(\.hex) } == [Self.trace: ["ad1e803717b8a5ef"], other: ["0000000000000001"]])
        #expect(found.cursor == "U3BhbjoxNDMzNQ==")
        #expect(phoenix.url(for: [other], cursor: found.cursor).hasSuffix("&cursor=U3BhbjoxNDMzNQ%3D%3D"))
    }

    @Test func phoenixsLastPageHasNoCursor() throws {
        let found = try #require(try backEnd("phoenix").spanIDs(in: Array(#"{"data":[],"next_cursor":null}"#.utf8), asked: Self.trace))
        #expect(found.ids.isEmpty)
        #expect(found.cursor == nil)
    }

    /// A proxy's page or the system's web page with status 200 must not count as "no spans".
    @Test(
        arguments: ["jaeger", "tempo", "phoenix"], ["", "<!doctype html><html></html>", "{\"data\":[", "Trace not found"])
    func whatIsNoJSONIsNoAnswer(_ kind: String, _ answer: String) throws {
        let found = try backEnd(kind).spanIDs(in: Array(answer.utf8), asked: Self.trace)
        #expect(found == nil, "taken for an answer: \(answer)")
    }

    @Test(arguments: ["jaeger", "phoenix"], ["{}", "[]", "7", #"{"error":"x"}"#])
    func jsonOfAnotherShapeIsNoAnswer(_ kind: String, _ answer: String) throws {
        let found = try backEnd(kind).spanIDs(in: Array(answer.utf8), asked: Self.trace)
        #expect(found == nil, "taken for an answer: \(answer)")
    }
}
