/// Bootstrap of a statistic that compares a candidate with its baseline, pair by pair: a resample draws pairs with
/// replacement, so what the arms have in common on one trace stays together. Source: Efron and Tibshirani 1993.
///
/// The same values and seed give the same resamples on every machine. Each costs one draw for each pair; see
/// ``resamples(_:pairs:)`` for how many are made.
public struct PairedBootstrap: Sendable {
    public enum Statistic: Hashable, Sendable {
        /// Mean of candidate − mean of baseline.
        case meanDifference
        /// Mean of candidate ÷ mean of baseline.
        case ratioOfMeans
        /// As `meanDifference`, of the quantile at this probability: 0.95 for the 95th percentile (type 7).
        case quantileDifference(Double)
        /// As `ratioOfMeans`, of the quantile at this probability.
        case ratioOfQuantiles(Double)

        var isRatio: Bool {
            switch self {
            case .ratioOfMeans, .ratioOfQuantiles: true
            case .meanDifference, .quantileDifference: false
            }
        }

        /// Nil for a ratio to a baseline that is not positive, and for what overflowed.
        func compare(_ arms: Arms) -> Double? {
            if isRatio, !(arms.baseline > 0) { return nil }
            let value = isRatio ? arms.candidate / arms.baseline : arms.candidate - arms.baseline
            return value.isFinite ? value : nil
        }
    }

    public let statistic: Statistic
    /// The statistic of the values as given.
    public let estimate: Double
    /// The baseline's mean or quantile, as given.
    public let baselineValue: Double
    /// The statistic of each resample, ascending.
    public let resampled: [Double]
    /// How the standard error changes with the statistic, from the jackknife.
    let acceleration: Double

    /// Value K of both arms belongs to trace K; all in one unit.
    ///
    /// Nil for arms of different length, fewer than two pairs, values that are not finite, a probability outside [0, 1],
    /// no resamples, or a ratio where the baseline of any resample is not positive: sparse values have no stable ratio.
    public init?(
        baseline: [Double], candidate: [Double], statistic: Statistic, resamples: Int = 10_000, seed: UInt64 = 0
    ) {
        guard baseline.count == candidate.count, baseline.count > 1, resamples > 0,
            baseline.allSatisfy(\.isFinite), candidate.allSatisfy(\.isFinite)
        else { return nil }
        let count = Self.resamples(resamples, pairs: baseline.count)
        switch statistic {
        case .meanDifference, .ratioOfMeans:
            self.init(statistic, of: ResampledMeans(baseline, candidate), pairs: baseline.count, count, seed)
        case .quantileDifference(let probability), .ratioOfQuantiles(let probability):
            guard probability >= 0, probability <= 1 else { return nil }
            let quantiles = ResampledQuantiles(baseline, candidate, probability)
            self.init(statistic, of: quantiles, pairs: baseline.count, count, seed)
        }
    }

    private init?(
        _ statistic: Statistic, of source: some ResampledArms, pairs: Int, _ resamples: Int, _ seed: UInt64
    ) {
        var source = source
        var generator = Xoshiro256(seed: seed)
        guard let estimate = statistic.compare(source.whole) else { return nil }
        var resampled: [Double] = []
        resampled.reserveCapacity(resamples)
        for _ in 0..<resamples {
            guard let value = statistic.compare(source.resample(using: &generator)) else { return nil }
            resampled.append(value)
        }
        resampled.sort()
        self.statistic = statistic
        self.estimate = estimate
        self.resampled = resampled
        baselineValue = source.whole.baseline
        // Leaving out one pair can take away a ratio's baseline; without acceleration the interval is only corrected for
        // bias.
        let leftOut = (0..<pairs).compactMap { statistic.compare(source.without($0)) }
        acceleration = leftOut.count == pairs ? Self.acceleration(leftOut) : 0
    }

    /// The resamples that are made when so many are asked for: fewer where they would take more than 2 × 10^8 draws in all
    /// (less than a second in a release build), but not fewer than 1000, below which the ends of an interval are noise.
    ///
    /// So 100,000 pairs get 2000. From 200,000 pairs on time grows with their number, and faster once they no longer fit the
    /// cache: a million pairs take seconds to half a minute.
    public static func resamples(_ wanted: Int, pairs: Int) -> Int {
        min(wanted, max(1000, 200_000_000 / max(1, pairs)))
    }

    private static func acceleration(_ leftOut: [Double]) -> Double {
        let mean = leftOut.reduce(0, +) / Double(leftOut.count)
        var squares = 0.0
        var cubes = 0.0
        for value in leftOut {
            let deviation = mean - value
            squares += deviation * deviation
            cubes += deviation * deviation * deviation
        }
        let acceleration = cubes / (6 * squares * squares.squareRoot())
        // Nothing varies, or too little or too much for its cube to be a number.
        return acceleration.isFinite ? acceleration : 0
    }
}
