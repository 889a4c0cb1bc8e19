/// All that a replay found, but for the details of each trace.
public struct ReplayReport: Sendable {
    /// The name of this replay, part of every exported id.
    public var replayID: String
    public var traces: String
    public var baseline: ArmDescription
    public var candidate: ArmDescription
    public var tally = ReplayTally()
    /// How often each trace was replayed; the tally counts every time.
    public var repetitions = 1
    /// Lines of the traces that were not read, by reason.
    public var rejectedLines: [String: Int] = [:]
    /// Runs of a recording that no trace asked for.
    public var unmatched = Unmatched()
    /// The gate's verdict, if there was one to give.
    public var gate: GateReport?
    /// Why the replay ended before its end; nil when it did not.
    public var partial: String?
    public var export: ExportAccount?
    /// The traces that changed against an earlier result.
    public var comparison: EarlierResult?
    /// Sentences that a reader must know, such as that both arms are the same recording.
    public var notes: [String] = []
    /// Seconds.
    public var duration = 0.0

    public init(replayID: String, traces: String, baseline: ArmDescription, candidate: ArmDescription) {
        self.replayID = replayID
        self.traces = traces
        self.baseline = baseline
        self.candidate = candidate
    }

    /// Who an arm is.
    public struct ArmDescription: Hashable, Sendable {
        /// The label, or the version of the release file.
        public var version: String
        /// `sha256:…` of the release, if a file was named.
        public var digest: String?
        /// What was run: `recorded`, a URL without credentials, a command.
        public var agent: String

        public init(version: String, digest: String? = nil, agent: String) {
            self.version = version
            self.digest = digest
            self.agent = agent
        }
    }

    public struct Unmatched: Hashable, Sendable {
        public var baseline = 0
        public var candidate = 0
        /// Some of their ids.
        public var examples: [String] = []

        public init() {}
    }

    /// What became of the spans and the evaluation events.
    public struct ExportAccount: Hashable, Sendable {
        public var target: String
        public var spansBuilt = 0
        public var spansAccepted = 0
        public var spansRejected = 0
        public var spansUnsent = 0
        public var eventsBuilt = 0
        public var eventsAccepted = 0
        public var eventsRejected = 0
        public var eventsUnsent = 0
        /// Why something was not exported.
        public var problem: String?

        public init(target: String) { self.target = target }

        public var isComplete: Bool { spansAccepted == spansBuilt && eventsAccepted == eventsBuilt }
    }

    /// How this result differs from an earlier one.
    public struct EarlierResult: Hashable, Sendable {
        public var file: String
        /// Ids of traces that passed before and fail now.
        public var broken: [String] = []
        /// Ids of traces that failed before and pass now.
        public var fixed: [String] = []
        /// Traces that only one of the results has.
        public var onlyBefore = 0
        public var onlyNow = 0

        public init(file: String) { self.file = file }
    }
}

/// The verdict over all runs.
public struct GateReport: Sendable {
    public enum Verdict: String, CaseIterable, Sendable {
        case pass, fail, inconclusive

        /// The exit status of `outrigger gate`.
        public var exitStatus: Int32 {
            switch self {
            case .pass: 0
            case .fail: 1
            case .inconclusive: 3
            }
        }
    }

    public var verdict: Verdict
    /// Whether an inconclusive verdict counts as passed, because the user said so.
    public var allowsInconclusive = false
    public var findings: [Finding] = []
    public var metrics: [Metric] = []
    public var slices: [Slice] = []
    public var flakiness: Flakiness?
    /// What was asked for; nil where nobody said.
    public var applied: Applied?

    public init(verdict: Verdict) { self.verdict = verdict }

    /// What the verdict was given by, which its findings alone do not tell: rules that hold are seldom told one by one.
    public struct Applied: Hashable, Sendable {
        /// Bounds on the whole set, `min_runs` left out.
        public var thresholds: Int
        /// Bounds on slices, likewise.
        public var sliceThresholds: Int
        /// Traces with evidence that the whole set had to have, and that it had.
        public var minRuns: Int
        public var evidentTraces: Int
        /// On how many runs each check of the gate file was looked at, in the order of the file.
        public var checkedRuns: [Int]

        public init(thresholds: Int, sliceThresholds: Int, minRuns: Int, evidentTraces: Int, checkedRuns: [Int]) {
            self.thresholds = thresholds
            self.sliceThresholds = sliceThresholds
            self.minRuns = minRuns
            self.evidentTraces = evidentTraces
            self.checkedRuns = checkedRuns
        }
    }

    /// The verdict of one rule.
    public struct Finding: Hashable, Sendable {
        /// A stable name, such as `max_failed` or `identical_arms`.
        public var rule: String
        public var verdict: Verdict
        /// What was measured, what was asked for, and the remedy.
        public var message: String

        public init(rule: String, verdict: Verdict, message: String) {
            self.rule = rule
            self.verdict = verdict
            self.message = message
        }
    }

    /// A paired comparison of the arms.
    public struct Metric: Sendable {
        /// `pass_rate`, `latency_ms` or `cost_tokens`.
        public var name: String
        /// Pairs with a value on both sides.
        public var pairs: Int
        public var baseline: Double
        public var candidate: Double
        /// What is estimated, in words: `difference of pass rates`, `ratio of means`, …
        public var effectName: String
        public var effect: Double
        public var interval: ClosedRange<Double>?
        /// 0.95 for a 95 % interval.
        public var confidence: Double
        /// What the effect may be at worst.
        public var margin: Double?
        public var test: String
        public var pValue: Double?
        /// Corrected for the number of metrics.
        public var adjustedPValue: Double?
        /// `better`, `not worse`, `worse` or `undecided`.
        public var decision: String
        public var verdict: Verdict
        /// Whether it is a share, of which more is better, and its effect a difference; else less is, and it is a ratio.
        public var isRate: Bool { name == "pass_rate" }

        public init(
            name: String, pairs: Int, baseline: Double, candidate: Double, effectName: String, effect: Double,
            interval: ClosedRange<Double>?, confidence: Double, margin: Double?, test: String, pValue: Double?,
            adjustedPValue: Double? = nil, decision: String, verdict: Verdict
        ) {
            self.name = name
            self.pairs = pairs
            self.baseline = baseline
            self.candidate = candidate
            self.effectName = effectName
            self.effect = effect
            self.interval = interval
            self.confidence = confidence
            self.margin = margin
            self.test = test
            self.pValue = pValue
            self.adjustedPValue = adjustedPValue
            self.decision = decision
            self.verdict = verdict
        }
    }

    /// Counts of a slice that has thresholds of its own.
    public struct Slice: Sendable {
        public var name: String
        public var tally: ReplayTally

        public init(name: String, tally: ReplayTally) {
            self.name = name
            self.tally = tally
        }
    }

    /// What repeating every trace showed.
    public struct Flakiness: Sendable {
        public var repetitions: Int
        /// The chance that k repetitions of a trace all pass, for k from 1.
        public var passHatK: [Double]
        /// Traces that passed sometimes and failed sometimes, with how often they passed.
        public var flaky: [(traceID: String, passed: Int)]
        /// How many traces were flaky, be they listed or not.
        public var flakyCount: Int

        public init(repetitions: Int, passHatK: [Double], flaky: [(traceID: String, passed: Int)], flakyCount: Int) {
            self.repetitions = repetitions
            self.passHatK = passHatK
            self.flaky = flaky
            self.flakyCount = flakyCount
        }
    }
}
