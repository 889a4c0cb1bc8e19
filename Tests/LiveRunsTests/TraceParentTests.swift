import AgentRuns
import LiveRuns
import Testing

private let traceID = "4bf92f3577b34da6a3ce929d0e0e4736"
private let parentID = "00f067aa0ba902b7"

/// Vectors by the rules of W3C Trace Context, section 3.2, level 1 with level 2's random flag.
@Suite("traceparent")
struct TraceParentTests {
    @Test(
        "A parent that can be read is taken over",
        arguments: [
            ("00-\(traceID)-\(parentID)-01", 1), ("00-\(traceID)-\(parentID)-00", 0), ("00-\(traceID)-\(parentID)-03", 3),
            // Flags that nobody knows yet are not passed on.
            ("00-\(traceID)-\(parentID)-ff", 3), ("00-\(traceID)-\(parentID)-04", 0), ("00-\(traceID)-\(parentID)-02", 2),
            // A later version may have more behind the flags.
            ("cc-\(traceID)-\(parentID)-01", 1), ("cc-\(traceID)-\(parentID)-01-", 1),
            ("cc-\(traceID)-\(parentID)-01-what-the-future-will-be-like", 1), ("01-\(traceID)-\(parentID)-01", 1),
            // Blanks around a header's value are none of it.
            (" 00-\(traceID)-\(parentID)-01", 1), ("00-\(traceID)-\(parentID)-01\t ", 1),
        ] as [(String, UInt8)])
    func valid(header: String, flags: UInt8) throws {
        let context = try #require(W3CTraceContext(traceParent: header))
        #expect(context.traceID.hex == traceID)
        #expect(context.parentID.hex == parentID)
        #expect(context.flags == flags)
        #expect(context.isSampled == (flags & 1 == 1))
    }

    @Test(
        "Anything else begins a new trace",
        arguments: [
            "", "00", "00-", "00-\(traceID)-\(parentID)", "00-\(traceID)-\(parentID)-", "00-\(traceID)-\(parentID)-1",
            "00-\(traceID)-\(parentID)-011", "00-\(traceID)-\(parentID)-01-", "00-\(traceID)-\(parentID)-01-extra",
            "00-\(traceID)-\(parentID)-01.", "cc-\(traceID)-\(parentID)-01.what", "cc-\(traceID)-\(parentID)-01what",
            "ff-\(traceID)-\(parentID)-01", "FF-\(traceID)-\(parentID)-01", "0-\(traceID)-\(parentID)-01",
            "000-\(traceID)-\(parentID)-01", ".0-\(traceID)-\(parentID)-01", "0.-\(traceID)-\(parentID)-01",
            "00-\(String(repeating: "0", count: 32))-\(parentID)-01", "00-\(traceID)-0000000000000000-01",
            "00-\(traceID.uppercased())-\(parentID)-01", "00-\(traceID)-\(parentID.uppercased())-01", "00-\(traceID)-\(parentID)-0A",
            "00-\(traceID)-\(parentID)-0x", "00-\(traceID)-\(parentID)-.0", "00-\(traceID.dropLast())-\(parentID)-01",
            "00-\(traceID)0-\(parentID)-01", "00-\(traceID)-\(parentID)0-01", "00-\(traceID)-\(parentID.dropLast())-01",
            "00-\(traceID.dropLast())g-\(parentID)-01", "00-\(traceID)-\(parentID.dropLast())--01", "00_\(traceID)_\(parentID)_01",
            "00-\(traceID)-\(parentID)-01,00-\(traceID)-\(parentID)-01", "00 \(traceID) \(parentID) 01",
            "00-\(traceID)-\(parentID)-0\u{0}", "00-é\(traceID.dropFirst(2))-\(parentID)-01",
        ])
    func invalid(header: String) {
        #expect(W3CTraceContext(traceParent: header, traceState: ["a=1"]) == nil)
    }

    @Test("No header and two headers begin a new trace")
    func several() {
        let header = "00-\(traceID)-\(parentID)-01"
        #expect(W3CTraceContext(traceParent: nil, traceState: ["a=1"]) == nil)
        #expect(W3CTraceContext(traceParents: []) == nil)
        #expect(W3CTraceContext(traceParents: [header, header]) == nil)
        #expect(W3CTraceContext(traceParents: [header])?.traceID.hex == traceID)
    }

    @Test("What goes on is version 00 with the CLIENT span's id", arguments: [0, 1, 2, 3] as [UInt8])
    func sent(flags: UInt8) throws {
        let context = Exchange.TraceContext(
            traceID: TraceID(high: 0x1, low: 0xFEDC_BA98_7654_3210), flags: flags, serverSpanID: SpanID(1), clientSpanID: SpanID(0xAB),
            runSpanID: SpanID(3), isSampled: flags & 1 == 1)
        #expect(context.traceParent == "00-0000000000000001fedcba9876543210-00000000000000ab-0\(flags)")
        #expect(W3CTraceContext(traceParent: context.traceParent)?.parentID == SpanID(0xAB))
    }

    @Test("Any change of one byte is refused or changes what it should")
    func everyByte() {
        let header = Array("00-\(traceID)-\(parentID)-01".utf8)
        let hex = Set("0123456789abcdef".utf8)
        for i in header.indices {
            for byte in UInt8(0x21)...0x7E where byte != header[i] {
                var changed = header
                changed[i] = byte
                let context = W3CTraceContext(traceParent: String(decoding: changed, as: UTF8.self))
                let isDigit = ![2, 35, 52].contains(i)
                #expect((context != nil) == (isDigit && hex.contains(byte)), "byte \(i) is \(byte)")
            }
        }
    }
}
