public import Replay

/// What a gate asks for before it says *pass*.
public struct GatePolicy: Sendable {
    public var thresholds = Thresholds()
    public var slices: [SliceRule] = []
    public var comparison = Comparison()
    /// Tools of the candidate's release, each of which some trace must exercise; empty when no release file was named.
    public var releaseTools: [String] = []
    /// Tools that the checks name: one that nothing else names is told of, since it may be a slip of the hand.
    public var checkedTools: [String] = []
    /// Whether an inconclusive verdict lets the merge through.
    public var allowsInconclusive = false

    public init() {}

    /// Bounds on counts. What is nil is not asked for.
    public struct Thresholds: Hashable, Sendable {
        public var maxFailed: Int?
        public var maxToolMisuse: Int?
        public var maxBudgetOverruns: Int?
        /// Candidates' runs that ended in a problem: an error, a time-out, no run at all.
        public var maxProblems: Int?
        /// Between 0 and 1.
        public var minPassRate: Double?
        /// Traces in which something was expected that could have failed, and both arms ran.
        public var minRuns = 1

        public init() {}

        /// How many bounds are asked for, `minRuns` left out.
        var bounds: Int {
            [maxFailed, maxToolMisuse, maxBudgetOverruns, maxProblems].count { $0 != nil } + (minPassRate == nil ? 0 : 1)
        }
    }

    /// A slice with thresholds of its own.
    public struct SliceRule: Sendable {
        public var name: String
        public var slice: TraceSlice
        public var thresholds: Thresholds

        public init(name: String, slice: TraceSlice, thresholds: Thresholds) {
            self.name = name
            self.slice = slice
            self.thresholds = thresholds
        }
    }

    /// The paired comparison of the arms.
    public struct Comparison: Sendable {
        /// Between 0 and 1, for all metrics together.
        public var confidence = 0.95
        public var passRate: PassRate? = PassRate()
        /// Metrics of which less is better, by name.
        public var measures: [Measure] = []
        /// Of the resampling: the same seed gives the same verdict.
        public var seed: UInt64 = 1

        public init() {}
    }

    public struct PassRate: Hashable, Sendable {
        /// How much lower the candidate's pass rate may be, between 0 and 1; nil fails only what is significantly worse.
        public var margin: Double?
        /// Whether the gate file asks for it in so many words. One that nobody asked for may find the candidate worse, but is
        /// no reason to withhold a verdict when there are too few traces for it.
        public var isAskedFor: Bool

        public init(margin: Double? = nil, isAskedFor: Bool = false) {
            self.margin = margin
            self.isAskedFor = isAskedFor
        }
    }

    public struct Measure: Hashable, Sendable {
        public enum Name: String, CaseIterable, Sendable {
            case latency = "latency_ms"
            case cost = "cost_tokens"
        }

        public enum Statistic: Hashable, Sendable {
            case mean
            /// Between 0 and 1.
            case quantile(Double)
        }

        public var name: Name
        public var statistic = Statistic.mean
        /// How much more the candidate may take, as a share of the baseline; nil fails only what is significantly worse.
        public var margin: Double?

        public init(_ name: Name, statistic: Statistic = .mean, margin: Double? = nil) {
            self.name = name
            self.statistic = statistic
            self.margin = margin
        }
    }
}
