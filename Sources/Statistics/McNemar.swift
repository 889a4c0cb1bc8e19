/// McNemar's exact test: whether candidate and baseline pass the same traces equally often.
///
/// Only the traces on which the two disagree say anything about that; under the hypothesis of no difference each of them
/// is as likely a regression as an improvement. Source: McNemar 1947; exact binomial form after Fleiss 1981.
public struct McNemar: Hashable, Sendable {
    public let bothPassed: Int
    /// The baseline passed, the candidate failed ("b" in the literature).
    public let regressions: Int
    /// The baseline failed, the candidate passed ("c").
    public let improvements: Int
    public let bothFailed: Int

    /// Counts of traces. Nil for a negative count or more than 2^53 in all; all may be zero.
    public init?(bothPassed: Int, regressions: Int, improvements: Int, bothFailed: Int) {
        var total = 0
        for count in [bothPassed, regressions, improvements, bothFailed] {
            guard count >= 0, count <= (1 << 53) - total else { return nil }
            total += count
        }
        self.bothPassed = bothPassed
        self.regressions = regressions
        self.improvements = improvements
        self.bothFailed = bothFailed
    }

    /// Number of traces.
    public var total: Int { bothPassed + regressions + improvements + bothFailed }

    /// The same comparison with the arms exchanged.
    public var swapped: McNemar {
        McNemar(bothPassed, improvements, regressions, bothFailed)
    }

    private init(_ bothPassed: Int, _ regressions: Int, _ improvements: Int, _ bothFailed: Int) {
        self.bothPassed = bothPassed
        self.regressions = regressions
        self.improvements = improvements
        self.bothFailed = bothFailed
    }

    /// Two-sided p-value; 1 when nothing disagrees, and 0 only below the smallest `Double`.
    public var pValue: Double {
        min(1, 2 * Self.tail(of: max(regressions, improvements), against: min(regressions, improvements)))
    }

    /// One-sided p-value: how likely so many regressions or more are if the candidate is not worse; 1 when there are none.
    public var pValueOfCandidateWorse: Double {
        Self.tail(of: regressions, against: improvements)
    }

    /// P(X ≥ count) of count + other fair coins. Relative error below 2e-12 for counts to 10^7.
    private static func tail(of count: Int, against other: Int) -> Double {
        count == 0 ? 1 : IncompleteBeta(a: Double(count), b: Double(other) + 1).tails(at: 0.5).lower
    }
}
