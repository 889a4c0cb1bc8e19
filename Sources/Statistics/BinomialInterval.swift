/// Intervals for a proportion, as of passed runs, from `successes` out of `trials`.
///
/// Both return nil for no trials, for counts that are negative or do not fit each other, for more than 2^53 trials, and
/// for a confidence outside (0, 1).
public enum BinomialInterval {
    /// The exact interval: it covers the true proportion at least as often as it says, for every proportion; so it is
    /// wide for few trials. Source: Clopper and Pearson 1934.
    public static func clopperPearson(successes: Int, trials: Int, confidence: Double = 0.95) -> ConfidenceInterval? {
        guard let (k, n) = counts(successes, trials), confidence > 0, confidence < 1 else { return nil }
        let tail = (1 - confidence) / 2
        let lower = k == 0 ? 0 : IncompleteBeta(a: k, b: n - k + 1).quantile(lowerTail: tail)
        let upper = k == n ? 1 : IncompleteBeta(a: k + 1, b: n - k).quantile(upperTail: tail)
        return ConfidenceInterval(estimate: k / n, lower: lower, upper: upper, confidence: confidence)
    }

    /// The score interval: its coverage is near what it says on average, and it never leaves [0, 1]; no continuity
    /// correction. Source: Wilson 1927.
    public static func wilson(successes: Int, trials: Int, confidence: Double = 0.95) -> ConfidenceInterval? {
        guard let (k, n) = counts(successes, trials),
            let z = NormalDistribution.twoSidedReach(confidence: confidence)
        else { return nil }
        let centre = (2 * k + z * z) / (2 * (n + z * z))
        let half = z * (z * z + 4 * k * ((n - k) / n)).squareRoot() / (2 * (n + z * z))
        return ConfidenceInterval(
            estimate: k / n,
            // The formula gives these ends exactly, its rounding does not.
            lower: k == 0 ? 0 : max(0, centre - half),
            upper: k == n ? 1 : min(1, centre + half),
            confidence: confidence)
    }

    private static func counts(_ successes: Int, _ trials: Int) -> (k: Double, n: Double)? {
        guard trials > 0, trials <= 1 << 53, successes >= 0, successes <= trials else { return nil }
        return (Double(successes), Double(trials))
    }
}
