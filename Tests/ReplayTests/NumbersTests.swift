import Replay
import Testing

@Suite("Numbers as people read them")
struct NumbersTests {
    @Test("times are whole milliseconds, and have a digit after the point below ten", arguments: [
        (1644, "1,644 ms"), (4.702, "4.7 ms"), (598.2, "598 ms"), (9.94, "9.9 ms"), (9.96, "10 ms"), (5, "5 ms"), (0.02, "0 ms"),
        (1_692_000.4, "1,692,000 ms"), (nil, "–"),
    ] as [(Double?, String)])
    func times(value: Double?, shown: String) { #expect(Numbers.milliseconds(value) == shown) }

    @Test("shares are percentages, and their differences have a sign", arguments: [
        (0.15, "15 %", "+15 %"), (0.954, "95.4 %", "+95.4 %"), (-0.2, "-20 %", "-20 %"), (-0.0346, "-3.5 %", "-3.5 %"), (0, "0 %", "0 %"),
    ] as [(Double, String, String)])
    func shares(value: Double, share: String, difference: String) {
        #expect(Numbers.percent(value) == share && Numbers.signedPercent(value) == difference)
    }

    @Test("ratios have three digits after the point", arguments: [(1.2149, "1.215"), (0.9671, "0.967"), (1, "1.000"), (.nan, "–")] as [(Double, String)])
    func ratios(value: Double, shown: String) { #expect(Numbers.ratio(value) == shown) }
}
