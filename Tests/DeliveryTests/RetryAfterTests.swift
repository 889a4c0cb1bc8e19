import Testing

@testable import Delivery

@Suite struct RetryAfterTests {
    /// Sun, 06 Nov 1994 08:49:37 GMT, the example of RFC 9110, in Unix seconds.
    static let exampleDate = 784_111_777

    @Test(arguments: [("0", 0), ("1", 1), ("120", 120), ("86400", 86400), ("4294967295", 4_294_967_295)])
    func wholeSeconds(_ text: String, _ seconds: Int) {
        #expect(RetryAfter.wait(text, now: 1_700_000_000) == .seconds(seconds))
    }

    /// The three forms that RFC 9110 tells a recipient to read.
    @Test(arguments: ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"])
    func datesAreWaitedFor(_ text: String) {
        #expect(RetryAfter.wait(text, now: Self.exampleDate - 90) == .seconds(90))
        #expect(RetryAfter.wait(text, now: Self.exampleDate) == .zero)
    }

    @Test func aDateInThePastIsNow() {
        #expect(RetryAfter.wait("Sun, 06 Nov 1994 08:49:37 GMT", now: Self.exampleDate + 1000) == .zero)
    }

    @Test(arguments: ["", "soon", "-1", "1.5", "1e3", "12 s", "0x10", "NaN", "99999999999999999999"])
    func nonsenseIsNoWait(_ text: String) {
        #expect(RetryAfter.wait(text, now: 1_700_000_000) == nil)
    }
}
