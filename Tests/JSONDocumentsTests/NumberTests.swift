import Testing

@testable import JSONDocuments

@Suite("JSON numbers")
struct NumberTests {
    @Test("Spellings of one value are equal and hash alike", arguments: [
        ["1", "1.0", "1e0", "10e-1", "0.1E+1", "1.000e00", "100e-2"],
        ["0", "-0", "0.0", "-0e5", "0e99999999999999999999", "0.000e-99999999999999999999"],
        ["12345678901234567890123", "1.2345678901234567890123e22", "123456789012345678901230e-1"],
        ["-1500", "-1.5e3", "-15E2", "-0.0015e6"],
        ["999999999999999999", "9.99999999999999999e17"], ["1e999999999", "10e999999998", "0.1e1000000000"],
    ])
    func spellings(texts: [String]) throws {
        let numbers = try texts.map { try #require(JSONNumber($0), "\($0)") }
        #expect(Set(numbers).count == 1)
        #expect(Set(numbers.map(\.text)).count == 1)
        for text in texts { #expect(try document(text) == document(texts[0])) }
    }

    @Test("Values that a Double confuses differ", arguments: [
        ("9007199254740992", "9007199254740993"), ("0.1", "0.1000000000000000055"), ("1e-400", "0"), ("1e400", "1e401"),
        ("18446744073709551615", "18446744073709551616"), ("1e999999999", "1e999999998"),
    ])
    func differences(a: String, b: String) throws {
        #expect(try document(a) != document(b))
        #expect(try JSONEquality.areEqual(Array(a.utf8), Array(b.utf8)) == false)
    }

    @Test("Integers come out as they went in", arguments: [
        0, 1, -1, 10, 1000, .max, .min, .max - 7, 999_999_999_999_999_999, 1_000_000_000_000_000_000,
        -9_000_000_000_000_000_000, 123_456_789_012_345_678, 1_234_567_890_123_456_789, 4_000_000_000_000_000_000,
    ])
    func integers(value: Int) throws {
        #expect(JSONNumber(value).intValue == value)
        #expect(JSONNumber(value).text == String(value))
        #expect(JSONNumber(String(value)) == JSONNumber(value))
    }

    @Test("What does not fit an Int has none", arguments: [
        "9223372036854775808", "-9223372036854775809", "1e19", "-1e19", "1e999999999", "0.5", "18446744073709551616",
        "12345678901234567890123", "9.3e18", "1e-1",
    ])
    func noInteger(text: String) throws { #expect(try #require(JSONNumber(text)).intValue == nil) }

    @Test("No number", arguments: ["", " 1", "1 ", "01", "+1", ".5", "1.", "1e", "0x1", "NaN", "Infinity", "-", "1,2", "\"1\"", "[1]"])
    func noNumber(text: String) { #expect(JSONNumber(text) == nil) }

    @Test("An exponent beyond the limit is refused with its place, one within costs nothing")
    func exponents() throws {
        for text in ["1e1000000000000001", "-1e-1000000000000001", "1e99999999999999999999999999"] {
            for read in [{ _ = try JSONDocument(parsing: $0) }, { _ = try JSONCanonical.bytes(ofJSON: $0) }] as [([UInt8]) throws -> Void] {
                #expect(throws: JSONDocumentError(problem: .exponentOutOfRange, offset: 4)) { try read(Array("[1, \(text)]".utf8)) }
            }
        }
        let large = try #require(JSONNumber("123e1000000000000000"))
        #expect(large.text == "1.23e+1000000000000002")
        #expect(large.isIntegral && large > JSONNumber(.max))
        #expect(try #require(JSONNumber("1e1000000000000000")).isMultiple(of: JSONNumber(7)) == false)
        #expect(try #require(JSONNumber("7e1000000000000000")).isMultiple(of: JSONNumber(7)))
        let zeros = "0." + String(repeating: "0", count: 200_000) + "1"
        #expect(try #require(JSONNumber(zeros)).text == "1e-200001")
    }

    private func spelling(_ random: inout JSONGenerator) -> String {
        var text = random.pick(["", "-"]) + random.pick(["0", String(1 + random.number(below: 30))])
        if !text.hasSuffix("0") { for _ in 0..<random.number(below: 22) { text += random.pick(["0", "0", "5", "9", "3"]) } }
        if random.number(below: 2) == 0 { text += "." + (0...random.number(below: 22)).map { _ in random.pick(["0", "0", "7"]) }.joined() }
        if random.number(below: 2) == 0 { text += random.pick(["e", "E", "e+", "e-"]) + String(random.number(below: 30)) }
        return text
    }

    @Test("Canonical texts, order and multiples are those of Python's decimals and fractions", arguments: [UInt64(11), 12])
    func agreesWithPython(seed: UInt64) throws {
        var random = JSONGenerator(seed: seed)
        var texts = (0..<2000).map { _ in spelling(&random) }
        // Doubles as Swift writes them: their canonical form is that of RFC 8785.
        texts += (0..<500).map { _ in
            let value = Double(bitPattern: random.random.next())
            return value.isFinite ? "\(value)" : "1"
        }
        let answers = try Reference.answers(to: texts.map { .object(["number": .string($0)]) }, from: "json_exact_reference.py")
        var doubles = 0
        for (text, answer) in zip(texts, answers) {
            #expect(try .string(#require(JSONNumber(text)).text) == answer["canonical"], "\(text)")
            if answer["double"] == .bool(true) { doubles += 1 }
        }
        #expect(doubles > 500)
        let pairs = (0..<1500).map { i -> (String, String) in
            let b = spelling(&random)
            // Every third is a spelling of a multiple or of the same.
            return i % 3 == 0 && !b.lowercased().contains("e") ? (b + "e\(random.number(below: 4))", b) : (spelling(&random), b)
        }
        let orders = try Reference.answers(
            to: pairs.map { .object(["a": .string($0), "b": .string($1)]) }, from: "json_exact_reference.py")
        for ((a, b), answer) in zip(pairs, orders) {
            let (x, y) = (try #require(JSONNumber(a)), try #require(JSONNumber(b)))
            #expect(answer["order"] == .integer(x < y ? -1 : x > y ? 1 : 0) && (x == y) == (answer["order"] == .integer(0)), "\(a) \(b)")
            if y.isDivisor { #expect(answer["multiple"] == .bool(x.isMultiple(of: y)), "\(a) of \(b)") }
        }
    }
}
