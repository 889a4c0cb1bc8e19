import JSONText
import Testing

/// The cursor must pass exactly what the tape reads, whatever is skipped and whatever is read one by one.
@Suite("JSON cursor")
struct JSONCursorTests {
    @Test(
        "What the tape refuses, the cursor does not pass",
        arguments: InvalidJSONTests.structure + InvalidJSONTests.trailing + InvalidJSONTests.scalars + InvalidJSONTests.escapes)
    func refused(text: String, problem: JSONError.Problem, offset: Int) {
        for depth in 0...3 { #expect(CursorReading(Array(text.utf8), readingWithin: depth)?.values == nil) }
    }

    static let texts = [
        #"{"trace_id":"t","tool_calls":[{"name":"a","args":{"n":1,"deep":[[1.50,-2e5,null]]}}],"ok":true,"no":false}"#,
        #"{"a":{"q":"x","n":-1.5e3,"z":0.5,"ok":true},"b":[{"c":"d","e":7},{"f":{"g":""},"h":12}],"i":{"j":"k"}}"#,
        #" { "a" : [ 1 , "two" , { } , [ ] ] , "b\n" : "\u00e9\"" } "#,
        #"[0,-0,10,100000000000000000,1000000000000000000,99999999999999999999,1.0,1e9,"",true,false,null]"#,
        #""alone""#, "true", "17", " 0 ", "[]", "{}", #"{"":""}"#, "[\"é😀\"]",
    ]

    @Test("What the tape reads, the cursor passes, with the same places", arguments: texts)
    func read(text: String) throws {
        for depth in 0...5 { try agrees(Array(text.utf8), depth) }
    }

    @Test("Both agree about texts with a few bytes changed", arguments: 0..<UInt64(40))
    func changed(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let bytes = Array("{}[]:,\"\\ \n\t0189-+.eEtrufalsn\u{1}\u{0}é/x".utf8)
        for text in Self.texts {
            for _ in 0..<50 {
                var text = Array(text.utf8)
                for _ in 0..<Int.random(in: 1...3, using: &random) {
                    let place = Int.random(in: 0..<text.count, using: &random)
                    let byte = bytes[Int.random(in: 0..<bytes.count, using: &random)]
                    switch Int.random(in: 0..<4, using: &random) {
                    case 0: text[place] = byte
                    case 1: text.insert(byte, at: place)
                    case 2: if text.count > 1 { text.remove(at: place) }
                    default: if text.count > 1 { text.removeSubrange(place...) }
                    }
                    if text.isEmpty { text = [0x20] }
                }
                try agrees(text, Int.random(in: 0...5, using: &random))
            }
        }
    }

    private func agrees(_ text: [UInt8], _ depth: Int) throws {
        let passed = CursorReading(text, readingWithin: depth)
        let read = TapeReading(text, readingWithin: depth)
        #expect(passed?.values == read?.values, "\(String(decoding: text, as: UTF8.self))")
    }

    @Test("As deep as the tape reads, and no deeper", arguments: [1, 2, 8])
    func depth(limit: Int) {
        for levels in [limit, limit + 1] {
            let text = Array((String(repeating: "[", count: levels) + String(repeating: "]", count: levels)).utf8)
            for depth in 0...limit {
                #expect((CursorReading(text, readingWithin: depth, maximumDepth: limit)?.values != nil) == (levels <= limit))
            }
        }
    }

    @Test(
        "Whole numbers of a few digits are read as they are passed, others are left",
        arguments: [
            ("[7,", 7), ("[120]", 120), ("[999999999999999999]", 999_999_999_999_999_999), ("[0]", nil), ("[01]", nil), ("[-1]", nil),
            ("[1.0]", nil), ("[1e2]", nil), ("[1 ]", nil), ("[1000000000000000000]", nil), ("[\"1\"]", nil), ("[]", nil), ("[1x]", nil),
        ] as [(String, Int64?)])
    func wholeNumber(text: String, value: Int64?) throws {
        var tape = JSONTape(maximumDepth: 8)
        try Array(text.utf8).withUnsafeBytes { bytes in
            var cursor = try tape.cursor(of: bytes)
            #expect(cursor.pass("[") == true)
            let number = cursor.plainInteger()
            #expect(number == value)
            #expect(cursor.position == (value == nil ? 1 : 2))
        }
    }

    @Test(
        "A truth is passed only where it is whole",
        arguments: [
            ("[true]", true), ("[true,1]", true), ("[truex]", false), ("[tru]", false), ("[true", false), ("[true ]", false), ("[false]", false),
        ])
    func truth(text: String, passes: Bool) throws {
        var tape = JSONTape(maximumDepth: 8)
        try Array(text.utf8).withUnsafeBytes { bytes in
            var cursor = try tape.cursor(of: bytes)
            #expect(cursor.pass("[") == true)
            let passed = cursor.passTrue()
            #expect(passed == passes)
        }
    }
}

/// The values and keys of a text, down to a depth; below it, containers as a whole.
private struct CursorReading {
    var values: [Range<Int>] = []
    private let depthToRead: Int

    /// - Returns: nil when the cursor cannot pass all of the text.
    init?(_ text: [UInt8], readingWithin depth: Int, maximumDepth: Int = 64) {
        depthToRead = depth
        var tape = JSONTape(maximumDepth: maximumDepth)
        let isRead = text.withUnsafeBytes { bytes in
            guard var cursor = try? tape.cursor(of: bytes) else { return false }
            return value(&cursor, 0, maximumDepth) && cursor.isAtEnd
        }
        guard isRead else { return nil }
    }

    private mutating func value(_ cursor: inout JSONCursor, _ depth: Int, _ limit: Int) -> Bool {
        let opening = cursor.next
        guard depth < depthToRead, depth < limit, opening == UInt8(ascii: "{") || opening == UInt8(ascii: "[") else {
            guard let token = cursor.value(within: depth) else { return false }
            values.append(token.rawRange)
            return true
        }
        let isObject = cursor.pass("{")
        guard isObject || cursor.pass("[") else { return false }
        let closing: Unicode.Scalar = isObject ? "}" : "]"
        if cursor.pass(closing) { return true }
        repeat {
            if isObject {
                guard let key = cursor.key() else { return false }
                values.append(key.rawRange)
            }
            guard value(&cursor, depth + 1, limit) else { return false }
        } while cursor.pass(",")
        return cursor.pass(closing)
    }
}

private struct TapeReading {
    var values: [Range<Int>] = []

    init?(_ text: [UInt8], readingWithin depth: Int) {
        var tape = JSONTape(maximumDepth: 64)
        guard (try? text.withUnsafeBytes({ try tape.parse($0) })) != nil else { return nil }
        var index = 0
        value(tape, &index, 0, depth)
    }

    private mutating func value(_ tape: borrowing JSONTape, _ index: inout Int, _ depth: Int, _ depthToRead: Int) {
        let token = tape[index]
        guard depth < depthToRead, token.kind == .object || token.kind == .array else {
            values.append(token.rawRange)
            index = token.next
            return
        }
        index += 1
        while index < token.next {
            if token.kind == .object {
                values.append(tape[index].rawRange)
                index += 1
            }
            value(tape, &index, depth + 1, depthToRead)
        }
    }
}
