import AgentRuns
@testable import OTLP
@testable import RunSpans
import Testing

@Suite("OTLP protobuf requests")
struct ProtobufRequestTests {
    /// 125 bytes that protobuf-c and Python's opentelemetry-proto both make of the same request. We write a span's
    /// attributes after its other fields, which means the same: so here the attribute stands at the end, and nothing else
    /// differs.
    @Test("The known request comes out with the same fields, byte for byte")
    func golden() {
        var encoder = ProtobufSpanEncoder(.golden)
        encoder.begin(.sample(parent: nil))
        encoder.attribute("tool.success", bool: false)
        encoder.fail("")
        encoder.end(droppedAttributes: 0)
        let expected = [UInt8](
            hex: """
                0a7b0a150a130a0c736572766963652e6e616d6512030a017312620a030a016f125b0a100af7651916cd43dd8448eb211c80319c1208
                b7ad6b71692033312a0b746f6f6c2e726573756c7430013901000000000000004102000000000000007a021802850101010000
                4a120a0c746f6f6c2e7375636365737312021000
                """)
        #expect(encoder.request() == expected)
        #expect(expected.count == 125)
    }

    /// Decoded with Python's opentelemetry-proto 1.45.2, field by field: resource and scope, ids, the parent, INTERNAL, times,
    /// flags 0x101, ten attributes with these keys, types and values (empty text, 0.0 and false are there), three dropped
    /// attributes, ERROR "it broke", and no unknown fields.
    @Test("A request with everything that we write is as an independent reader saw it")
    func full() {
        var encoder = ProtobufSpanEncoder(.full)
        encoder.writeSample()
        let expected = [UInt8](
            hex: """
                0aef020a410a1c0a0c736572766963652e6e616d65120c0a0a6167656e742022c3a9220a210a1674656c656d657472792e73646b2e6c
                616e677561676512070a05737769667412a9020a100a096f75747269676765721203302e311294020a100af7651916cd43dd8448eb21
                1c80319c1208b7ad6b7169203331220808b7ad6b716920332a09746f6f6c2e63616c6c30013901000000000000004102000000000000
                0050037a0c120869742062726f6b6518028501010100004a140a0d70726570617265642e7465787412030a01704a160a107072657061
                7265642e696e7465676572120218074a0e0a047465787412060a04c3a900224a0b0a05656d70747912020a004a160a07696e74656765
                72120b18ffffffffffffffffff014a130a056c61726765120a18ffffffffffffffff7f4a130a06646f75626c65120921000000000000
                e03f4a110a047a65726f12092100000000000000004a0a0a0474727565120210014a0b0a0566616c736512021000
                """)
        #expect(encoder.request() == expected)
    }

    @Test("A request of part of a batch is the request of only those spans")
    func part() {
        let all = ProtobufSpanEncoder.encoded(callsOf: [2, 0, 3], ProtobufSpanEncoder(.full))
        let second = 7..<9
        var alone = ProtobufSpanEncoder(.full)
        for span in second { alone.batch.append(all.batch[span..<span + 1]) }
        #expect(all.batch.count == 19)
        #expect(all.request(second) == alone.request())
        #expect(all.request(second) != all.request())
    }

    @Test("A message is appended to what is there, and no spans are no message")
    func appended() {
        let encoder = ProtobufSpanEncoder.encoded(callsOf: [1], ProtobufSpanEncoder(.full))
        var output: [UInt8] = [1, 2]
        encoder.form.wrap(encoder.batch[0..<1], into: &output)
        #expect(output == [1, 2] + encoder.request(0..<1))
        #expect(encoder.request(0..<0) == [])
        #expect(encoder.form.contentType == "application/x-protobuf")
    }

    @Test("A status does not linger on the spans that follow")
    func statusIsForgotten() {
        var fresh = ProtobufSpanEncoder(.full)
        fresh.begin(.sample())
        fresh.end(droppedAttributes: 0)
        var used = ProtobufSpanEncoder(.full)
        used.writeSample()
        used.begin(.sample())
        used.end(droppedAttributes: 0)
        #expect(used.batch[1..<2] == fresh.batch[0..<1])
    }

