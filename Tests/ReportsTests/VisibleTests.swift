import Testing

@testable import Reports

/// Text of unknown origin on one line of a report.
@Suite("Visible text")
struct VisibleTests {
    @Test(
        "White space is one space, and text is cut where more follows",
        arguments: [
            ("", 3, ""), ("abc", 3, "abc"), ("abcd", 3, "abc…"), ("a b", 3, "a b"), ("a  b", 3, "a b"), (" a", 3, "a"), ("a ", 3, "a"),
            ("abc ", 3, "abc"), ("abc  ", 3, "abc"), ("abc d", 3, "abc…"), ("ab cd", 3, "ab c…"), ("ab ", 2, "ab"), ("a\nb", 3, "a b"),
            ("##[x", 9, "## [x"), ("##", 2, "##"), ("##[", 2, "##…"), ("\u{1B}[0m", 9, "\\u{1b}[0m"), ("größe", 3, "grö…"), ("abc", 0, "…"),
            (" ", 0, ""), ("   ", 2, ""),
        ])
    func line(text: String, limit: Int, shown: String) {
        #expect(Visible.line(text, limit: limit) == shown)
    }

    @Test("Plain text, which is looked at byte by byte, becomes what any other does", arguments: 0..<UInt64(20))
    func plainIsNoOther(seed: UInt64) {
        var random = SeededNumbers(seed)
        let plain: [Character] = ["a", "b", " ", " ", "#", "#", "[", "z"]
        for _ in 0..<500 {
            let text = String((0..<random.below(12)).map { _ in plain[random.below(plain.count)] })
            let limit = random.below(12)
            // A letter beyond ASCII behind the cut changes nothing before it, but is looked at in the other way.
            let shown = Visible.line(text + "xé", limit: limit)
            let whole = Visible.line(text + "xx", limit: limit)
            #expect(shown.replacing("é", with: "x") == whole, "\(text.debugDescription), \(limit)")
        }
    }

    @Test("ASCII takes a column each, wide characters two", arguments: [("", 0), ("abc", 3), ("größe", 5), ("日本", 4), ("a日", 3), ("e\u{301}", 1)])
    func width(text: String, columns: Int) {
        #expect(Visible.width(text) == columns)
    }
}

private struct SeededNumbers {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

    mutating func below(_ limit: Int) -> Int {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return Int(state % UInt64(limit))
    }
}
