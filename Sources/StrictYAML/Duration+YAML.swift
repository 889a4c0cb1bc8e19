extension Duration {
    private static let units: [(name: String, attoseconds: Int128)] = [
        ("ns", 1_000_000_000), ("us", 1_000_000_000_000), ("ms", 1_000_000_000_000_000),
        ("s", 1_000_000_000_000_000_000), ("m", 60_000_000_000_000_000_000), ("h", 3_600_000_000_000_000_000_000),
        ("d", 86_400_000_000_000_000_000_000),
    ]

    /// Whether the text is a whole number and a unit, be it within the bounds or not.
    static func isWritten(yaml text: String) -> Bool {
        let digits = text.utf8.prefix { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
        return !digits.isEmpty && units.contains { text.utf8.dropFirst(digits.count).elementsEqual($0.name.utf8) }
    }

    /// Such as `2s`, `1.5m`: a number that is not negative, and its unit. Nil if it is not that, is longer than 1000 years,
    /// or names a part of an attosecond.
    init?(yaml text: String) {
        let digits = text.prefix { $0.isNumber || $0 == "." }
        let unit = text.dropFirst(digits.count)
        guard let scale = Self.units.first(where: { $0.name == unit })?.attoseconds,
            digits.first?.isNumber == true, let number = YAMLNumber(String(digits)), number.exponent >= -18,
            number.digits.count + number.exponent <= 14, let coefficient = Int128(String(decoding: number.digits, as: UTF8.self))
        else { return nil }
        var attoseconds = coefficient
        for _ in 0..<max(0, number.exponent) { attoseconds *= 10 }
        let (product, overflow) = attoseconds.multipliedReportingOverflow(by: scale)
        guard !overflow else { return nil }
        var total = product
        for _ in 0..<max(0, -number.exponent) {
            guard total % 10 == 0 else { return nil }
            total /= 10
        }
        guard total <= 1000 * 365 * 86_400 * 1_000_000_000_000_000_000 else { return nil }
        self.init(secondsComponent: Int64(total / 1_000_000_000_000_000_000), attosecondsComponent: Int64(total % 1_000_000_000_000_000_000))
    }
}