    /// Lengths around those where a length takes another byte, each after a longer one, a shorter one and none.
    @Test("A trace state stands on its own span and on no other", arguments: [1, 20, 126, 127, 128, 200, 512, 20_000])
    func traceState(size: Int) {
        func encode(_ encoder: inout ProtobufSpanEncoder, _ traceState: String?) -> [UInt8] {
            var head = SpanHead.sample()
            head.traceState = traceState
            encoder.begin(head)
            encoder.attribute("k", "v")
            encoder.end(droppedAttributes: 0)
            return encoder.batch.removeAll().bytes
        }
        var used = ProtobufSpanEncoder(.full)
        for text in [nil, String(repeating: "a", count: size), nil, "", String(repeating: "b", count: size), "ot=c"] as [String?] {
            var fresh = ProtobufSpanEncoder(.full)
            let span = encode(&used, text)
            #expect(span == encode(&fresh, text))
            let state = Array((text ?? "").utf8)
            #expect(state.isEmpty || span.firstRange(of: state) != nil)
            #expect(span.count { $0 == UInt8(ascii: "b") } >= state.count { $0 == UInt8(ascii: "b") })
        }
    }

    @Test("Attributes are put into the encoder's form while a span is under way, and leave it as it is")
    func preparedMeanwhile() {
        let attributes = [Attribute("one", .text("é")), Attribute("two", .integer(-2)), Attribute("three", .double(3)), Attribute("four", .bool(true))]
        func span(_ encoder: inout ProtobufSpanEncoder, meanwhile: (ProtobufSpanEncoder) -> Void) -> [UInt8] {
            let prepared = encoder.prepare(attributes)
            encoder.begin(.sample())
            encoder.attribute("before", "b")
            meanwhile(encoder)
            encoder.write(prepared)
            encoder.end(droppedAttributes: 0)
            return encoder.batch.removeAll().bytes
        }
        var plain = ProtobufSpanEncoder(.full)
        var disturbed = ProtobufSpanEncoder(.full)
        let expected = span(&plain) { _ in }
        let found = span(&disturbed) { encoder in
            for _ in 0..<3 { _ = encoder.prepare(attributes + attributes) }
        }
        #expect(found == expected)
        #expect(expected.firstRange(of: Array("three".utf8)) != nil)
    }

    @Test("A copy starts empty and encodes the same")
    func copy() {
        var encoder = ProtobufSpanEncoder(.full)
        encoder.writeSample()
        var copy = encoder.copy()
        #expect(copy.batch.isEmpty)
        copy.writeSample()
        #expect(copy.request() == encoder.request())
        #expect(encoder.batch.count == 1)
    }

    @Test("Text of any size is carried whole", arguments: [0, 1, 47, 48, 49, 127, 128, 16_383, 16_384, 3_000_000])
    func largeText(size: Int) {
        var encoder = ProtobufSpanEncoder(.golden)
        encoder.begin(.sample())
        encoder.attribute("text", String(repeating: "x", count: size))
        encoder.end(droppedAttributes: 0)
        let request = encoder.request()
        #expect(request.count { $0 == UInt8(ascii: "x") } == size + 1)  // and the one in "text"
        #expect(request.suffix(size).allSatisfy { $0 == UInt8(ascii: "x") })
    }

    /// Texts with which a span's own length takes one, two and three bytes, and those around the changes.
    @Test("A span stands in its list with its tag and its length", arguments: [0...64, 100...160, 16_250...16_400].joined())
    func framing(size: Int) {
        var encoder = ProtobufSpanEncoder(.golden)
        encoder.begin(.sample(parent: nil))
        encoder.attribute("t", String(repeating: "x", count: size))
        encoder.end(droppedAttributes: 0)
        let span = encoder.batch.bytes
        var length = 0
        var at = 1
        repeat {
            length |= Int(span[at] & 0x7F) << (7 * (at - 1))
            at += 1
        } while span[at - 1] >= 0x80
        #expect(span[0] == 0x12)
        #expect(length == span.count - at)
        #expect(at == (length < 1 << 7 ? 2 : length < 1 << 14 ? 3 : 4))
        #expect(span[at] == 0x0A, "the trace id comes first")
    }
}
