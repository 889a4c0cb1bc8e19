import AgentRuns
import Testing

@testable import TraceReading

/// Reading a line beside one that begins in the same way: sooner, and never otherwise than by itself.
@Suite("Lines with a common beginning")
struct LineOutlineTests {
    /// What reading a line by itself, and beside another one, gave.
    private struct Readings {
        var alone: String
        var beside: String
        /// Bytes that were not read again.
        var saved = 0

        init(_ first: [UInt8], _ second: [UInt8]) {
            var decoder = RunDecoder(outlines: true)
            var plain = RunDecoder()
            var (known, run) = (AgentRun(), AgentRun())
            let isKnown = (try? first.withUnsafeBytes { try decoder.decode($0, into: &known) }) != nil
            let outline = isKnown ? decoder.outline ?? LineOutline() : LineOutline()
            alone = Self.words(second) { (try plain.decode($0, into: &run), run) }
            // What an earlier line left in a run must not show in the next one.
            beside = Self.words(second) { (try decoder.decode($0, like: known, outline, into: &run), run) }
            saved = second.withUnsafeBytes { outline.lastEnd(of: known, in: $0).map { $0.comma + 1 } } ?? 0
        }

        private static func words(_ line: [UInt8], _ read: (UnsafeRawBufferPointer) throws -> (LineOddities, AgentRun)) -> String {
            do {
                let (oddities, run) = try line.withUnsafeBytes { try read($0) }
                return "\(oddities) \(run)"
            } catch {
                return "\(error)"
            }
        }
    }

    @Test("What both begin with is not read again", arguments: [
        (#"{"trace_id":"t","latency_ms":1}"#, #"{"trace_id":"t","latency_ms":2}"#, 16),
        (#"{"trace_id":"t","latency_ms":1}"#, #"{"trace_id":"t","latency_ms":1}"#, 16),
        (#"{"trace_id":"t","latency_ms":1}"#, #"{"trace_id":"t", "outcome":"x"}"#, 16),
        (#"{"trace_id":"t","latency_ms":1}"#, #"{"trace_id":"u","latency_ms":1}"#, 0),
        (#"{"trace_id":"t"}"#, #"{"trace_id":"t"}"#, 0),
        (#"{"tool_calls":["a"],"tool_results":[{"result":1}],"tags":[]}"#, #"{"tool_calls":["a"],"tool_results":[{"result":2}]}"#, 20),
        // Results that wait for their calls are read at the end.
        (#"{"tool_results":[{"result":1}],"agent":"a","tool_calls":["a"]}"#, #"{"tool_results":[{"result":1}],"agent":"a","tool_calls":["b"]}"#, 0),
        // What was decoded stands behind the line.
        (#"{"trace_id":"\n","latency_ms":1}"#, #"{"trace_id":"\n","latency_ms":2}"#, 0),
        (#"{"agent":"a","agent":"b","model":"c"}"#, #"{"agent":"a","agent":"b","model":"d"}"#, 0),
    ])
    func saved(first: String, second: String, bytes: Int) {
        let readings = Readings(Array(first.utf8), Array(second.utf8))
        #expect(readings.saved == bytes)
        #expect(readings.beside == readings.alone)
    }

    @Test("Whatever two lines have in common, each is read as by itself", arguments: 0..<40 as Range<UInt64>)
    func asAlone(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var saved = 0
        for _ in 0..<250 {
            let first = Self.line(&random)
            let second = Self.changed(first, &random)
            let readings = Readings(first, second)
            #expect(
                readings.beside == readings.alone,
                "\(String(decoding: first, as: UTF8.self)) then \(String(decoding: second, as: UTF8.self))")
            if readings.saved > 0 { saved += 1 }
        }
        #expect(saved > 25, "too few of the lines had something in common")
    }

    private static let members = [
        #""trace_id":"t1""#, #""trace_id": "t2" "#, #""request":"what?""#, #""request":{"a":[1,{"b":"}"}]}"#, #""response":null"#,
        #""response":"it\u0073""#, #""tool_calls":[{"name":"f","id":"c","args":{"x":1}},"g"]"#, #""tool_calls":null"#, #""tool_calls":[]"#,
        #""tool_results":[{"success":true,"result":[1]},null]"#, #""tool_results":[{"error":"no","duration_ms":5}]"#, #""tool_results":null"#,
        #""outcome":"success""#, #""outcome":null"#, #""outcome":5"#, #""expected_outcome":"success""#, #""latency_ms":12"#,
        #""latency_ms":1.5e3"#, #""cost_tokens":9"#, #""input_tokens":4"#, #""output_tokens":4.5"#, #""allowed_tools":["f","g"]"#,
        #""start_time":1700000000"#, #""agent":"a""#, #""version":"v1""#, #""conversation_id":"c""#, #""model":"m""#, #""tags":["x","y"]"#,
        #""tags":7"#, #""unknown":{"deep":[[[]]]}"#, #""ag\u0065nt":"b""#, #""":0"#,
    ]

    private static func line(_ random: inout SeededGenerator) -> [UInt8] {
        let chosen = members.shuffled(using: &random).prefix(Int.random(in: 1...12, using: &random))
        return Array("{\(chosen.joined(separator: Bool.random(using: &random) ? "," : " , "))}".utf8)
    }

    /// The line with something else in it, at a place that is anywhere.
    private static func changed(_ line: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        var line = line
        switch Int.random(in: 0..<5, using: &random) {
        case 0: line[Int.random(in: line.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
        case 1: line.removeLast(Int.random(in: 0..<line.count, using: &random))
        case 2: line.removeSubrange(Int.random(in: line.indices, using: &random)..<line.count)
        case 3:
            // Other members behind some of the same ones.
            let commas = line.indices.filter { line[$0] == UInt8(ascii: ",") }
            let cut = commas.randomElement(using: &random).map { $0 + 1 } ?? 1
            line.replaceSubrange(cut..., with: Self.line(&random).dropFirst())
        default: line.insert(contentsOf: Array(#","agent":"z""#.utf8), at: line.count - 1)
        }
        return line
    }
}
