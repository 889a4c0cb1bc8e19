import JSONText

extension JSONNumber {
    /// Reads a number as JSON writes it.
    ///
    /// - Returns: nil if the text is no JSON number or its exponent is beyond ``maximumExponent``.
    public init?(_ text: String) {
        guard let document = try? JSONDocument(parsing: text), case .number(let number) = document,
            let first = text.utf8.first, first == UInt8(ascii: "-") || first >= UInt8(ascii: "0"),
            let last = text.utf8.last, last >= UInt8(ascii: "0")
        else { return nil }
        self = number
    }

    /// The one canonical form of the number; see ``JSONCanonical``.
    public var text: String {
        var bytes: [UInt8] = []
        append(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Appends the canonical form: the rules of ECMAScript's `Number::toString`, on the exact digits.
    ///
    /// https://tc39.es/ecma262/#sec-numeric-types-number-tostring
    func append(to output: inout [UInt8]) {
        let digits = digitBytes
        let zero = UInt8(ascii: "0")
        if isNegative { output.append(UInt8(ascii: "-")) }
        // Where the decimal point stands, counted from before the first digit.
        let point = digits.count + exponent
        if exponent >= 0, point <= 21 {
            output.append(contentsOf: digits)
            output.append(contentsOf: repeatElement(zero, count: exponent))
        } else if exponent < 0, point > 0, point <= 21 {
            output.append(contentsOf: digits[..<point])
            output.append(UInt8(ascii: "."))
            output.append(contentsOf: digits[point...])
        } else if point > -6, point <= 0 {
            output.append(contentsOf: "0.".utf8)
            output.append(contentsOf: repeatElement(zero, count: -point))
            output.append(contentsOf: digits)
        } else {
            output.append(digits[0])
            if digits.count > 1 { output.append(UInt8(ascii: ".")) }
            output.append(contentsOf: digits.dropFirst())
            output.append(contentsOf: (point > 0 ? "e+" : "e").utf8)
            output.append(contentsOf: String(point - 1).utf8)
        }
    }
}
