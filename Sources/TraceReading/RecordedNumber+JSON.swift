internal import AgentRuns

extension RecordedNumber {
    /// Reads a number that is already known to be valid JSON. What a double cannot hold becomes infinite.
    init(json text: UnsafeRawBufferPointer) {
        var value: Int64 = 0
        let negative = text.first == UInt8(ascii: "-")
        let digits = negative ? text.dropFirst() : text[...]
        // 18 digits cannot overflow; longer whole numbers take the way of the doubles unless they fit.
        if digits.count <= 18, digits.allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }) {
            for byte in digits { value = value * 10 + Int64(byte - UInt8(ascii: "0")) }
            self = .integer(negative ? -value : value)
            return
        }
        let string = String(decoding: text, as: UTF8.self)
        if let whole = Int64(string) {
            self = .integer(whole)
        } else {
            self = .real(Double(string) ?? .infinity)
        }
    }
}
