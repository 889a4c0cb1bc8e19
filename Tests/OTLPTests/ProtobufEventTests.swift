import AgentRuns
@testable import OTLP
@testable import RunSpans
import Testing

@Suite("Events in OTLP protobuf")
struct ProtobufEventTests {
    private static func event(_ attributes: [Attribute] = []) -> LogEvent {
        var event = LogEvent(
            "e.v", traceID: TraceID(high: 0x0af7_6519_16cd_43dd, low: 0x8448_eb21_1c80_319c), spanID: SpanID(0xb7ad_6b71_6920_3331),
            flags: 0x101, time: 5)
        event.attributes = attributes
        return event
    }

    private static let everyType = [
        Attribute("k", .text("é")), Attribute("empty", .text("")), Attribute("n", .integer(-1)), Attribute("d", .double(0.5)),
        Attribute("b", .bool(false)),
    ]

    private static func encoded(_ events: [LogEvent]) -> SpanBatch {
        var encoder = ProtobufEventEncoder(.golden)
        for event in events { encoder.encode(event) }
        return encoder.batch
    }

    /// Written down by hand from opentelemetry-proto's LogRecord: times, INFO, flags, ids and name in the order of their
    /// numbers, and then the attributes (field 6).
    @Test("An event comes out as LogRecord has it, byte for byte")
    func golden() {
        let expected = [UInt8](
            hex: """
                127d090500000000000000100945010000004a100af7651916cd43dd8448eb211c80319c5208b7ad6b716920333159050000000000000062
                03652e7632090a016b12040a02c3a9320b0a05656d70747912020a0032100a016e120b18ffffffffffffffffff01320e0a01641209210000
                00000000e03f32070a016212021000
                """)
        #expect(Self.encoded([Self.event(Self.everyType)]).bytes == expected)
        var ofNoSpan = LogEvent("e.v", time: 5)
        #expect(Self.encoded([ofNoSpan]).bytes == [UInt8](hex: "121909050000000000000010095905000000000000006203652e76"))
        // What stood in the record before is gone.
        ofNoSpan.attributes = []
        let after = Self.encoded([Self.event(Self.everyType), ofNoSpan])
        #expect(Array(after[1..<2]) == [UInt8](hex: "121909050000000000000010095905000000000000006203652e76"))
    }

    @Test("One encoder makes of each event what a fresh one does, whatever came before", arguments: 0..<UInt64(4))
    func reuse(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let keys: [AttributeKey] = ["k", "feature_flag.key", "a.key.that.is.longer.than.the.heads.which.are.kept.may.be.at.the.most"]
        let events = (0..<200).map { _ in
            var event = Bool.random(using: &random) ? Self.event() : LogEvent("other.name", time: .random(in: 0...9, using: &random))
            for _ in 0..<Int.random(in: 0...6, using: &random) {
                let text = String(repeating: "é", count: Int.random(in: 0...80, using: &random))
                let value: Attribute.Value = Bool.random(using: &random) ? .text(text) : .integer(.random(in: -9...9, using: &random))
                event.attributes.append(Attribute(keys.randomElement(using: &random) ?? "k", value))
            }
            return event
        }
        let batch = Self.encoded(events)
        #expect(batch.count == events.count)
        for (i, event) in events.enumerated() { #expect(Array(batch[i..<i + 1]) == Self.encoded([event]).bytes) }
    }

    /// Texts with which a record's own length takes one, two and three bytes, and those around the changes.
    @Test("An event stands in its list with its tag and its length", arguments: [0...100, 16_280...16_400].joined())
    func framing(size: Int) {
        let record = Self.encoded([Self.event([Attribute("t", .text(String(repeating: "x", count: size)))])]).bytes
        var length = 0
        var at = 1
        repeat {
            length |= Int(record[at] & 0x7F) << (7 * (at - 1))
            at += 1
        } while record[at - 1] >= 0x80
        #expect(record[0] == 0x12)
        #expect(length == record.count - at)
        #expect(at == (length < 1 << 7 ? 2 : length < 1 << 14 ? 3 : 4))
        #expect(record[at] == 0x09, "the time comes first")
        #expect(record.suffix(size).allSatisfy { $0 == UInt8(ascii: "x") })
    }
}
