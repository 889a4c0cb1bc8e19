import AgentRuns
import Testing

@Suite("Text cut to bytes") struct BoundedTextTests {
    @Test(
        "What is left is the longest beginning of whole scalars that fits",
        arguments: ["x", "ü", "€", "😀", "👩‍👩‍👧", "a\u{301}\u{302}", "\r\n", "\0"], [0, 1, 2, 3, 4, 5, 7, 17, 18, 19, 1000])
    func cut(unit: String, count: Int) {
        let text = String(repeating: unit, count: 10)
        var expected: [UInt8] = []
        for scalar in text.unicodeScalars {
            let bytes = Array(String(scalar).utf8)
            guard expected.count + bytes.count <= count else { break }
            expected += bytes
        }
        #expect(Array(text.bounded(toBytes: count).utf8) == expected)
    }

    /// Asking for the end of the character for each byte, this takes days.
    @Test("A character of a million scalars is cut like any other text", arguments: [1_000_000, 1_000_001])
    func endless(count: Int) {
        let text = "a" + String(repeating: "\u{301}", count: 1_000_000)
        #expect(text.bounded(toBytes: count).utf8.count == 1 + (count - 1) / 2 * 2)
    }
}
