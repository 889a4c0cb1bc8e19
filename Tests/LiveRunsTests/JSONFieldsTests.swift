import AgentRuns
import Testing

@testable import LiveRuns

@Suite("Fields of JSON")
struct JSONFieldsTests {
    /// Numbers as JSON writes them, around the bounds of 64 bits and beyond.
    @Test(
        "A whole number is what the standard library makes of its digits",
        arguments: [
            "0", "-0", "7", "-7", "10", "1234567890123", "9223372036854775807", "9223372036854775808", "-9223372036854775808",
            "-9223372036854775809", "92233720368547758070", "1e3", "1.0", "-1.5", "0.5", "1E-2", "123456789012345678901234567890",
        ])
    func integers(digits: String) {
        let bytes = Array(digits.utf8)
        bytes.withUnsafeBytes { text in
            var fields = JSONFields()
            let isRead = fields.parse(text)
            #expect(isRead)
            let whole = fields.integer(0)
            #expect(whole == Int64(digits))
            let number = fields.number(0)
            let expected = Int64(digits).map { RecordedNumber.integer($0) } ?? Double(digits).map { RecordedNumber.real($0) }
            #expect(number == expected.flatMap { $0.double >= 0 ? $0 : nil })
        }
    }

    @Test("What is no run of digits is no whole number", arguments: ["", "-", "+1", " 1", "1 ", "--1", "0x1", "1-"])
    func others(text: String) {
        let bytes = Array(text.utf8)
        let value = bytes.withUnsafeBytes { JSONFields.integer($0) }
        #expect(value == nil)
    }
}
