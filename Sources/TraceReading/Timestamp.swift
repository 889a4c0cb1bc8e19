/// Points in time as traces write them, in Unix nanoseconds.
public enum Timestamp {
    /// The latest time that the readers accept, in seconds: with a month's run after it, nanoseconds still fit 63 bits.
    private static let maximumSeconds: Int64 = 9_220_000_000
    /// The same in nanoseconds.
    public static let maximum = UInt64(maximumSeconds) * 1_000_000_000

    /// Reads an RFC 3339 time: `2026-03-02T09:30:00.5+01:00`, with `Z`, a space for the `T`, or lower case, and any number
    /// of fraction digits, of which nine count.
    ///
    /// - Returns: nil for anything else, and for times before 1970 or after 2262. A leap second counts as the next second.
    public static func rfc3339(_ text: some RandomAccessCollection<UInt8>) -> UInt64? {
        var scanner = DigitScanner(text)
        guard let year = scanner.number(4), scanner.skip("-"), let month = scanner.number(2), scanner.skip("-"),
            let day = scanner.number(2), scanner.skip("T", "t", " "), let hour = scanner.number(2), scanner.skip(":"),
            let minute = scanner.number(2), scanner.skip(":"), let second = scanner.number(2),
            (1...12).contains(month), (1...daysIn(month, of: year)).contains(day), hour < 24, minute < 60, second < 61
        else { return nil }
        var nanoseconds: Int64 = 0
        if scanner.skip(".") {
            guard let fraction = scanner.fraction(digits: 9) else { return nil }
            nanoseconds = fraction.truncated
        }
        var offset: Int64 = 0
        if !scanner.skip("Z", "z") {
            let negative = scanner.skip("-")
            guard negative || scanner.skip("+"), let hours = scanner.number(2), scanner.skip(":"),
                let minutes = scanner.number(2), hours < 24, minutes < 60
            else { return nil }
            offset = (hours * 3600 + minutes * 60) * (negative ? -1 : 1)
        }
        guard scanner.isAtEnd else { return nil }
        let seconds = daysSince1970(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset
        guard (0...maximumSeconds).contains(seconds) else { return nil }
        return UInt64(seconds * 1_000_000_000 + nanoseconds)
    }

    /// Reads Unix seconds, or milliseconds if the number is 10^11 or more (as seconds that would be the year 5138).
    ///
    /// - Returns: nil for what is not a JSON number or lies outside the range of ``rfc3339(_:)``.
    public static func unix(_ text: some RandomAccessCollection<UInt8>) -> UInt64? {
        var scanner = DigitScanner(text)
        if let whole = scanner.number(upTo: 18) {
            let isMilliseconds = whole >= 100_000_000_000
            let digits = isMilliseconds ? 6 : 9
            var rest: Int64 = 0
            if scanner.skip(".") {
                guard let fraction = scanner.fraction(digits: digits) else { return nil }
                rest = fraction.rounded
            }
            if scanner.isAtEnd {
                let seconds = isMilliseconds ? whole / 1000 : whole
                guard seconds <= maximumSeconds else { return nil }
                return UInt64(whole * (isMilliseconds ? 1_000_000 : 1_000_000_000) + rest)
            }
        }
        // With an exponent, or beyond 18 digits: as a double has it.
        let digits = text.first == UInt8(ascii: "-") ? text.dropFirst() : text[...]
        let isNumber = digits.first.map { $0 >= 0x30 && $0 <= 0x39 } == true && text.allSatisfy { "0123456789.eE+-".utf8.contains($0) }
        guard isNumber, let value = Double(String(decoding: text, as: UTF8.self)), value >= 0 else { return nil }
        let seconds = value >= 1e11 ? value / 1000 : value
        guard seconds <= Double(maximumSeconds) else { return nil }
        return UInt64((seconds * 1e9).rounded())
    }

    /// The time as RFC 3339 in UTC, with milliseconds.
    public static func text(_ nanoseconds: UInt64) -> String {
        let seconds = Int64(nanoseconds / 1_000_000_000)
        let (year, month, day) = date(seconds / 86400)
        let time = seconds % 86400
        return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))T\(padded(time / 3600, 2)):"
            + "\(padded(time / 60 % 60, 2)):\(padded(time % 60, 2)).\(padded(Int64(nanoseconds / 1_000_000 % 1000), 3))Z"
    }

    private static func padded(_ value: Int64, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }

    /// The reverse of ``daysSince1970(_:_:_:)``, for days from 1970 on.
    private static func date(_ days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }

    /// Days from 1970-01-01 to the day, in the Gregorian calendar (years counted from March, as Howard Hinnant does).
    private static func daysSince1970(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let y = month <= 2 ? year - 1 : year
        let era = (y >= 0 ? y : y - 399) / 400
        let yearOfEra = y - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func daysIn(_ month: Int64, of year: Int64) -> Int64 {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}

/// Takes digits from the front of a text.
private struct DigitScanner<Bytes: RandomAccessCollection<UInt8>> {
    private var rest: Bytes.SubSequence

    init(_ text: Bytes) { rest = text[...] }

    var isAtEnd: Bool { rest.isEmpty }

    /// Skips the next byte if it is one of these.
    mutating func skip(_ characters: Unicode.Scalar...) -> Bool {
        guard let byte = rest.first, characters.contains(Unicode.Scalar(byte)) else { return false }
        rest.removeFirst()
        return true
    }

    /// Exactly `count` digits.
    mutating func number(_ count: Int) -> Int64? {
        guard rest.count >= count else { return nil }
        var value: Int64 = 0
        for byte in rest.prefix(count) {
            guard let digit = digit(byte) else { return nil }
            value = value * 10 + digit
        }
        rest.removeFirst(count)
        return value
    }

    /// All digits that follow, one at least and `limit` at most.
    mutating func number(upTo limit: Int) -> Int64? {
        let digits = rest.prefix { digit($0) != nil }
        guard (1...limit).contains(digits.count) else { return nil }
        return number(digits.count)
    }

    /// All digits that follow, one at least, as a fraction with that many digits.
    mutating func fraction(digits count: Int) -> (truncated: Int64, rounded: Int64)? {
        let digits = rest.prefix { digit($0) != nil }
        guard !digits.isEmpty else { return nil }
        var value: Int64 = 0
        for byte in digits.prefix(count) { value = value * 10 + (digit(byte) ?? 0) }
        for _ in 0..<Swift.max(0, count - digits.count) { value *= 10 }
        let next = digits.dropFirst(count).first.flatMap(digit) ?? 0
        rest.removeFirst(digits.count)
        return (value, next >= 5 ? value + 1 : value)
    }

    private func digit(_ byte: UInt8) -> Int64? {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) ? Int64(byte - UInt8(ascii: "0")) : nil
    }
}
