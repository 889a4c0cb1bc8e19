import JSONDocuments
import Testing

@Suite("Patterns")
struct PatternDifferentialTests {
    private func pattern(_ random: inout JSONGenerator, depth: Int) -> String {
        switch random.number(below: depth > 0 ? 12 : 6) {
        case 0, 1: random.pick(["a", "b", "c", "é", " ", "-", "_"])
        case 2: random.pick([".", "\\d", "\\w", "\\s", "\\D", "\\W", "\\S", "\\b", "\\B", "\\.", "\\-", "\\u0061", "\\x62", "\\n"])
        case 3: random.pick(["[abc]", "[^ab]", "[a-c1]", "[\\d_-]", "[^\\w]", "[-a]", "[a\\]]", "[\\b]", "[^\\s\\d]"])
        case 4: random.pick(["^", "$", ""])
        case 5: random.pick(["a", "1", "b"])
        case 6, 7: group(pattern(&random, depth: depth - 1)) + random.pick(["*", "+", "?", "{2}", "{1,2}", "{0,}", "*?", "+?", "??", "{0}"])
        case 8: random.pick(["(", "(?:"]) + pattern(&random, depth: depth - 1) + "|" + pattern(&random, depth: depth - 1) + ")"
        default: (0...random.number(below: 3)).map { _ in pattern(&random, depth: depth - 1) }.joined()
        }
    }

    private func group(_ pattern: String) -> String { "(" + pattern + ")" }

    @Test("Match where Python's re does", arguments: [UInt64(51), 52])
    func agreesWithPython(seed: UInt64) throws {
        var random = JSONGenerator(seed: seed)
        let cases = (0..<4000).map { _ -> JSONDocument in
            // Not empty: before Python 3.14, \B did not match there, as it should.
            let text = (0...random.number(below: 6)).map { _ in random.pick(["a", "b", "c", "1", " ", "_", "-", "é", "\n", "."]) }.joined()
            return .object(["pattern": .string(pattern(&random, depth: 4)), "text": .string(text)])
        }
        var matches = 0
        var compared = 0
        for (test, answer) in zip(cases, try Reference.answers(to: cases, from: "json_exact_reference.py")) {
            guard case .string(let text)? = test["text"], case .string(let source)? = test["pattern"], answer != .null else { continue }
            do throws(PatternError) {
                let outcome = try LinearPattern(source).match(text)
                #expect(answer == .bool(outcome == .match), "\(test)")
                compared += 1
                if outcome == .match { matches += 1 }
            } catch {
                // Only what differs by design may be refused here.
                Issue.record("\(source): \(error)")
            }
        }
        #expect(matches > 800 && matches < compared - 800, "\(matches) of \(compared)")
    }

    @Test("Patterns and texts made to hang end soon", .timeLimit(.minutes(1)), arguments: [
        ("^(a*)*$", "b"), ("^(a|a)*$", "b"), ("^(a|aa)+$", "b"), ("(x+x+)+y", ""), ("^(([a-z])+.)+[A-Z]([a-z])+$", ""), ("(.*)*(.*)*(.*)*y", ""),
        ("((((a*)*)*)*)*b", ""), ("^(a?){200}a{200}$", "b"),
    ])
    func hostile(pattern: String, end: String) throws {
        let text = String(repeating: "a", count: 3000) + String(repeating: "x", count: 3000) + end
        #expect(try LinearPattern(pattern).match(text) != .match)
    }

    @Test("A text too long for a large pattern is not decided", .timeLimit(.minutes(1)))
    func tooMuchWork() throws {
        let text = String(repeating: "ab", count: 100_000)
        #expect(try LinearPattern("^(.{0,500}){2}c$").match(text) == .tooMuchWork || LinearPattern("(a|b|.){900}c").match(text) == .tooMuchWork)
    }

    @Test("Patterns too large are refused", .timeLimit(.minutes(1)), arguments: [
        "((a{100}){100}){100}", "((){10000}){10000}", "a{10001}", String(repeating: "(", count: 5000), String(repeating: "a", count: 4097),
        String(repeating: "(", count: 101) + String(repeating: ")", count: 101), "(?<n", "(?<n)a", "(?i:a)", "[b-a]", "[\\d-z]", "\\", "\\p{Script=Greek}",
        "\\p{", "\\u{110000}", "\\xg0", "a{99999999999999999999}", "(?P<n>a)", "\\1", "\\k<n>", "^*", "[\\", "[a",
    ])
    func tooLarge(pattern: String) { #expect(throws: PatternError.self) { try LinearPattern(pattern) } }

    @Test("An assertion in a group can be repeated", arguments: ["(^)?a", "(\\b)*a", "(?:$)?", "(^|b)+a"])
    func repeatedAssertion(pattern: String) throws { #expect(try LinearPattern(pattern).match("a") == .match) }

    @Test("Whole and partial matches", arguments: [("a|ab", "ab", true), ("a", "ab", false), ("", "", true), ("a*", "aab", false), ("b", "ab", false)])
    func whole(pattern: String, text: String, isMatch: Bool) throws {
        #expect(try LinearPattern(pattern).match(text, isWhole: true) == (isMatch ? .match : .noMatch))
    }
}
