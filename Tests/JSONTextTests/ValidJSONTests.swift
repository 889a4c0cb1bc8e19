import JSONText
import Testing

@Suite("Valid JSON")
struct ValidJSONTests {
    @Test(
        "A scalar is one token that covers what was written",
        arguments: [
            ("0", .number), ("-0", .number), ("12", .number), ("-12.50", .number), ("1e9", .number), ("1E+09", .number),
            ("0.0e-0", .number), ("123456789012345678901234567890", .number), ("1e400", .number),
            ("true", .true), ("false", .false), ("null", .null),
        ] as [(String, JSONToken.Kind)])
    func scalar(text: String, kind: JSONToken.Kind) {
        #expect(ParsedText(text) == .tokens([.init(kind, text, next: 1)]))
        #expect(ParsedText(" \t\r\n\(text)\n ") == .tokens([.init(kind, text, next: 1)]))
    }

    @Test(
        "A string's token covers what stands between the quotes, still escaped",
        arguments: [
            "", "plain", "two words ", #"\"\\\/\b\f\n\r\t"#, #"\u0000\u00e9\uD83D\uDE00"#, "é😀", "{[:,]}", "\u{7F}",
            String(repeating: "long ", count: 100),
        ])
    func string(inside: String) {
        #expect(ParsedText("\"\(inside)\"") == .tokens([.init(.string, inside, next: 1)]))
    }

    @Test("Only a string with a backslash is said to have escapes", arguments: [("a", false), (#"\n"#, true), (#"é\u0041"#, true)])
    func escapes(inside: String, hasEscapes: Bool) throws {
        var tape = JSONTape(maximumDepth: 1)
        let text = Array("[\"\(inside)\"]".utf8)
        try text.withUnsafeBytes { try tape.parse($0) }
        #expect(tape[1].hasEscapes == hasEscapes)
        #expect(tape[1].rawRange == 1..<text.count - 1)
    }

    @Test("Containers come before what is in them and say where it ends")
    func containers() {
        #expect(
            ParsedText(#"{"a":[1,{}],"b":[]}"#)
                == .tokens([
                    .init(.object, #"{"a":[1,{}],"b":[]}"#, next: 7),
                    .init(.string, "a", next: 2),
                    .init(.array, "[1,{}]", next: 5),
                    .init(.number, "1", next: 4),
                    .init(.object, "{}", next: 5),
                    .init(.string, "b", next: 6),
                    .init(.array, "[]", next: 7),
                ]))
    }

    @Test("White space may stand between all tokens, and a container's range keeps it")
    func whiteSpace() {
        #expect(
            ParsedText(" { \"a\" : [ 1 , 2 ] } ")
                == .tokens([
                    .init(.object, "{ \"a\" : [ 1 , 2 ] }", next: 5),
                    .init(.string, "a", next: 2),
                    .init(.array, "[ 1 , 2 ]", next: 5),
                    .init(.number, "1", next: 4),
                    .init(.number, "2", next: 5),
                ]))
    }

    @Test("A repeated key keeps both members in order, and looking it up finds the last")
    func repeatedKey() throws {
        let text = Array(#"{"a":1,"b":{"a":2},"a":3}"#.utf8)
        try text.withUnsafeBytes { bytes in
            var tape = JSONTape(maximumDepth: 8)
            try tape.parse(bytes)
            let last = tape.value(of: "a", in: 0, of: bytes)
            let found = try #require(last)
            #expect(String(decoding: bytes[tape[found].range], as: UTF8.self) == "3")
            #expect(tape.count == 9)
        }
    }

    @Test("Looking up a key sees only the object's own members", arguments: ["c", "1", "x", "", "A"])
    func absentKey(key: String) throws {
        let text = Array(#"{"a":{"c":1},"b":["x"]}"#.utf8)
        try text.withUnsafeBytes { bytes in
            var tape = JSONTape(maximumDepth: 8)
            try tape.parse(bytes)
            let inObject = tape.value(of: key, in: 0, of: bytes)
            #expect(inObject == nil)
            // The array is no object, whatever stands in it.
            let found = tape.value(of: "b", in: 0, of: bytes)
            let array = try #require(found)
            let inArray = tape.value(of: key, in: array, of: bytes)
            #expect(inArray == nil)
        }
    }

    @Test(
        "A key is looked up by all of its bytes, whether it is known when the program is built or not",
        arguments: [
            (#"{"toolx":1,"tool":2,"tooly":3}"#, "2"), (#"{"TOOL":1,"too":2,"tools":3}"#, nil), (#"{"x":{"tool":1},"tool":{"a":[]}}"#, #"{"a":[]}"#),
            (#"{"tool":1,"tool":null}"#, "null"), (#"{"\u0074ool":1}"#, nil), ("{}", nil), (#"["tool",1]"#, nil), (#""tool""#, nil),
        ] as [(String, String?)])
    func staticKey(json: String, expected: String?) throws {
        let text = Array(json.utf8)
        try text.withUnsafeBytes { bytes in
            var tape = JSONTape(maximumDepth: 8)
            try tape.parse(bytes)
            let key: StaticString = "tool"
            let known = tape.value(of: key, in: 0, of: bytes)
            let other = tape.value(of: String("tool"), in: 0, of: bytes)
            #expect(known == other)
            let found = known.map { String(decoding: bytes[tape[$0].range], as: UTF8.self) }
            #expect(found == expected)
        }
    }

    @Test("A tape that failed or was used before reads the next text as a new one does")
    func reuse() {
        var tape = JSONTape(maximumDepth: 4)
        // Texts that grow and shrink, so that old tokens and old capacity are in the way.
        let texts = [#"{"a":[1,2,3]}"#, "[", "7", "[" + String(repeating: "0,", count: 5000) + "0]", "", #"["x"]"#]
        for text in texts {
            #expect(ParsedText(Array(text.utf8), &tape) == ParsedText(text, maximumDepth: 4))
            if case .failure = ParsedText(text) { #expect(tape.count == 0) }
        }
    }
}
