import StrictYAML
import Testing

@Suite struct RefusalTests {
    static let refused: [(String, String)] = [
        ("", "1:1: the file is empty"),
        ("# only a comment\n", "1:1: the file is empty"),
        ("a: 1\n---\nb: 2\n", "a second document"),
        ("a: 1\nb: 2\na: 3\n", "the key \"a\" stands more than once"),
        ("a: {b: 1, \"b\": 2}", "the key \"b\" stands more than once"),
        ("a: &x {b: 1}\nc:\n  <<: *x\n", "3:3: merge keys (<<) are not supported"),
        ("a: !!python/object:os.system x", "1:4: the tag"),
        ("a: !secret x", "1:4: the tag \"!secret\" does not fit here"),
        ("a: !!int x", "1:4: the tag"), ("a: !!map [x]", "1:4: the tag"), ("!foo a: 1", "the tag"),
        ("a: *nobody", "1:4: the alias *nobody has no anchor"), ("a: &a [*a]", "1:8: the alias *a has no anchor"),
        ("a: *x y", "1:4: \"*x y\" is not an alias"), ("a: &b *x", "is not an alias"),
        ("a: &x k\n*x : 1", "a key that is not plain text"), ("? [a]\n: 1", "a key that is not plain text"),
        ("?\n: 1", "a value without a key"), (": 1", "not YAML"), ("a: [1, 2", "not YAML"), ("a: b: c", "1:5: not YAML"),
        ("a:\n\t- b", "not YAML"), ("a: @b", "not YAML"), ("a: \"\\uD800\"", "not YAML"), ("a: 'x", "not YAML"),
        ("a: \u{FEFF}x", "1:4: a byte order mark within the text"), ("a: 1\nb: \"\\uFEFFx\"", "2:5: a byte order mark"),
        ("a: x\0y", "1:5: the control character 0x0"), ("a: \u{1B}[31m", "1:4: the control character 0x1b"),
    ]

    @Test(arguments: refused)
    func whatIsNotStrictYAML(_ text: String, _ expected: String) {
        let message = refusal(Array(text.utf8))
        #expect(message?.hasPrefix("gate.yaml:") == true && message?.contains(expected) == true, "\(message ?? "read")")
    }

    @Test func bytesThatAreNoText() {
        #expect(refusal(Array("a: 1\nb: ü".utf8) + [0xFF])?.hasPrefix("gate.yaml:2:5: bytes that are not UTF-8") == true)
        #expect(refusal([0xFF, 0xFE, 0x61, 0x00])?.contains("not UTF-8") == true)
        #expect(refusal([0xC3])?.contains("not UTF-8") == true)
    }

    @Test func formsThatAreRead() throws {
        #expect(try json("\u{FEFF}a: 1") == #"{"a":1}"#)
        #expect(try json("a: 1\r\nb: |\r\n  x\r\n  y\r\n") == #"{"a":1,"b":"x\ny\n"}"#)
        #expect(try json("---\na: !!str 1\nb: !!int 2\nc: ! 3\n...\n") == #"{"a":"1","b":2,"c":"3"}"#)
        #expect(try json("a: &x [1, *y]".replacing("*y", with: "2") + "\nb: *x\nc: '*x'\nd: a * b") == #"{"a":[1,2],"b":[1,2],"c":"*x","d":"a * b"}"#)
        #expect(try json("a: &x 1\nb: &x 2\nc: *x") == #"{"a":1,"b":2,"c":2}"#)
        #expect(try json("&k key: 1\nb: *k") == #"{"key":1,"b":"key"}"#)
    }

    @Test(.timeLimit(.minutes(10)))
    func aBillionLaughsAreRefused() {
        var text = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n"
        for i in 1...30 {
            text += "a\(i): &a\(i) [" + [String](repeating: "*a\(i - 1)", count: 9).joined(separator: ", ") + "]\n"
        }
        #expect(refusal(Array(text.utf8))?.contains("use fewer aliases") == true)
        // As keys, which the parser would compare by value.
        #expect(refusal(Array((text + "? *a30\n: 1\n? *a29\n: 2\n").utf8)) != nil)
        #expect(refusal(Array((text + "k: {*a30, *a29}\n").utf8)) != nil)
    }

    @Test func aLongTextManyTimesIsRefused() {
        let text = "a: &a " + String(repeating: "x", count: 100_000) + "\nb: [" + String(repeating: "*a, ", count: 100) + "]"
        #expect(refusal(Array(text.utf8))?.contains("bytes of text") == true)
    }

    @Test(.timeLimit(.minutes(10)), arguments: ["[", "{a: ", "- ", "? ", "[[{x: ", "- ? "])
    func deepNestingIsRefused(_ opening: String) {
        for count in [100, 900, 20_000, 250_000] {
            let text = String(repeating: opening, count: count)
            let bytes = Array(text.utf8.prefix(1 << 20))
            #expect(refusal(bytes) != nil)
            if opening == "[" { #expect(refusal(bytes + [UInt8](repeating: UInt8(ascii: "]"), count: count)) != nil) }
        }
    }

    /// The parser compares keys with all that is in them, at every level: the worst that a file within its limit can do.
    @Test(.timeLimit(.minutes(10)), arguments: [10, 100, 900])
    func largeKeysWithinKeysEnd(_ depth: Int) {
        let text = String(repeating: "{? ", count: depth) + "[" + String(repeating: "a,", count: 300_000) + "]"
            + String(repeating: "}", count: depth)
        #expect(refusal(Array(text.utf8)) != nil)
    }

    @Test func depthCountsThroughAliases() {
        var limits = YAMLLimits()
        limits.depth = 4
        #expect(refusal(Array("a: &a [[1]]\nb: [*a]".utf8), limits: limits)?.contains("nested more than 4") == true)
        #expect(refusal(Array("a: &a [[1]]\nb: *a".utf8), limits: limits) == nil)
    }

    @Test func largeFilesAreRefused() {
        #expect(refusal([UInt8](repeating: UInt8(ascii: "#"), count: 1 << 20 + 1))?.contains("larger than") == true)
    }

    @Test(arguments: ["/", "/nonexistent/x.yaml", "/dev/zero", ""])
    func whatIsNoFile(_ path: String) {
        #expect(throws: YAMLError.self) { try YAMLDocument(path: path) }
    }

    @Test(.timeLimit(.minutes(10)))
    func noiseNeverCrashes() {
        var random = SeededGenerator(seed: 7)
        let pieces = ["a", ": ", "- ", "\n", "  ", "[", "]", "{", "}", ",", "&x ", "*x", "!!str ", "!", "\"", "'", "|\n", "? ",
            "<<", "#", "---\n", "...\n", "%YAML 1.1\n", "\\u0041", "é", "\u{E000}", "1.5", "~", "\t", "\r\n", "\u{85}", "%TAG ! x\n"]
        for _ in 0..<2_000 {
            let text = (0..<Int.random(in: 1...40, using: &random)).map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
            _ = try? document(text).read { $0.json() }
        }
    }
}
