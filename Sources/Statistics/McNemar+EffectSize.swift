extension McNemar {
    /// Pass rate of the candidate less that of the baseline, in [−1, 1]: above zero the candidate is better. Nil without
    /// traces.
    ///
    /// Newcombe's hybrid score interval (1998, "Improved confidence intervals for the difference between binomial
    /// proportions based on paired data", method 10). It is chosen over Tango's score interval, which covers about as
    /// well, because it is a closed form: nothing to converge, never outside [−1, 1], and with a width even when nothing
    /// disagrees.
    public func differenceInterval(confidence: Double = 0.95) -> ConfidenceInterval? {
        let baselinePassed = bothPassed + regressions
        let candidatePassed = bothPassed + improvements
        guard
            let baseline = BinomialInterval.wilson(successes: baselinePassed, trials: total, confidence: confidence),
            let candidate = BinomialInterval.wilson(successes: candidatePassed, trials: total, confidence: confidence)
        else { return nil }
        let estimate = Double(improvements - regressions) / Double(total)
        let below = reach(candidate.estimate - candidate.lower, baseline.upper - baseline.estimate)
        let above = reach(candidate.upper - candidate.estimate, baseline.estimate - baseline.lower)
        return ConfidenceInterval(
            estimate: estimate, lower: max(-1, estimate - below), upper: min(1, estimate + above),
            confidence: confidence)
    }

    /// The two half-widths, combined as the sides of a triangle whose angle is the arms' correlation.
    private func reach(_ first: Double, _ second: Double) -> Double {
        max(0, first * first - 2 * correlation * first * second + second * second).squareRoot()
    }

    /// Phi of the two by two table, with the continuity correction of method 10 when it is positive; 0 where a margin is
    /// empty.
    private var correlation: Double {
        let a = Double(bothPassed)
        let b = Double(regressions)
        let c = Double(improvements)
        let d = Double(bothFailed)
        // Roots of each factor: the product of four counts of 10^7 would be exact no longer, and that of larger ones huge.
        let margins = [a + b, c + d, a + c, b + d].map { $0.squareRoot() }.reduce(1, *)
        guard margins > 0 else { return 0 }
        let determinant = a * d - b * c
        return (determinant > 0 ? max(0, determinant - (a + b + c + d) / 2) : determinant) / margins
    }

    /// Regressions for each improvement, the conditional maximum-likelihood odds ratio: above 1 the candidate is worse.
    /// Nil without an improvement, when it has no finite estimate; ``oddsRatioInterval(confidence:)`` is there even then.
    public var oddsRatio: Double? {
        improvements == 0 ? nil : Double(regressions) / Double(improvements)
    }

    /// Exact conditional interval of the odds ratio, from the Clopper–Pearson interval of the share of regressions among
    /// disagreements (Breslow and Day 1980). Nil when nothing disagrees.
    ///
    /// Without improvements estimate and upper end are infinite: test `isFinite` before writing them as JSON.
    public func oddsRatioInterval(confidence: Double = 0.95) -> ConfidenceInterval? {
        BinomialInterval.clopperPearson(
            successes: regressions, trials: regressions + improvements, confidence: confidence
        ).map { share in
            ConfidenceInterval(
                estimate: oddsRatio ?? .infinity, lower: share.lower / (1 - share.lower),
                upper: improvements == 0 ? .infinity : share.upper / (1 - share.upper), confidence: confidence)
        }
    }
}
