import AgentRuns
@testable import OTLP
@testable import RunSpans

extension Origin {
    /// The resource and scope of the fact sheet's golden request.
    static let golden = Origin(resource: [("service.name", "s")], scopeName: "o", scopeVersion: "")
    static let full = Origin(
        resource: [("service.name", "agent \"é\""), ("telemetry.sdk.language", "swift")], scopeName: "outrigger", scopeVersion: "0.1")
}

extension SpanHead {
    static func sample(parent: SpanID? = SpanID(0x08b7_ad6b_7169_2033), name: SpanName = .toolResult) -> SpanHead {
        SpanHead(
            traceID: TraceID(high: 0x0af7_6519_16cd_43dd, low: 0x8448_eb21_1c80_319c), spanID: SpanID(0xb7ad_6b71_6920_3331), parent: parent,
            name: name, start: 1, end: 2, flags: 0x101)
    }
}

extension SpanWriter {
    mutating func attribute(_ key: AttributeKey, _ text: String) {
        let utf8 = Array(text.utf8)
        attribute(key, text: utf8.span)
    }

    mutating func fail(_ message: String) {
        let utf8 = Array(message.utf8)
        fail(message: utf8.span)
    }

    /// A span with an attribute of each type, a message, and attributes dropped.
    mutating func writeSample() {
        let prepared = prepare([Attribute("prepared.text", .text("p")), Attribute("prepared.integer", .integer(7))])
        begin(.sample(name: .toolCall))
        write(prepared)
        attribute("text", "é\0\"")
        attribute("empty", "")
        attribute("integer", integer: -1)
        attribute("large", integer: .max)
        attribute("double", double: 0.5)
        attribute("zero", double: 0)
        attribute("true", bool: true)
        attribute("false", bool: false)
        fail("it broke")
        end(droppedAttributes: 3)
    }
}

extension SpanEncoder {
    /// The request with the encoder's spans in `range`, or with all of them.
    func request(_ range: Range<Int>? = nil) -> [UInt8] {
        var output: [UInt8] = []
        form.wrap(batch[range ?? 0..<batch.count], into: &output)
        return output
    }

    /// Encodes runs that differ by their number of calls.
    static func encoded(callsOf runs: [Int], _ encoder: Self, capture: RunMapping.Capture = .full) -> Self {
        var mapper = RunSpanMapper(RunMapping(mode: .backfill, capture: capture), writer: encoder)
        for (line, calls) in runs.enumerated() {
            var run = AgentRun()
            run.agent = run.store("helper")
            run.request = Content(form: .string, text: run.store("request \(line)"))
            for k in 0..<calls { run.toolCalls.append(ToolCall(name: run.store("tool \(k % 3)"), result: ToolResult(success: k % 2 == 0))) }
            let identity = Array("t\(line)".utf8).withUnsafeBytes {
                RunIdentity(dataset: "demo", recordedID: $0, occurrence: 0, role: .baseline)
            }
            mapper.write(
                run, RunPlacement(identity: identity, timeline: RunTimeline(of: run, start: 1000), hasRecordedTime: true, line: line + 1))
        }
        return mapper.writer
    }
}

extension [UInt8] {
    init(hex: String) {
        let digits = hex.compactMap(\.hexDigitValue)
        self = stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }
}
