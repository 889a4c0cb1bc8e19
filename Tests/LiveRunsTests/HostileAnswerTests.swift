import AgentRuns
import CCompression
import Testing

@testable import LiveRuns

/// Answers that mean harm. None may trap, none may grow without bound; that a test ends at all is part of what it shows.
@Suite("Hostile answers")
struct HostileAnswerTests {
    @Test("10 MB of nonsense", arguments: ["application/json", "text/event-stream", "text/html"])
    func nonsense(type: String) {
        var random = SeededGenerator(seed: 7)
        var bytes: [UInt8] = []
        while bytes.count < 10 << 20 { withUnsafeBytes(of: random.next()) { bytes.append(contentsOf: $0) } }
        let live = LiveRun(.sample(answer: bytes, type: type))
        #expect(live.shape == .unknown)
        #expect(live.run.toolCalls.isEmpty)
    }

    @Test("JSON that is too deep is not read", arguments: [(500, true), (513, false), (1_000_000, false)])
    func deep(depth: Int, isRead: Bool) {
        let nested = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        let live = LiveRun(.sample(answer: #"{"response":\#(nested)}"#))
        #expect((live.shape == .agent) == isRead)
        #expect((live.problem == nil) == isRead)
        #expect(LiveRun(.sample(answer: String(repeating: "[", count: depth))).problem != nil)
        #expect(LiveRun(.sample(answer: String(repeating: #"{"a":"#, count: depth))).problem != nil)
    }

    @Test("NULs are carried, bad UTF-8 is not read")
    func bytes() {
        let run = PlainRun(.sample(answer: #"{"response":"a\u0000b","tool_calls":[{"name":"\u0000"}]}"#))
        #expect(run.response == "text a\0b")
        #expect(run.calls == [.init("\0")])
        #expect(PlainRun(.sample(answer: #"{"response":"\ud800"}"#)).response == "text \u{FFFD}")
        for bad in [[0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xE2, 0x82]] as [[UInt8]] {
            let answer = Array(#"{"response":""#.utf8) + bad + Array(#""}"#.utf8)
            #expect(LiveRun(.sample(answer: answer)).problem == "the answer is said to be JSON, and is not")
        }
    }

    @Test("An encoding that is not known is named, and no more of it than a name has")
    func encoding() {
        let live = LiveRun(.sample(answer: [1], encoding: "x" + String(repeating: "\u{301}", count: 10_000)))
        let problem = Array((live.problem ?? "").utf8)
        #expect(problem.starts(with: "the answer is encoded (x".utf8) && problem.count < 100)
    }

    @Test("Of a million pieces of calls 10,000 calls are kept")
    func manyDeltas() {
        var text = #"data: {"choices":[{"delta":{"tool_calls":["#
        text += (0..<1_000_000).lazy.map { #"{"index":\#($0),"function":{"name":"t"}}"# }.joined(separator: ",")
        text += "]}}]}\n\ndata: [DONE]\n\n"
        let live = LiveRun(.stream(text))
        #expect(live.run.toolCalls.count == 10_000)
        #expect(live.problem == "more than 10000 tool calls")
    }

    @Test("A hundred thousand events of one call are one call")
    func manyEvents() {
        let piece = #"data: {"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"1"}}]}}]}"# + "\n\n"
        let live = LiveRun(.stream(String(repeating: piece, count: 100_000) + "data: [DONE]\n\n"))
        #expect(live.run.toolCalls.count == 1)
        #expect(live.run.toolCalls.first?.arguments?.text.count == 100_000)
    }

    @Test("Numbers that no type holds are none")
    func numbers() {
        let run = PlainRun(
            .sample(answer: #"{"response":1e999,"cost_tokens":1e999,"input_tokens":99999999999999999999,"output_tokens":1e3}"#))
        #expect(run.tokens == [nil, nil, nil])
        #expect(run.response == "json 1e999")
    }

    @Test("Any byte changed in an answer is read or noted, and never a trap")
    func mutations() {
        let agent = Array(#"{"response":"a","tool_calls":[{"name":"t","args":{},"success":true,"duration_ms":5}],"outcome":"o"}"#.utf8)
        let stream = Array(("data: " + #"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"c"}]}}]}"# + "\r\n\r\ndata: [DONE]\n\n").utf8)
        var random = SeededGenerator(seed: 11)
        var reader = LiveRunReader()
        var noted = 0
        for (answer, type) in [(agent, "application/json"), (stream, "text/event-stream")] {
            for i in answer.indices {
                for _ in 0..<20 {
                    var changed = answer
                    changed[i] = UInt8.random(in: 0...255, using: &random)
                    let live = reader.read(.sample(answer: changed, type: type))
                    if live.problem != nil { noted += 1 }
                    #expect(live.run.toolCalls.count <= 2)
                }
            }
        }
        #expect(noted > 1000)
    }

    @Test("A reader that has seen the worst reads the next answer as a fresh one does")
    func reuse() {
        var reader = LiveRunReader()
        for text in ["{", "[[[[", "\u{0}", #"{"response":1,"tool_calls":["a"],"outcome":"x"}"#, "{}"] {
            #expect(PlainRun(reader.read(.sample(answer: text))) == PlainRun(.sample(answer: text)))
        }
    }

    @Test("A run that is read into the memory of another has nothing of that one")
    func sameMemory() {
        let full = Exchange.sample(
            request: #"{"request":"a","model":"m","conversation_id":"c","allowed_tools":["t"]}"#,
            answer: #"{"response":1,"outcome":null,"cost_tokens":1,"input_tokens":"?","tool_calls":[{"name":"t","result":1,"duration_ms":9000}]}"#)
        let large = Exchange.sample(request: "\"" + String(repeating: "x", count: 3 << 20) + "\"", answer: "[1]")
        let chat = Exchange.sample(request: "[]", answer: #"{"model":"m","choices":[{"message":{"content":"hi"}}]}"#)
        let failed = Exchange.sample(answer: #"{"error":"no"}"#)
        let empty = Exchange.sample(request: "", answer: "", type: nil)
        var reader = LiveRunReader()
        var live = LiveRun()
        for exchange in [full, empty, chat, empty, failed, empty, large, empty, full, large, failed, chat, full] {
            reader.read(exchange, into: &live)
            let fresh = LiveRun(exchange)
            #expect(PlainRun(live) == PlainRun(fresh))
            #expect(live.ignoresDurations == fresh.ignoresDurations)
            #expect(live.run.statesNoOutcome == fresh.run.statesNoOutcome)
            #expect(live.run.request.map { live.run.string($0.text) } == fresh.run.request.map { fresh.run.string($0.text) })
            #expect(live.run.conversationID.map { live.run.string($0) } == fresh.run.conversationID.map { fresh.run.string($0) })
            #expect(live.run.allowedTools?.count == fresh.run.allowedTools?.count)
        }
        #expect(live.run.storage.capacity < 1 << 20, "the large one's memory was given back")
    }

    @Test("A body in pieces is the body", arguments: [1, 2, 7, 1000])
    func pieces(size: Int) {
        let answer = Array(#"{"response":"in pieces","outcome":"x","tool_calls":["a","b"]}"#.utf8)
        var exchange = Exchange.sample(answer: answer)
        exchange.response?.body = stride(from: 0, to: answer.count, by: size).map { Array(answer[$0..<min($0 + size, answer.count)]) }
        #expect(PlainRun(exchange) == PlainRun(.sample(answer: answer)))
    }

    @Test(
        "What a type means does not depend on how it is written",
        arguments: [
            ("application/json", true), ("APPLICATION/JSON", true), (" application/json ;charset=utf-8", true), ("text/json", true),
            ("application/problem+json", true), ("application/json-seq", false), ("application/jsonl", false), ("text/html", false),
            ("", false), ("json", false), (";application/json", false),
        ])
    func types(type: String, isRead: Bool) {
        #expect((LiveRun(.sample(answer: #"{"response":1}"#, type: type)).shape == .agent) == isRead)
    }
}

@Suite("Encoded answers")
struct EncodedAnswerTests {
    /// gzip by ISA-L.
    private func gzip(_ bytes: [UInt8]) -> [UInt8] {
        var output = [UInt8](repeating: 0, count: bytes.count + 1024)
        var input = bytes
        let count = input.withUnsafeMutableBufferPointer { input in
            output.withUnsafeMutableBufferPointer { output in
                var stream = isal_zstream()
                isal_deflate_stateless_init(&stream)
                stream.gzip_flag = UInt16(IGZIP_GZIP)
                stream.end_of_stream = 1
                stream.next_in = input.baseAddress
                stream.avail_in = UInt32(input.count)
                stream.next_out = output.baseAddress
                stream.avail_out = UInt32(output.count)
                return isal_deflate_stateless(&stream) == COMP_OK ? output.count - Int(stream.avail_out) : 0
            }
        }
        return Array(output.prefix(count))
    }

    private let answer = Array(#"{"response":"squeezed","tool_calls":["a","b"]}"#.utf8)

    @Test("gzip is undone", arguments: ["gzip", "GZIP", "x-gzip"])
    func whole(encoding: String) {
        let live = LiveRun(.sample(answer: gzip(answer), encoding: encoding))
        #expect(PlainRun(live) == PlainRun(.sample(answer: answer)))
        #expect(live.shape == .agent)
    }

    @Test("A request is read, too")
    func request() {
        var exchange = Exchange.sample(answer: "{}")
        exchange.request.body = [gzip(Array(#"{"request":"hello"}"#.utf8))]
        exchange.request.contentEncoding = "gzip"
        let live = LiveRun(exchange)
        #expect(live.run.request.map { live.run.string($0.text) } == "hello")
    }

    @Test("What is no gzip, damaged or cut is said to be unread")
    func damaged() {
        let packed = gzip(answer)
        #expect(LiveRun(.sample(answer: answer, encoding: "gzip")).problem == "the answer is encoded (gzip), and is not read")
        #expect(LiveRun(.sample(answer: answer, encoding: "br")).problem == "the answer is encoded (br), and is not read")
        for i in 0..<packed.count - 1 {
            let live = LiveRun(.sample(answer: Array(packed[...i]), encoding: "gzip"))
            #expect(live.shape == .unknown && live.problem != nil, "cut at \(i)")
        }
    }

    @Test("A stream that is cut is read as far as it came")
    func cutStream() {
        let event = #"data: {"choices":[{"delta":{"content":"abc"}}]}"# + "\n\n"
        let packed = gzip(Array((String(repeating: event, count: 2000) + "data: [DONE]\n\n").utf8))
        let live = LiveRun(.sample(answer: Array(packed.dropLast(20)), type: "text/event-stream", encoding: "gzip", isTruncated: true))
        #expect(live.shape == .chatStream)
        #expect(live.run.response?.text.count ?? 0 > 300)
        #expect(live.problem == "the stream is longer than what is kept of it; its end was not read")
    }

    @Test("A bomb is taken apart up to a bound")
    func bomb() throws {
        let packed = gzip([UInt8](repeating: UInt8(ascii: " "), count: 100 << 20))
        #expect(packed.count < 1 << 20)
        let (bytes, isWhole) = try #require(Gunzip.bytes(of: packed))
        #expect(!isWhole)
        #expect(bytes.count >= Gunzip.maximumBytes && bytes.count < Gunzip.maximumBytes + 1 << 20)
        #expect(LiveRun(.sample(answer: packed, encoding: "gzip")).problem == "the answer is longer than what is kept of it, and is not read")
    }
}
