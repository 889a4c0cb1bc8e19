import Testing

@testable import Delivery

/// What receivers say ends up in logs and terminals: it must not be able to forge lines or move the cursor.
@Suite struct PrintableTests {
    @Test(
        arguments: [
            ("all well", "all well"), ("two\nlines", "two lines"), ("\r\n\t edges \u{0}", "edges"),
            ("\u{1B}[31mred\u{1B}[0m", "[31mred [0m"), ("bell\u{7}", "bell"), ("next\u{85}line", "next line"),
            ("\u{9B}2J", "2J"), ("del\u{7F}ete", "del ete"), ("spa   ces", "spa ces"), ("", ""), ("\n\n", ""),
            ("größe 日本 👩‍🚀", "größe 日本 👩‍🚀"),
        ])
    func controlCharactersBecomeSpaces(_ text: String, _ line: String) {
        #expect(printable(text) == line)
    }

    @Test func everyControlCharacterIsGone() {
        let all = (0...0x10FFFF).lazy.compactMap { Unicode.Scalar(UInt32($0)) }.filter { $0.properties.generalCategory == .control }
        #expect(all.count == 65)
        for scalar in all { #expect(printable("a\(scalar)b") == "a b") }
    }

    @Test func aLongTextIsCutAndSaysSo() {
        #expect(printable(String(repeating: "x", count: 200)) == String(repeating: "x", count: 200))
        #expect(printable(String(repeating: "x", count: 201)) == String(repeating: "x", count: 200) + "…")
        #expect(printable(String(repeating: "é", count: 100_000)).count == 201)
    }
}
