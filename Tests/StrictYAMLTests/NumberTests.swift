import JSONText
import StrictYAML
import Testing

@Suite struct NumberTests {
    @Test(arguments: [("184.50", "1845e-1", "184.5"), ("100", "1e2", "100"), ("1.0", "1", "1"), ("-0", "0", "0"), ("0.0e5", "0", "0"),
        ("+.5", "5e-1", "0.5"), ("1.", "1", "1"), ("-1e-3", "-1e-3", "-0.001"), ("1E400", "1e400", "1e400"),
        ("123456789012345678901234567890", "12345678901234567890123456789e1", "12345678901234567890123456789e1"), ("0xff", "255", "255")])
    func numbersAreExact(_ text: String, _ canonical: String, _ readable: String) throws {
        let number = try #require(YAMLNumber(text))
        #expect(String(decoding: number.canonical, as: UTF8.self) == canonical)
        #expect(String(decoding: number.readable, as: UTF8.self) == readable)
        #expect(try json("[\(text)]") == "[\(readable)]")
    }

    @Test func bothFormsAreTheSameNumberAndJSON() throws {
        var random = SeededGenerator(seed: 3)
        for _ in 0..<2_000 {
            let digits = (0..<Int.random(in: 1...30, using: &random)).map { _ in String(Int.random(in: 0...9, using: &random)) }.joined()
            let text = "\(Bool.random(using: &random) ? "-" : "")\(digits).\(digits.reversed().map(String.init).joined())e\(Int.random(in: -40...40, using: &random))"
            let number = try #require(YAMLNumber(text))
            for form in [number.canonical, number.readable] {
                #expect(YAMLNumber(String(decoding: form, as: UTF8.self)) == number)
                var tape = JSONTape(maximumDepth: 4)
                form.withUnsafeBytes { bytes in
                    do { try tape.parse(bytes) } catch { Issue.record(error) }
                }
            }
            #expect(number.double == Double(text))
        }
    }

    @Test func jsonHasNoInfinity() {
        #expect(throws: YAMLError.self) { try json("a: [.inf]") }
        #expect(throws: YAMLError.self) { try json("a: .NaN") }
    }

    @Test func textThatLooksLikeANumberStaysText() throws {
        #expect(try json(#"["1", '2', 1_0, 0b1, 1:2, 0x_1, "\0\e"]"#) == #"["1","2","1_0","0b1","1:2","0x_1","\u0000\u001b"]"#)
    }
}
