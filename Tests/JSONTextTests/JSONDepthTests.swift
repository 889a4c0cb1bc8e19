import JSONText
import Testing

@Suite("JSON depth")
struct JSONDepthTests {
    private func nested(_ open: String, _ close: String, _ depth: Int) -> String {
        String(repeating: open, count: depth) + "1" + String(repeating: close, count: depth)
    }

    @Test("As many levels as allowed are read, one more is refused where it opens", arguments: [1, 2, 7, 512])
    func limit(depth: Int) {
        for (open, close) in [("[", "]"), (#"{"a":"#, "}")] {
            guard case .tokens = ParsedText(nested(open, close, depth), maximumDepth: depth) else {
                Issue.record("\(depth) levels of \(open) were refused")
                continue
            }
            #expect(
                ParsedText(nested(open, close, depth + 1), maximumDepth: depth)
                    == .failure(.tooDeep, at: depth * open.utf8.count))
        }
    }

    @Test("An empty container counts as a level")
    func emptyContainer() {
        #expect(ParsedText("[[[]]]", maximumDepth: 2) == .failure(.tooDeep, at: 2))
        #expect(ParsedText("[[{}]]", maximumDepth: 2) == .failure(.tooDeep, at: 2))
    }

    /// A reader that recursed would end the process here.
    @Test("Ten thousand levels are refused, closed or not", arguments: [true, false])
    func tenThousandLevels(isClosed: Bool) {
        let text = isClosed ? nested("[", "]", 10_000) : String(repeating: "[", count: 10_000)
        #expect(ParsedText(text, maximumDepth: 512) == .failure(.tooDeep, at: 512))
    }

    @Test("Depth is not length: many siblings are read within one level")
    func siblings() throws {
        let text = Array(("[" + String(repeating: "0,", count: 99_999) + "0]").utf8)
        var tape = JSONTape(maximumDepth: 1)
        try text.withUnsafeBytes { try tape.parse($0) }
        #expect(tape.count == 100_001)
        #expect(tape[0].next == 100_001)
    }
}
