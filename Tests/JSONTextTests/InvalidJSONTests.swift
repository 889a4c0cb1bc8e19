import JSONText
import Testing

/// Each text with the problem and the offset at which it stops being JSON.
@Suite("Invalid JSON")
struct InvalidJSONTests {
    typealias Case = (text: String, problem: JSONError.Problem, offset: Int)

    static let structure: [Case] = [
        ("", .empty, 0), (" \t\r\n ", .empty, 0),
        ("{", .unclosed, 1), ("[", .unclosed, 1), ("[1", .unclosed, 2), ("[1,", .unclosed, 3), ("[[1]", .unclosed, 4),
        (#"{"a""#, .unclosed, 4), (#"{"a":"#, .unclosed, 5), (#"{"a":1"#, .unclosed, 6), (#"{"a":1,"#, .unclosed, 7),
        ("]", .unexpected, 0), ("}", .unexpected, 0), (",", .unexpected, 0), (":", .unexpected, 0),
        ("[1}", .unexpected, 2), (#"{"a":1]"#, .unexpected, 6), ("[1 2]", .unexpected, 3), ("[,1]", .unexpected, 1),
        ("[1,]", .unexpected, 3), ("[1,,2]", .unexpected, 3), (#"["a":1]"#, .unexpected, 4),
        (#"{"a" 1}"#, .unexpected, 5), (#"{"a",1}"#, .unexpected, 4), ("{1:2}", .unexpected, 1),
        ("{a:1}", .unexpected, 1), (#"{"a":1,}"#, .unexpected, 7), ("{,}", .unexpected, 1), (#"{"a"::1}"#, .unexpected, 5),
        (#"{[]:1}"#, .unexpected, 1), (#"{"a":}"#, .unexpected, 5), (#"["a" "b"]"#, .unexpected, 5),
        (#"["a"1]"#, .unexpected, 4),
        (#""abc"#, .unclosedString, 4), (#"["a]"#, .unclosedString, 4), (#""abc\""#, .unclosedString, 6),
    ]

    static let trailing: [Case] = [
        ("{} {}", .trailing, 3), ("1 2", .trailing, 2), (#""a" x"#, .trailing, 4), ("{}]", .trailing, 2),
        ("null,", .trailing, 4), ("[1]:", .trailing, 3), ("{}\n{}", .trailing, 3), (#""a""b""#, .trailing, 3),
    ]

    static let scalars: [Case] = [
        ("tru", .badLiteral, 0), ("True", .badLiteral, 0), ("nulll", .badLiteral, 0), ("NaN", .badLiteral, 0),
        ("Infinity", .badLiteral, 0), ("undefined", .badLiteral, 0), ("'a'", .badLiteral, 0), ("truefalse", .badLiteral, 0),
        ("+1", .badLiteral, 0), (".5", .badLiteral, 0), ("\u{FEFF}{}", .badLiteral, 0), ("/**/1", .badLiteral, 0),
        ("01", .badNumber, 0), ("00", .badNumber, 0), ("-01", .badNumber, 0), ("-", .badNumber, 0), ("--1", .badNumber, 0),
        ("-a", .badNumber, 0), ("1.", .badNumber, 0), ("1.e5", .badNumber, 0), ("1.5.5", .badNumber, 0),
        ("1e", .badNumber, 0), ("1e+", .badNumber, 0), ("1ee5", .badNumber, 0), ("0x10", .badNumber, 0),
        ("1_000", .badNumber, 0), (#"1"a,b""#, .badNumber, 0), (#"true"""#, .badLiteral, 0), ("-Infinity", .badNumber, 0), ("1f", .badNumber, 0), ("[0, 01]", .badNumber, 4),
    ]

    static let escapes: [Case] = [
        (#""\x""#, .badEscape, 1), (#""\'""#, .badEscape, 1), (#""\U0041""#, .badEscape, 1), (#""\u123""#, .badEscape, 1),
        (#""ab\u12g4""#, .badEscape, 3), (#""\n\q""#, .badEscape, 3), (#""\\\u 123""#, .badEscape, 3),
        (#"{"\a":1}"#, .badEscape, 2),
    ]

    @Test("A text that is not JSON is refused where it goes wrong", arguments: structure + trailing + scalars + escapes)
    func refused(text: String, problem: JSONError.Problem, offset: Int) {
        #expect(ParsedText(text) == .failure(problem, at: offset))
    }

    /// Nobody reads the value of an unknown field, yet a slice of the text may be embedded elsewhere as JSON.
    @Test("What is wrong deep inside a value that nobody reads is found all the same", arguments: scalars + escapes)
    func refusedInside(text: String, problem: JSONError.Problem, offset: Int) {
        let before = #"{"unknown":[{"deep":[1,"#
        guard text != "\u{FEFF}{}", text != "[0, 01]", text.first != "{" else { return }
        #expect(
            ParsedText(before + text + #"]}],"trace_id":"t"}"#) == .failure(problem, at: before.utf8.count + offset))
    }

    @Test("An unescaped control character in a string is refused, in keys too", arguments: 0..<UInt8(0x20))
    func controlCharacter(byte: UInt8) {
        #expect(ParsedText(Array("\"a".utf8) + [byte] + Array("b\"".utf8)) == .failure(.controlCharacter, at: 0))
        #expect(ParsedText(Array("{\"".utf8) + [byte] + Array("\":1}".utf8)) == .failure(.controlCharacter, at: 0))
    }

    @Test("A control character outside strings is no white space", arguments: [UInt8(0), 0x01, 0x0B, 0x0C, 0x1F])
    func controlCharacterOutside(byte: UInt8) {
        guard case .failure = ParsedText(Array("[1,".utf8) + [byte] + Array("2]".utf8)) else {
            Issue.record("byte \(byte) was taken for white space")
            return
        }
    }

    @Test(
        "Bytes that are not UTF-8 are refused where they start",
        arguments: [
            [0x80], [0xBF], [0xC0, 0x80], [0xC1, 0xBF], [0xC3], [0xC3, 0x28], [0xE0, 0x80, 0x80], [0xE2, 0x82],
            [0xE2, 0x28, 0xA1], [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF], [0xF0, 0x80, 0x80, 0x80], [0xF0, 0x9F, 0x98],
            [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xFE], [0xFF],
        ] as [[UInt8]])
    func invalidUTF8(bytes: [UInt8]) {
        // Before, at and after the 64-byte blocks in which simdjson reads.
        for length in [0, 1, 62, 63, 64, 127, 200] {
            let before = Array("[\"é".utf8) + Array(repeating: UInt8(ascii: "a"), count: length)
            #expect(ParsedText(before + bytes + Array("\"]".utf8)) == .failure(.invalidUTF8, at: before.count))
        }
        // At the very end, and outside a string.
        #expect(ParsedText(Array("[1,".utf8) + bytes) == .failure(.invalidUTF8, at: 3))
    }
}
