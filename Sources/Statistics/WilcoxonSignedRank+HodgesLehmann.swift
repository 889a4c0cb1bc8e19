internal import Glibc

extension WilcoxonSignedRank {
    /// The Hodges–Lehmann estimate of the centre of the differences, in their unit: the median of the averages of all
    /// pairs of differences, each also with itself. Zeros take part, however the test treats them. Nil for none.
    ///
    /// Exact for any number of differences, in memory linear in it. Source: Hodges and Lehmann 1963.
    public var centre: Double? {
        sorted.isEmpty ? nil : WalshAverages(sorted: sorted).median
    }

    /// The interval of the centre that belongs to the test: what values, taken off all differences, it would not reject.
    ///
    /// From the exact distribution for up to 50 differences, else by the normal approximation; the confidence is at least
    /// the one asked for, and larger with ties. Nil when so few differences cannot give that confidence (fewer than six for
    /// 95 %), or for a confidence outside (0, 1). Source: Hollander, Wolfe and Chicken 2014, section 3.3.
    public func centreInterval(confidence: Double = 0.95) -> ConfidenceInterval? {
        guard let z = NormalDistribution.twoSidedReach(confidence: confidence), let centre else { return nil }
        let averages = WalshAverages(sorted: sorted)
        let cut = min(averages.count / 2 + averages.count % 2, averagesOutside(confidence: confidence, z: z))
        guard cut >= 1 else { return nil }
        return ConfidenceInterval(
            estimate: centre, lower: averages.value(rank: cut), upper: averages.value(rank: averages.count + 1 - cut),
            confidence: confidence)
    }

    /// The rank of the average at which the interval begins, from either side.
    private func averagesOutside(confidence: Double, z: Double) -> Int {
        if sorted.count <= 50 {
            return SignedRankDistribution(ranks: sorted.indices.map { $0 + 1 }).cut(tail: (1 - confidence) / 2)
        }
        let n = Double(sorted.count)
        let deviation = (n * (n + 1) * (2 * n + 1) / 24).squareRoot()
        return max(0, Int((n * (n + 1) / 4 + 0.5 - z * deviation).rounded(.down)))
    }
}
