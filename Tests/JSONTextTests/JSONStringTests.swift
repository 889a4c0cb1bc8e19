import JSONText
import Testing

@Suite("JSON strings")
struct JSONStringTests {
    private func decoded(_ escaped: some Sequence<UInt8>) -> (text: [UInt8], replaced: Bool) {
        var output: [UInt8] = []
        let replaced = Array(escaped).withUnsafeBytes { JSONString.decode($0, into: &output) }
        return (output, replaced)
    }

    private func encoded(_ text: some Sequence<UInt8>) -> [UInt8] {
        var output: [UInt8] = []
        JSONString.encode(text, into: &output)
        return output
    }

    @Test(
        "Escapes become the characters that they stand for",
        arguments: [
            (#"\"\\\/"#, "\"\\/"), (#"\b\f\n\r\t"#, "\u{8}\u{C}\n\r\t"), (#"a\u0041\u00e9\u00E9z"#, "aAééz"),
            (#"\u0000"#, "\0"), (#"\uFFFF\uffff"#, "\u{FFFF}\u{FFFF}"), (#"\uD83D\uDE00"#, "😀"), (#"\ud800\udc00"#, "\u{10000}"),
            (#"\uDBFF\uDFFF"#, "\u{10FFFF}"), (#"\uD7FF\uE000"#, "\u{D7FF}\u{E000}"), (#"\\u0041"#, #"\u0041"#), ("é😀", "é😀"), ("", ""),
        ])
    func decodes(escaped: String, text: String) {
        let result = decoded(escaped.utf8)
        #expect(String(decoding: result.text, as: UTF8.self) == text)
        #expect(!result.replaced)
    }

    @Test(
        "Half a surrogate pair becomes U+FFFD, and what follows it stays",
        arguments: [
            (#"\uD800"#, "\u{FFFD}"), (#"\uDC00"#, "\u{FFFD}"), (#"a\uDBFFb"#, "a\u{FFFD}b"), (#"\uD800\n"#, "\u{FFFD}\n"),
            (#"\uD800\u0041"#, "\u{FFFD}A"), (#"\uDC00\uD800"#, "\u{FFFD}\u{FFFD}"), (#"\uD83D\uD83D\uDE00"#, "\u{FFFD}😀"),
            (#"\uD800\\uDC00"#, "\u{FFFD}\\uDC00"), (#"\uD800uDC00"#, "\u{FFFD}uDC00"),
        ])
    func loneSurrogates(escaped: String, text: String) {
        let result = decoded(escaped.utf8)
        #expect(String(decoding: result.text, as: UTF8.self) == text)
        #expect(result.replaced)
    }

    @Test("Decoding appends to what is there")
    func appends() {
        var output = Array("before ".utf8)
        Array(#"\u0041"#.utf8).withUnsafeBytes { _ = JSONString.decode($0, into: &output) }
        #expect(output == Array("before A".utf8))
    }

    @Test(
        "Only what JSON forbids is escaped",
        arguments: [
            ("plain é😀/\u{7F}", #""plain é😀/"# + "\u{7F}\""), ("\"\\", #""\"\\""#), ("\n\r\t", #""\n\r\t""#),
            ("\0\u{1}\u{8}\u{C}\u{1F}", #""\u0000\u0001\u0008\u000c\u001f""#), ("", #""""#),
        ])
    func encodes(text: String, json: String) {
        #expect(String(decoding: encoded(text.utf8), as: UTF8.self) == json)
    }

    /// Among the neighbours are those just above what is escaped, and those of the same low bits.
    @Test(
        "An escape is found wherever it stands, and nothing else is taken for one",
        arguments: [0x20, 0x21, 0x23, 0x5B, 0x5D, 0x7F, 0x80, 0xA2, 0xDC, 0xFF] as [UInt8])
    func everyByteAtEveryPlace(among neighbour: UInt8) {
        for byte in UInt8.min...UInt8.max {
            for place in 0..<20 {
                var text = [UInt8](repeating: neighbour, count: 20)
                text[place] = byte
                var expected = Array("\"".utf8)
                expected += text[..<place]
                expected += escaped(byte)
                expected += text[(place + 1)...]
                expected += Array("\"".utf8)
                guard encoded(text) == expected, encoded(text.lazy.filter { _ in true }) == expected else {
                    Issue.record("byte \(byte) at \(place)")
                    return
                }
            }
        }
    }

    private func escaped(_ byte: UInt8) -> [UInt8] {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): return [UInt8(ascii: "\\"), byte]
        case 0x0A: return Array("\\n".utf8)
        case 0x0D: return Array("\\r".utf8)
        case 0x09: return Array("\\t".utf8)
        case 0..<0x20: return Array(("\\u00" + (byte < 16 ? "0" : "") + String(byte, radix: 16)).utf8)
        default: return [byte]
        }
    }

    @Test("Any text, encoded and decoded again, is the same text, and JSON in between", arguments: 0..<UInt64(8))
    func roundTrip(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<200 {
            let text = String.random(using: &random)
            let json = encoded(text.utf8)
            var tape = JSONTape(maximumDepth: 1)
            try json.withUnsafeBytes { try tape.parse($0) }
            #expect(tape.count == 1)
            #expect(tape[0].kind == .string)
            #expect(decoded(json[tape[0].range]).text == Array(text.utf8))
        }
    }

    /// What other writers do: every UTF-16 unit as an escape, with digits of either case.
    @Test("Any text with every character escaped decodes to the text", arguments: 0..<UInt64(4))
    func fullyEscaped(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<200 {
            let text = String.random(using: &random)
            let uppercase = Bool.random(using: &random)
            let escaped = text.utf16.map { unit in
                let digits = String(unit, radix: 16, uppercase: uppercase)
                return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            }.joined()
            let result = decoded(escaped.utf8)
            #expect(result.text == Array(text.utf8))
            #expect(!result.replaced)
        }
    }
}

extension String {
    /// Up to 30 characters, often such as need care: NUL, quotes, controls, and those that are surrogate pairs in UTF-16.
    fileprivate static func random(using random: inout SeededGenerator) -> String {
        let special: [Unicode.Scalar] = ["\0", "\"", "\\", "/", "\n", "\u{1F}", "\u{7F}", "é", "\u{2028}", "\u{FFFF}", "😀", "\u{10FFFF}"]
        var text = String.UnicodeScalarView()
        for _ in 0..<Int.random(in: 0...30, using: &random) {
            if Bool.random(using: &random), let scalar = special.randomElement(using: &random) {
                text.append(scalar)
            } else if let scalar = Unicode.Scalar(UInt32.random(in: 0...0x10FFFF, using: &random)) {
                text.append(scalar)
            }
        }
        return String(text)
    }
}
