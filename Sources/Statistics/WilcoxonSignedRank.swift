internal import Glibc

/// Wilcoxon's signed-rank test of paired differences: whether they are centred on zero.
///
/// Differences are candidate − baseline, in the metric's unit; so for latency and tokens `greater` asks whether the
/// candidate is worse. The test assumes that differences are symmetric about their centre. Sources: Wilcoxon 1945; Pratt
/// 1959 and Cureton 1967 for zeros. Memory is linear in the number of differences.
public struct WilcoxonSignedRank: Sendable {
    /// What becomes of pairs without a difference.
    public enum Zeros: Hashable, Sendable {
        /// They are left out, as Wilcoxon did.
        case drop
        /// They take the lowest ranks, which then belong to neither side; so many zeros speak against a difference.
        case pratt
    }

    /// What is claimed against "centred on zero".
    public enum Alternative: Hashable, Sendable, CaseIterable {
        case twoSided
        /// The candidate's values are larger.
        case greater
        /// The candidate's values are smaller.
        case less
    }

    public enum Method: Hashable, Sendable {
        /// Exact for up to 50 ranked differences, else the normal approximation without continuity correction.
        case automatic
        /// With tie correction; the continuity correction is the one that scipy calls `correction`.
        case normalApproximation(continuityCorrection: Bool)
    }

    /// Number of differences that are not zero.
    public let nonZeroCount: Int
    public let zeroCount: Int
    /// Sum of the ranks of positive differences; scipy's statistic for a one-sided test.
    public let positiveRankSum: Double
    public let negativeRankSum: Double

    /// All differences, zeros too, ascending.
    let sorted: [Double]
    /// Twice the ranks of the differences that are not zero, since a midrank can end in one half.
    private let doubledRanks: [Int]
    /// t³ − t over all groups of t equal magnitudes.
    private let tieTerm: Double
    private let zeros: Zeros

    /// Equal magnitudes share their mean rank; they are equal only if the very same `Double`. Nil if a difference is
    /// infinite or NaN; no differences at all are fine.
    public init?(differences: [Double], zeros: Zeros = .drop) {
        guard differences.allSatisfy(\.isFinite) else { return nil }
        let ordered = differences.filter { $0 != 0 }.sorted { abs($0) < abs($1) }
        self.zeros = zeros
        sorted = differences.sorted()
        nonZeroCount = ordered.count
        zeroCount = differences.count - ordered.count
        let ranks = Self.doubledRanks(ordered, above: zeros == .pratt ? zeroCount : 0)
        doubledRanks = ranks.values
        tieTerm = ranks.tieTerm
        var positive = 0
        var negative = 0
        for (difference, rank) in zip(ordered, ranks.values) {
            if difference > 0 { positive += rank } else { negative += rank }
        }
        positiveRankSum = Double(positive) / 2
        negativeRankSum = Double(negative) / 2
    }

    private static func doubledRanks(_ ordered: [Double], above first: Int) -> (values: [Int], tieTerm: Double) {
        var ranks: [Int] = []
        ranks.reserveCapacity(ordered.count)
        var tieTerm = 0.0
        while ranks.count < ordered.count {
            let start = ranks.count
            let magnitude = abs(ordered[start])
            var end = start + 1
            while end < ordered.count, abs(ordered[end]) == magnitude { end += 1 }
            // The ranks first + start + 1 … first + end; twice their mean is the sum of the outer two.
            ranks.append(contentsOf: repeatElement(2 * first + start + 1 + end, count: end - start))
            let tied = Double(end - start)
            tieTerm += tied * tied * tied - tied
        }
        return (ranks, tieTerm)
    }

    /// The p-value, in [0, 1]; 1 when no difference is left to rank.
    ///
    /// Exact values keep ties and zeros as they were observed and count the signs that could have been: the conditional
    /// distribution of Streitberg and Röhmel 1986, equal to the tabulated one without ties and to scipy's permutation test
    /// with them.
    public func pValue(_ alternative: Alternative = .twoSided, method: Method = .automatic) -> Double {
        guard nonZeroCount > 0 else { return 1 }
        switch method {
        case .automatic where rankedCount <= 50: return exact(alternative)
        case .automatic: return approximate(alternative, continuityCorrection: false)
        case .normalApproximation(let correction): return approximate(alternative, continuityCorrection: correction)
        }
    }

    /// Matched-pairs rank-biserial correlation, in [−1, 1]: the share of rank sum that is positive less that which is
    /// negative; above zero the candidate's values are larger. Nil when all differences are zero. Source: King, Rosopa and
    /// Minium 2000; Kerby 2014.
    public var rankBiserialCorrelation: Double? {
        nonZeroCount == 0 ? nil : (positiveRankSum - negativeRankSum) / (positiveRankSum + negativeRankSum)
    }

    private var rankedCount: Int { zeros == .pratt ? nonZeroCount + zeroCount : nonZeroCount }

    private func exact(_ alternative: Alternative) -> Double {
        let distribution = SignedRankDistribution(ranks: doubledRanks)
        // By symmetry the upper tail is the lower one of the other side's sum.
        let less = distribution.cumulative(Int(2 * positiveRankSum))
        let greater = distribution.cumulative(Int(2 * negativeRankSum))
        return switch alternative {
        case .less: less
        case .greater: greater
        case .twoSided: min(1, 2 * min(less, greater))
        }
    }

    private func approximate(_ alternative: Alternative, continuityCorrection: Bool) -> Double {
        let n = Double(rankedCount)
        let dropped = zeros == .pratt ? Double(zeroCount) : 0
        let squares = n * (n + 1) * (2 * n + 1) - dropped * (dropped + 1) * (2 * dropped + 1)
        let deviation = ((squares - tieTerm / 2) / 24).squareRoot()
        // Half the sum of all ranks is the mean, so half the excess of one side is the distance from it.
        let distance = (positiveRankSum - negativeRankSum) / 2
        let towards: Double =
            switch alternative {
            case .greater: 1
            case .less: -1
            case .twoSided: distance == 0 ? 0 : distance < 0 ? -1 : 1
            }
        let z = (distance - (continuityCorrection ? towards * 0.5 : 0)) / deviation
        return switch alternative {
        case .greater: NormalDistribution.lowerTail(-z)
        case .less: NormalDistribution.lowerTail(z)
        case .twoSided: 2 * NormalDistribution.lowerTail(-abs(z))
        }
    }
}
