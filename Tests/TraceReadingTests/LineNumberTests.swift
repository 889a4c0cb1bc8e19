import AgentRuns
import Testing
import TraceReading

@Suite("Numbers in a line")
struct LineNumberTests {
    @Test(
        "A number is no less exact than it was written",
        arguments: [
            ("0", .integer(0)), ("-0", .integer(0)), ("350", .integer(350)), ("-7", .integer(-7)),
            ("9223372036854775807", .integer(.max)), ("-9223372036854775808", .integer(.min)),
            ("9223372036854775808", .real(9_223_372_036_854_775_808)), ("123456789012345678901234567890", .real(1.2345678901234568e29)),
            ("12.0", .real(12)), ("0.1", .real(0.1)), ("1e3", .real(1000)), ("1e400", .real(.infinity)), ("-1e400", .real(-.infinity)),
            ("1e-400", .real(0)), ("5e-324", .real(.leastNonzeroMagnitude)),
        ] as [(String, RecordedNumber)])
    func exact(text: String, number: RecordedNumber) throws {
        let line = try DecodedLine(#"{"latency_ms":\#(text),"cost_tokens":\#(text)}"#)
        #expect(line.run.latency == number)
        #expect(line.run.costTokens == number)
    }

    @Test(
        "A count of tokens may be written as a decimal, if it is whole",
        arguments: [("12.0", 12), ("1.2e1", 12), ("-3", -3), ("9223372036854775807", Int64.max), ("1e18", 1_000_000_000_000_000_000)])
    func wholeNumber(text: String, value: Int64) throws {
        let line = try DecodedLine(#"{"input_tokens":\#(text),"output_tokens":\#(text)}"#)
        #expect(line.run.inputTokens == value)
        #expect(line.run.outputTokens == value)
    }

    @Test(
        "A number's whole value is its integer, if 64 bits hold it",
        arguments: [
            (.integer(5), 5), (.real(5), 5), (.real(-0.0), 0), (.real(5.5), nil), (.real(9_223_372_036_854_775_808), nil),
            (.real(-9_223_372_036_854_775_808), Int64.min), (.real(.infinity), nil), (.real(.nan), nil),
        ] as [(RecordedNumber, Int64?)])
    func integer(number: RecordedNumber, value: Int64?) {
        #expect(number.integer == value)
    }

    @Test(
        "Milliseconds become nanoseconds, rounded half up; what cannot be a duration is none",
        arguments: [
            (.integer(0), 0), (.integer(350), 350_000_000), (.real(12.5), 12_500_000), (.real(0.0000005), 1), (.real(0.0000004), 0),
            (.real(-0.0), 0), (.integer(86_400_000), 86_400_000_000_000), (.real(86_400_000), 86_400_000_000_000),
            (.integer(86_400_001), nil), (.real(86_400_000.5), nil), (.integer(-1), nil), (.real(-0.5), nil), (.real(.infinity), nil),
            (.real(-.infinity), nil), (.real(.nan), nil), (.integer(.max), nil), (.integer(.min), nil), (.real(1e300), nil),
        ] as [(RecordedNumber, UInt64?)])
    func milliseconds(number: RecordedNumber, nanoseconds: UInt64?) {
        #expect(number.millisecondsAsNanoseconds == nanoseconds)
    }
}
