/// A number exactly as it was written: decimal digits times a power of ten, nothing rounded.
///
/// The value is `digits` × 10^`exponent`. There are neither leading nor trailing zeros in `digits`, and zero is `0` with
/// exponent 0 and no sign, so that equal numbers are equal values: `1`, `1.0` and `10e-1` are one number.
public struct YAMLNumber: Hashable, Sendable {
    /// Written exponents beyond this are no numbers: nobody means them, and they could not be written out.
    public static let maximumExponent = 9_999

    public let isNegative: Bool
    public let digits: [UInt8]
    public let exponent: Int

    /// By the core schema's patterns for integers (decimal, `0o`, `0x`) and floats; nil if it matches none.
    public init?(_ text: String) { self.init(Array(text.utf8)[...]) }

    init?(_ text: ArraySlice<UInt8>) {
        if text.count > 2, text.first == UInt8(ascii: "0"), let radix = Self.radix(text[text.startIndex + 1]) {
            self.init(text.dropFirst(2), radix: radix)
            return
        }
        var rest = text
        let sign = rest.first
        if sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") { rest.removeFirst() }
        let whole = rest.prefix(while: Self.isDigit)
        rest = rest.dropFirst(whole.count)
        var fraction: ArraySlice<UInt8> = []
        if rest.first == UInt8(ascii: ".") {
            fraction = rest.dropFirst().prefix(while: Self.isDigit)
            rest = rest.dropFirst(1 + fraction.count)
        }
        guard !whole.isEmpty || !fraction.isEmpty else { return nil }
        var written = 0
        if let mark = rest.first {
            guard mark | 0x20 == UInt8(ascii: "e"), let value = Self.exponent(rest.dropFirst()) else { return nil }
            written = value
        }
        self.init(isNegative: sign == UInt8(ascii: "-"), digits: Array(whole + fraction), exponent: written - fraction.count)
    }

    private init(isNegative: Bool, digits written: [UInt8], exponent: Int) {
        let start = written.prefix { $0 == UInt8(ascii: "0") }.count
        let zeros = start == written.count ? 0 : written.reversed().prefix { $0 == UInt8(ascii: "0") }.count
        let digits = Array(written[start..<written.count - zeros])
        self.digits = digits.isEmpty ? [UInt8(ascii: "0")] : digits
        self.isNegative = isNegative && !digits.isEmpty
        self.exponent = digits.isEmpty ? 0 : exponent + zeros
    }

    private init?(_ text: ArraySlice<UInt8>, radix: Int) {
        guard text.allSatisfy({ $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "-") }),
            let value = UInt64(String(decoding: text, as: UTF8.self), radix: radix)
        else { return nil }
        self.init(isNegative: false, digits: Array(String(value).utf8), exponent: 0)
    }

    private static func radix(_ letter: UInt8) -> Int? {
        switch letter {
        case UInt8(ascii: "x"): 16
        case UInt8(ascii: "o"): 8
        default: nil
        }
    }

    private static func exponent(_ text: ArraySlice<UInt8>) -> Int? {
        let digits = text.first == UInt8(ascii: "-") || text.first == UInt8(ascii: "+") ? text.dropFirst() : text
        guard !digits.isEmpty, digits.allSatisfy(isDigit), let value = Int(String(decoding: text, as: UTF8.self)),
            abs(value) <= maximumExponent
        else { return nil }
        return value
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

    /// The one form of this number: sign, digits, and `e` with the exponent unless that is 0. `184.50` is `1845e-1`.
    public var canonical: [UInt8] {
        var text: [UInt8] = isNegative ? [UInt8(ascii: "-")] : []
        text += digits
        if exponent != 0 { text += Array("e\(exponent)".utf8) }
        return text
    }

    /// The same number as people write it where that is short, else as ``canonical``. Exact, and JSON.
    public var readable: [UInt8] {
        let sign: [UInt8] = isNegative ? [UInt8(ascii: "-")] : []
        let point = digits.count + exponent
        if exponent >= 0, point <= 21 { return sign + digits + [UInt8](repeating: UInt8(ascii: "0"), count: exponent) }
        guard exponent < 0, point > -6, digits.count <= 40 else { return canonical }
        if point > 0 { return sign + digits[..<point] + [UInt8(ascii: ".")] + digits[point...] }
        return sign + Array("0.".utf8) + [UInt8](repeating: UInt8(ascii: "0"), count: -point) + digits
    }

    /// The value if it is whole and fits.
    public var integer: Int? {
        guard exponent >= 0, exponent <= 18 else { return nil }
        let text = (isNegative ? "-" : "") + String(decoding: digits, as: UTF8.self) + String(repeating: "0", count: exponent)
        return Int(text)
    }

    /// The nearest double; nil if it is too large for one.
    public var double: Double? {
        Double(String(decoding: canonical, as: UTF8.self)).flatMap { $0.isFinite ? $0 : nil }
    }
}
