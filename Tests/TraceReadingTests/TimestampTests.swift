import Testing
import TraceReading

@Suite("Timestamps")
struct TimestampTests {
    private static let base: UInt64 = 1_772_443_800_000_000_000

    @Test(
        "RFC 3339 times are read to the nanosecond",
        arguments: [
            ("2026-03-02T09:30:00Z", base), ("2026-03-02t09:30:00z", base), ("2026-03-02 09:30:00Z", base),
            ("2026-03-02T10:30:00+01:00", base), ("2026-03-02T04:00:00-05:30", base), ("2026-03-03T09:29:00+23:59", base),
            ("2026-03-02T09:30:00-00:00", base), ("2026-03-02T09:30:00.5Z", base + 500_000_000),
            ("2026-03-02T09:30:00.000000001Z", base + 1), ("2026-03-02T09:30:00.123456789+00:00", base + 123_456_789),
            ("2026-03-02T09:30:00.1234567899999Z", base + 123_456_789), ("1970-01-01T00:00:00Z", 0),
            ("1970-01-01T01:00:00+01:00", 0), ("1969-12-31T23:00:00-01:00", 0), ("2000-02-29T23:59:59Z", 951_868_799_000_000_000),
            ("2100-02-28T00:00:00Z", 4_107_456_000_000_000_000), ("2262-03-03T00:00:00Z", 9219916800_000_000_000),
        ] as [(String, UInt64)])
    func rfc3339(text: String, nanoseconds: UInt64) {
        #expect(Timestamp.rfc3339(Array(text.utf8)) == nanoseconds)
    }

    @Test("A leap second counts as the second after it")
    func leapSecond() {
        #expect(Timestamp.rfc3339(Array("2016-12-31T23:59:60Z".utf8)) == Timestamp.rfc3339(Array("2017-01-01T00:00:00Z".utf8)))
    }

    @Test(
        "What is no RFC 3339 time, or not from 1970 to 2262, is refused",
        arguments: [
            "", "2026", "2026-03-02", "2026-03-02T09:30Z", "2026-03-02T09:30:00", "2026-03-02T09:30:00+01", "2026-03-02T09:30:00+0100",
            "2026-03-02T09:30:00 Z", "2026-03-02T09:30:00Zx", " 2026-03-02T09:30:00Z", "2026-3-2T09:30:00Z", "26-03-02T09:30:00Z",
            "2026-00-02T09:30:00Z", "2026-13-02T09:30:00Z", "2026-03-00T09:30:00Z", "2026-03-32T09:30:00Z", "2026-04-31T09:30:00Z",
            "2026-02-29T09:30:00Z", "2100-02-29T09:30:00Z", "2024-02-30T09:30:00Z", "2026-03-02T24:00:00Z", "2026-03-02T09:60:00Z",
            "2026-03-02T09:30:61Z", "2026-03-02T09:30:00.Z", "2026-03-02T09:30:00,5Z", "2026-03-02T09:30:00+24:00",
            "2026-03-02T09:30:00+01:60", "2026-03-02T-9:30:00Z", "+026-03-02T09:30:00Z", "1969-12-31T23:59:59Z",
            "1970-01-01T00:00:00+00:01", "2262-04-11T00:00:00Z", "9999-12-31T23:59:59Z", "0000-01-01T00:00:00Z",
            "٢٠٢٦-03-02T09:30:00Z",
        ])
    func notRFC3339(text: String) {
        #expect(Timestamp.rfc3339(Array(text.utf8)) == nil)
    }

    @Test(
        "Numbers are Unix seconds, or milliseconds from 10^11 on",
        arguments: [
            ("0", 0), ("-0", 0), ("1", 1_000_000_000), ("1772443800", base), ("1772443800000", base), ("1772443800.5", base + 500_000_000),
            ("1772443800.123456789", base + 123_456_789), ("1772443800.1234567894", base + 123_456_789),
            ("1772443800.1234567895", base + 123_456_790), ("1772443800.9999999996", base + 1_000_000_000),
            ("1772443800000.25", base + 250_000), ("1772443800000.0000005", base + 1), ("1.7724438e9", base), ("1.7724438e12", base),
            ("100000000000", 100_000_000_000_000_000), ("9220000000", 9_220_000_000_000_000_000), ("9220000000000", 9_220_000_000_000_000_000),
        ] as [(String, UInt64)])
    func unix(text: String, nanoseconds: UInt64) {
        #expect(Timestamp.unix(Array(text.utf8)) == nanoseconds)
    }

    @Test(
        "Numbers before 1970 or beyond the limit are refused",
        arguments: ["-1", "-0.5", "-1e3", "9220000001", "99999999999", "9220000001000", "9223372036854775807", "99999999999999999999", "1e400"])
    func unixOutOfRange(text: String) {
        #expect(Timestamp.unix(Array(text.utf8)) == nil)
    }

    @Test(
        "What is no JSON number is no time, whatever else reads it as a number",
        arguments: ["", "x", "1.", ".5", "+5", "0x10", "0x1p3", "inf", "nan", "1 ", " 1", "1e", "1_000"])
    func notANumber(text: String) {
        #expect(Timestamp.unix(Array(text.utf8)) == nil)
    }

    @Test(
        "A time is written in UTC with milliseconds",
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (base, "2026-03-02T09:30:00.000Z"), (base + 1_999_999, "2026-03-02T09:30:00.001Z"),
            (951_868_799_000_000_000, "2000-02-29T23:59:59.000Z"), (4_107_542_400_000_000_000, "2100-03-01T00:00:00.000Z"),
        ] as [(UInt64, String)])
    func text(nanoseconds: UInt64, text: String) {
        #expect(Timestamp.text(nanoseconds) == text)
    }

    @Test("Any time, written and read again, is the same to the millisecond", arguments: 0..<UInt64(4))
    func roundTrip(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<500 {
            let time = UInt64.random(in: 0...9_220_000_000_000_000_000, using: &random)
            #expect(Timestamp.rfc3339(Array(Timestamp.text(time).utf8)) == time / 1_000_000 * 1_000_000)
        }
    }

    /// Walks over every day, so that no leap year's rule is missed.
    @Test("Each day's text follows the one before, through all leap years")
    func everyDay() throws {
        var previous = ""
        for day in UInt64(0)..<106_700 {
            let text = Timestamp.text(day * 86_400_000_000_000)
            let isRight = text > previous && Timestamp.rfc3339(Array(text.utf8)) == day * 86_400_000_000_000
            try #require(isRight, "\(text) after \(previous)")
            previous = text
        }
        #expect(previous.hasPrefix("2262-02"))
    }
}
