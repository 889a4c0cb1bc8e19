import AgentRuns
import Testing

@testable import Replay

@Suite("Words in a response")
struct WordSearchTests {
    /// - Returns: whether the response contains the words, and whether it lacks them.
    private func finds(_ words: String, _ response: String) throws -> [Bool] {
        let trace = try run(#"{"response": \#(response)}"#)
        func passes(_ condition: RunCheck.Condition) -> Bool {
            PairJudge(ReplayRules(checks: [RunCheck(name: "c", condition: condition)])).judge(recording: trace).passed
        }
        return [passes(.responseContains(words, ignoringCase: false)), passes(.responseLacks(words, ignoringCase: false))]
    }

    /// The text as JSON strings within one another.
    private func quoted(_ text: String, times: Int) -> String {
        (0..<times).reduce(text) { text, _ in
            "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
        }
    }

    @Test("are found behind the escapes of JSON within JSON, whatever stands around it", arguments: [1, 2, 3, 4])
    func nested(levels: Int) throws {
        let object = #"{"b": ["\u0076oucher"]}"#
        for inner in [object, "Here: \(object)", "\(object), so it is", #"\u007b"# + object] {
            var response = quoted(inner, times: 1)
            for _ in 1..<levels { response = quoted(#"{"a": \#(response)}"#, times: 1) }
            #expect(try finds("voucher", response) == [true, false], "\(response)")
            #expect(try finds("coupon", response) == [false, true], "\(response)")
        }
    }

    @Test("broken escapes hide nothing and break nothing", arguments: [
        #""voucher\\""#, #""\\u\\u00voucher""#, #""{\"a\": \"\\u00zz\" voucher""#, #""\\uD83D voucher""#, #""\\x\\voucher\\u12""#,
    ])
    func broken(_ response: String) throws {
        #expect(try finds("voucher", response) == [true, false])
    }

    @Test("are the same words however Unicode writes their characters", arguments: [
        ("Café", "Cafe\u{301} refunded"), ("Cafe\u{301}", "a Café"), ("résumé", "re\u{301}sumé"), ("Å", "5 \u{212B}"), ("K", "273 \u{212A}"),
        ("\u{1E69}", "s\u{307}\u{323}"), ("\u{1E69}", "s\u{323}\u{307}"), ("한글", "\u{1112}\u{1161}\u{11AB}\u{1100}\u{1173}\u{11AF}"),
        ("\u{1112}\u{1161}\u{11AB}", "한글"), ("x\u{301}y", "x\u{301}y"), ("\u{301}", "e\u{301}"), ("voucher", "voucher\u{301}"),
        ("aab\u{E9}", "aaaabe\u{301}"),
    ])
    func equivalent(_ words: String, _ text: String) throws {
        #expect(try finds(words, "\"\(text)\"") == [true, false])
        #expect(WordSearch(words, ignoringCase: true).isFound(in: text.uppercased()))
        #expect(!WordSearch(words + "!", ignoringCase: false).isFound(in: text))
    }

    @Test("are not found where other characters stand", arguments: [("é", "e"), ("e\u{301}", "e\u{300}"), ("Café", "Cafe x\u{301}"), ("각", "가")])
    func different(_ words: String, _ text: String) throws {
        #expect(try finds(words, "\"\(text)\"") == [false, true])
    }

    @Test("parts of a sequence are found as a plain search finds them")
    func partialMatches() {
        var generator = SeededGenerator(seed: 3)
        for _ in 0..<2000 {
            let text = (0..<Int.random(in: 0...12, using: &generator)).map { _ in Int.random(in: 0...1, using: &generator) }
            let part = (0..<Int.random(in: 0...4, using: &generator)).map { _ in Int.random(in: 0...1, using: &generator) }
            let isThere = part.isEmpty || text.indices.contains { text[$0...].starts(with: part) }
            #expect(PartialMatches(part).isFound(in: text) == isThere, "\(part) in \(text)")
        }
    }
}
