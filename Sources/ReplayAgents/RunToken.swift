internal import AgentRuns

/// What makes the path of a run's tools unguessable: 128 random bits.
struct RunToken: Hashable, Sendable {
    let high: UInt64
    let low: UInt64

    init() {
        var generator = SystemRandomNumberGenerator()
        high = generator.next()
        low = generator.next()
    }

    /// - Returns: nil for anything but 32 lower-case hex digits.
    init?(hex: Substring) {
        guard hex.utf8.count == 32 else { return nil }
        var high: UInt64 = 0
        var low: UInt64 = 0
        for digit in hex.utf8 {
            guard let value = hexValue(digit), !(65...70).contains(digit) else { return nil }
            high = high << 4 | low >> 60
            low = low << 4 | UInt64(value)
        }
        self.high = high
        self.low = low
    }

    var hex: String {
        String(
            decoding: [high, low].flatMap { word in
                (0..<16).map { hexDigit(UInt8(truncatingIfNeeded: word >> UInt64(60 - 4 * $0)) & 15) }
            }, as: UTF8.self)
    }
}
