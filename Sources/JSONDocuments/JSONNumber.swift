/// A JSON number as the exact decimal that was written: 1, 1.0 and 1e0 are the same, and nothing is ever rounded.
///
/// It is kept as sign, digits without zeros at either end, and a power of ten, so that `1e999999999` costs no more than
/// `1`. Zero has no sign. Both the equality and the order are those of the decimal values.
public struct JSONNumber: Hashable, Sendable {
    /// Exponents beyond ± this are refused, so that sums of them cannot overflow.
    public static let maximumExponent = 1_000_000_000_000_000

    /// The digits: as an integer while there are at most 18, so that each number has one representation.
    enum Digits: Hashable, Sendable {
        case few(UInt64)
        case many([UInt8])
    }

    static let fewDigits = 18

    let isNegative: Bool
    let digits: Digits
    /// The value is the digits times ten to this.
    let exponent: Int

    private init(isNegative: Bool, digits: Digits, exponent: Int) {
        self.isNegative = isNegative
        self.digits = digits
        self.exponent = exponent
    }

    static let zero = JSONNumber(isNegative: false, digits: .few(0), exponent: 0)

    public init(_ value: Int) {
        var magnitude = UInt64(value.magnitude)
        var exponent = 0
        while magnitude != 0, magnitude % 10 == 0 {
            magnitude /= 10
            exponent += 1
        }
        let text = Array(String(magnitude).utf8)
        self.init(
            isNegative: value < 0, digits: text.count <= Self.fewDigits ? .few(magnitude) : .many(text),
            exponent: exponent)
    }

    /// - Parameter text: a number as JSON writes it, already checked.
    /// - Returns: nil if its exponent is beyond ``maximumExponent``.
    init?(checked text: UnsafeRawBufferPointer) {
        let mantissa = Mantissa(text)
        guard mantissa.count > 0 else {
            self = .zero
            return
        }
        guard let written = Self.writtenExponent(text[mantissa.end...]) else { return nil }
        isNegative = text.first == UInt8(ascii: "-")
        exponent = written - mantissa.fraction + mantissa.trailingZeros
        let significant = text[mantissa.significant].lazy.filter { $0 != UInt8(ascii: ".") }
        if mantissa.count <= Self.fewDigits {
            digits = .few(significant.reduce(0) { $0 * 10 + UInt64($1 - UInt8(ascii: "0")) })
        } else {
            digits = .many(Array(significant))
        }
    }

    /// Where the digits of a number's text stand that are not zeros at one of its ends.
    private struct Mantissa {
        var significant = 0..<0
        /// How many digits are in there.
        var count = 0
        var fraction = 0
        var trailingZeros = 0
        var end: Int

        init(_ text: UnsafeRawBufferPointer) {
            var seen = 0
            var isFraction = false
            end = text.count
            for (i, byte) in text.enumerated() {
                switch byte {
                case UInt8(ascii: "-"): continue
                case UInt8(ascii: "."): isFraction = true
                case UInt8(ascii: "e"), UInt8(ascii: "E"):
                    end = i
                    return
                case UInt8(ascii: "0"):
                    if isFraction { fraction += 1 }
                    trailingZeros += 1
                    if count > 0 { seen += 1 }
                default:
                    if isFraction { fraction += 1 }
                    significant = (count == 0 ? i : significant.lowerBound)..<i + 1
                    seen += 1
                    count = seen
                    trailingZeros = 0
                }
            }
        }
    }

    /// The number after the `e` at the start of the text, 0 for an empty text, nil if it is out of range.
    private static func writtenExponent(_ text: Slice<UnsafeRawBufferPointer>) -> Int? {
        var value = 0
        for byte in text.dropFirst() where byte != UInt8(ascii: "+") && byte != UInt8(ascii: "-") {
            value = value * 10 + Int(byte - UInt8(ascii: "0"))
            if value > maximumExponent { return nil }
        }
        return text.dropFirst().first == UInt8(ascii: "-") ? -value : value
    }

    var isZero: Bool { digits == .few(0) }

    /// Whether it has no fraction: 3.0 and 1e2 have none.
    public var isIntegral: Bool { exponent >= 0 }

    /// The value, if it is an integer that fits.
    public var intValue: Int? {
        guard case .few(var magnitude) = digits, exponent >= 0, exponent <= 18 || magnitude == 0 else {
            if case .many(let text) = digits, exponent == 0, text.count <= 20 {
                return Int((isNegative ? "-" : "") + String(decoding: text, as: UTF8.self))
            }
            return nil
        }
        for _ in 0..<(magnitude == 0 ? 0 : exponent) {
            let (product, overflow) = magnitude.multipliedReportingOverflow(by: 10)
            if overflow { return nil }
            magnitude = product
        }
        if isNegative { return magnitude <= UInt64(Int.max) + 1 ? Int(truncatingIfNeeded: 0 &- magnitude) : nil }
        return Int(exactly: magnitude)
    }

    /// The nearest `Double`; infinite if there is none near. For showing and measuring, not for comparing.
    public var approximateDouble: Double { Double(text) ?? (isNegative ? -.infinity : .infinity) }

    /// The digits in ASCII, without zeros at either end (zero itself is one zero).
    var digitBytes: [UInt8] {
        switch digits {
        case .few(let value): Array(String(value).utf8)
        case .many(let bytes): bytes
        }
    }
}
