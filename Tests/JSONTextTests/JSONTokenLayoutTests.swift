@testable import JSONText
import Testing

/// The tape lends csj_token's memory as JSONToken: the two must agree to the byte.
@Suite("JSONToken layout")
struct JSONTokenLayoutTests {
    @Test("A token is csj_token's sixteen bytes")
    func size() {
        #expect(MemoryLayout<JSONToken>.size == 16)
        #expect(MemoryLayout<JSONToken>.stride == 16)
        #expect(MemoryLayout<JSONToken>.alignment == 4)
    }

    @Test("Each field stands where the C struct has it")
    func offsets() {
        #expect(MemoryLayout.offset(of: \JSONToken.offset) == 0)
        #expect(MemoryLayout.offset(of: \JSONToken.length) == 4)
        #expect(MemoryLayout.offset(of: \JSONToken.following) == 8)
        #expect(MemoryLayout.offset(of: \JSONToken.kindNumber) == 12)
        #expect(MemoryLayout.offset(of: \JSONToken.escapes) == 13)
        #expect(MemoryLayout.offset(of: \JSONToken.reserved) == 14)
    }

    /// The C side numbers the kinds by itself; a text with each of them shows that both sides count alike.
    @Test("Each kind has csj_kind's number")
    func kinds() throws {
        var tape = JSONTape(maximumDepth: 2)
        let text = Array(#"[{},[],"",0,true,false,null]"#.utf8)
        try text.withUnsafeBytes { try tape.parse($0) }
        #expect((1..<tape.count).map { tape[$0].kindNumber } == [1, 2, 3, 4, 5, 6, 7])
        #expect((1..<tape.count).map { tape[$0].kind } == [.object, .array, .string, .number, .true, .false, .null])
    }
}
