import JSONDocuments
import Testing

struct DocumentTests {
    @Test(arguments: [
        (#"{ "b" : 1.0, "a" : [ 1e2, -0 ] }"#, #"{"a":[100,0],"b":1}"#), ("1e21", "1e+21"), ("0.000001", "0.000001"),
        ("0.0000001", "1e-7"), ("9007199254740993", "9007199254740993"), (#"{"a":1,"a":2}"#, #"{"a":2}"#),
        (#""\u0041\u000a\/\u001f""#, #""A\n/\u001f""#), (#"{"\ue000":1,"😀":2}"#, "{\"😀\":2,\"\u{E000}\":1}"),
        ("12345678901234567890.50", "12345678901234567890.5"),
    ])
    func hasOneCanonicalForm(text: String, canonical: String) throws {
        #expect(String(decoding: try document(text).canonicalBytes, as: UTF8.self) == canonical)
        #expect(String(decoding: try JSONCanonical.bytes(ofJSON: Array(text.utf8)), as: UTF8.self) == canonical)
        #expect(try document(canonical) == document(text))
    }

    @Test func equalDocumentsHaveEqualCanonicalForms() {
        var generator = JSONGenerator(seed: 4)
        for _ in 0..<3000 {
            let (a, b) = (generator.value(), generator.value())
            #expect((a == b) == (a.canonicalBytes == b.canonicalBytes), "\(a) \(b)")
        }
    }

    @Test func aPatchFromADiffLeadsToTheOtherDocument() throws {
        var generator = JSONGenerator(seed: 5)
        for _ in 0..<3000 {
            let (a, b) = (generator.value(depth: 4), generator.value(depth: 4))
            let patch = JSONPatch(from: a, to: b)
            #expect(try patch.apply(to: a) == b, "\(a) \(b)")
            #expect(try JSONPatch(patch.document) == patch)
            #expect(JSONDiff(from: a, to: b).isEmpty == (a == b))
        }
    }
}

struct PatternTests {
    @Test(arguments: [
        ("^a+$", "aaa", true), ("^a+$", "aab", false), ("b", "abc", true), ("^.$", "😀", true), ("[^a-c]", "abc", false),
        ("^(ab|c){2,3}$", "abc", true), ("^(ab|c){2,3}$", "c", false), (#"\bx\b"#, "a x b", true), (#"^\p{Lu}"#, "É", true),
        (#"^\d+$"#, "٣", false), ("^$", "", true), ("(a+)+$", String(repeating: "a", count: 5000) + "b", false),
    ])
    func matches(pattern: String, text: String, isMatch: Bool) throws {
        #expect(try LinearPattern(pattern).match(text) == (isMatch ? .match : .noMatch))
    }

    @Test(arguments: ["(", "a)", "[", "*", "a**", #"(a)\1"#, "(?=a)", "(?<!a)", #"\q"#, "a{2,1}", "(a{1000}){1000}"])
    func refuses(pattern: String) { #expect(throws: PatternError.self) { try LinearPattern(pattern) } }
}
