/// Whether a candidate is at most a margin worse than its baseline, decided from an interval.
///
/// The interval is always of candidate − baseline (or of candidate ÷ baseline); ``Direction`` says which way is worse. From
/// a two-sided interval of confidence 1 − 2α each of "not worse" and "worse" is wrong with probability α at most: a 95 %
/// interval gives 2.5 %. Source: Piaggio et al. 2012, the CONSORT extension for non-inferiority trials, figure 1.
public struct NonInferiority: Hashable, Sendable {
    /// Which way a metric gets worse.
    public enum Direction: Hashable, Sendable {
        /// As for latency and tokens.
        case largerIsWorse
        /// As for a pass rate or a score.
        case largerIsBetter
    }

    /// How much worse is still acceptable; not negative.
    public enum Margin: Hashable, Sendable {
        /// In the metric's unit.
        case absolute(Double)
        /// As a share of the baseline: 0.05 accepts 5 % worse.
        case relative(Double)
    }

    public enum Verdict: String, Hashable, Sendable {
        /// The whole interval lies on the better side of no difference.
        case better
        /// The whole interval lies on the acceptable side of the margin. The candidate may be known to be worse, but not
        /// by as much as the margin.
        case notWorse
        /// The whole interval lies beyond the margin.
        case worse
        /// The interval encloses the margin, or an end of it lies there: more data may decide.
        case undecided
    }

    public let margin: Margin
    public let direction: Direction

    /// Nil for a margin that is negative, infinite or NaN.
    public init?(margin: Margin, direction: Direction) {
        let size = switch margin { case .absolute(let size), .relative(let size): size }
        guard size >= 0, size.isFinite else { return nil }
        self.margin = margin
        self.direction = direction
    }

    /// Judges an interval of candidate − baseline.
    ///
    /// A relative margin is taken of the absolute value of `baseline`, as if that were known without error; judge a ratio
    /// where it is not. Undecided for ends that are NaN or out of order, and for a relative margin of no finite baseline.
    public func judge(difference: ConfidenceInterval, baseline: Double? = nil) -> Verdict {
        switch margin {
        case .absolute(let size): verdict(difference.lower, difference.upper, margin: size)
        case .relative(let share):
            baseline.map { verdict(difference.lower, difference.upper, margin: share * abs($0)) } ?? .undecided
        }
    }

    /// Judges an interval of candidate ÷ baseline, both positive: the ratio 1 is no difference.
    ///
    /// Nothing is decided about an absolute margin, since a ratio does not say how large the difference is.
    public func judge(ratio: ConfidenceInterval) -> Verdict {
        guard case .relative(let share) = margin else { return .undecided }
        return verdict(ratio.lower - 1, ratio.upper - 1, margin: share)
    }

    private func verdict(_ lower: Double, _ upper: Double, margin: Double) -> Verdict {
        guard lower <= upper, margin.isFinite else { return .undecided }
        // From here on, larger is worse.
        let (best, worst) = direction == .largerIsWorse ? (lower, upper) : (-upper, -lower)
        if worst < 0 { return .better }
        if worst < margin { return .notWorse }
        return best > margin ? .worse : .undecided
    }
}
