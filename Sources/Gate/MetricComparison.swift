internal import Replay
internal import Statistics

/// Compares the arms metric by metric, pair by pair.
///
/// A metric with a margin passes when its interval excludes that the candidate is worse by the margin, fails when it
/// excludes that it is not, and is inconclusive otherwise. One without a margin fails when the candidate is significantly
/// worse. Intervals are widened (Bonferroni) and p-values corrected (Holm) for the number of metrics, so that a candidate
/// which is as good as the baseline fails no more often than the confidence says, however many metrics are looked at.
struct MetricComparison {
    private let comparison: GatePolicy.Comparison

    init(_ comparison: GatePolicy.Comparison) { self.comparison = comparison }

    private var count: Int { comparison.measures.count + (comparison.passRate == nil ? 0 : 1) }
    /// The chance of a wrong *worse*, over all metrics.
    private var alpha: Double { 1 - comparison.confidence }
    /// Of one interval. Its two sides are two errors of which only one does harm, but readers expect two-sided intervals.
    private var confidence: Double { 1 - alpha / Double(max(1, count)) }

    /// Fewer pairs than these cannot show that the candidate is worse, whatever they say: the sign of each would come out so
    /// with a chance of 2⁻ⁿ, and that is not below alpha. Intervals of so few pairs are too narrow to be trusted.
    var minimumPairs: Int {
        let perMetric = alpha / Double(max(1, count))
        var pairs = 1
        while pairs < 64, 1 / Double(1 << pairs) > perMetric { pairs += 1 }
        return pairs
    }

    /// The share of the baseline's values that the candidate may leave out before the rest says nothing.
    static let maximumUnreported = 0.05

    private func unreported(_ metric: GateReport.Metric, _ evidence: GateEvidence) -> Int {
        GatePolicy.Measure.Name(rawValue: metric.name).flatMap { evidence.samples(of: $0)?.unreportedByCandidate } ?? 0
    }

    /// - Parameter latenciesAreComparable: false when only one arm waited for its tools.
    func metrics(_ evidence: GateEvidence, latenciesAreComparable: Bool = true) -> [GateReport.Metric] {
        var metrics: [GateReport.Metric] = []
        if let rule = comparison.passRate, let metric = passRate(rule, evidence) { metrics.append(metric) }
        for measure in comparison.measures {
            let isComparable = latenciesAreComparable || measure.name != .latency
            metrics.append(self.measure(measure, evidence.samples(of: measure.name), isComparable: isComparable))
        }
        return decided(metrics)
    }

    func findings(_ metrics: [GateReport.Metric], _ evidence: GateEvidence) -> [GateReport.Finding] {
        metrics.map { metric in
            let words = switch metric.decision {
            case "not reported": "no trace has \(metric.name) of both arms: there is nothing to compare"
            case "partly reported":
                "the candidate does not report \(metric.name) in \(Numbers.count(unreported(metric, evidence), "trace")) in which the baseline "
                    + "does (\(Numbers.count(metric.pairs, "pair")) \(metric.pairs == 1 ? "remains" : "remain")): what is not reported may be what is worse"
            case "nothing to compare with":
                "the baseline's \(metric.name) is 0 in all \(Numbers.count(metric.pairs, "trace")): nothing can be said in relation to it"
            case "too few":
                "\(Numbers.count(metric.pairs, "pair")): with fewer than \(minimumPairs) no difference, however large, could be told from "
                    + "chance at \(Numbers.percent(comparison.confidence)); record more traces"
            case "not comparable":
                "one arm's times are recorded, with its tools, and the other's tools were answered by the replay at once; run "
                    + "both arms, or take \(metric.name) out of compare"
            case "worse": "the candidate is worse: \(effect(metric))"
            case "undecided":
                "\(effect(metric)): too few or too scattered pairs to exclude that the candidate is worse than allowed"
            default: "\(metric.decision): \(effect(metric))"
            }
            return GateReport.Finding(rule: "compare.\(metric.name)", verdict: metric.verdict, message: words)
        }
    }

    // MARK: one metric

    private func passRate(_ rule: GatePolicy.PassRate, _ evidence: GateEvidence) -> GateReport.Metric? {
        let traces = evidence.traces.filter(\.isComparable)
        guard !traces.isEmpty else { return nil }
        var cells = (both: 0, regressions: 0, improvements: 0, neither: 0)
        for trace in traces {
            // With repetitions, passing means passing every time.
            switch (trace.baselinePassed == trace.repetitions, trace.candidatePassed == trace.repetitions) {
            case (true, true): cells.both += 1
            case (true, false): cells.regressions += 1
            case (false, true): cells.improvements += 1
            case (false, false): cells.neither += 1
            }
        }
        guard
            let test = McNemar(
                bothPassed: cells.both, regressions: cells.regressions, improvements: cells.improvements,
                bothFailed: cells.neither),
            let interval = test.differenceInterval(confidence: confidence)
        else { return nil }
        let total = Double(test.total)
        var metric = GateReport.Metric(
            name: "pass_rate", pairs: test.total, baseline: Double(cells.both + cells.regressions) / total,
            candidate: Double(cells.both + cells.improvements) / total, effectName: "difference of pass rates",
            effect: interval.estimate, interval: range(interval), confidence: confidence, margin: rule.margin,
            test: "exact McNemar, one-sided", pValue: test.pValueOfCandidateWorse, decision: "", verdict: .pass)
        if let margin = rule.margin, let rule = NonInferiority(margin: .absolute(margin), direction: .largerIsBetter) {
            decide(&metric, rule.judge(difference: interval))
        }
        if test.total < minimumPairs, rule.isAskedFor, metric.verdict == .pass {
            (metric.decision, metric.verdict) = ("too few", .inconclusive)
        }
        return metric
    }

    private func measure(_ rule: GatePolicy.Measure, _ samples: GateEvidence.PairedSamples?, isComparable: Bool) -> GateReport.Metric {
        let baseline = samples?.baseline ?? []
        let candidate = samples?.candidate ?? []
        var metric = GateReport.Metric(
            name: rule.name.rawValue, pairs: baseline.count, baseline: statistic(rule, baseline),
            candidate: statistic(rule, candidate), effectName: effectName(rule), effect: 0, interval: nil,
            confidence: confidence, margin: rule.margin, test: "Wilcoxon signed-rank, one-sided", pValue: nil,
            decision: "not reported", verdict: .inconclusive)
        guard !baseline.isEmpty else { return metric }
        guard isComparable else {
            metric.decision = "not comparable"
            return metric
        }
        guard baseline.contains(where: { $0 > 0 }) else {
            metric.decision = "nothing to compare with"
            return metric
        }
        metric.effect = metric.baseline > 0 ? metric.candidate / metric.baseline : .nan
        metric.decision = ""
        metric.verdict = .pass
        metric.pValue = WilcoxonSignedRank(differences: zip(candidate, baseline).map { $0 - $1 })?.pValue(.greater)
        let bootstrap = PairedBootstrap(
            baseline: baseline, candidate: candidate, statistic: ratio(rule), seed: comparison.seed)
        let method: PairedBootstrap.Method = rule.statistic == .mean ? .bca : .percentile
        let interval = bootstrap?.interval(method, confidence: confidence)
        metric.interval = interval.map(range)
        if let margin = rule.margin, let rule = NonInferiority(margin: .relative(margin), direction: .largerIsWorse) {
            decide(&metric, interval.map { rule.judge(ratio: $0) } ?? .undecided)
        }
        guard metric.verdict != .fail else { return metric }
        let lost = Double(samples?.unreportedByCandidate ?? 0)
        if lost > Self.maximumUnreported * (lost + Double(baseline.count)) {
            (metric.decision, metric.verdict) = ("partly reported", .inconclusive)
        } else if baseline.count < minimumPairs {
            (metric.decision, metric.verdict) = ("too few", .inconclusive)
        }
        return metric
    }

    private func statistic(_ rule: GatePolicy.Measure, _ values: [Double]) -> Double {
        switch rule.statistic {
        case .mean: Sample.mean(values) ?? .nan
        case .quantile(let probability): Sample.quantile(probability, of: values) ?? .nan
        }
    }

    private func ratio(_ rule: GatePolicy.Measure) -> PairedBootstrap.Statistic {
        switch rule.statistic {
        case .mean: .ratioOfMeans
        case .quantile(let probability): .ratioOfQuantiles(probability)
        }
    }

    private func effectName(_ rule: GatePolicy.Measure) -> String {
        switch rule.statistic {
        case .mean: "ratio of means"
        case .quantile(let probability): "ratio of \(Numbers.percent(probability)) quantiles"
        }
    }

    // MARK: decisions

    private func decide(_ metric: inout GateReport.Metric, _ verdict: NonInferiority.Verdict) {
        switch verdict {
        case .better: (metric.decision, metric.verdict) = ("better", .pass)
        case .notWorse: (metric.decision, metric.verdict) = ("not worse", .pass)
        case .worse: (metric.decision, metric.verdict) = ("worse", .fail)
        case .undecided: (metric.decision, metric.verdict) = ("undecided", .inconclusive)
        }
    }

    /// Corrects the p-values, and decides the metrics without a margin by them.
    private func decided(_ metrics: [GateReport.Metric]) -> [GateReport.Metric] {
        var metrics = metrics
        let tested = metrics.indices.filter { metrics[$0].pValue != nil }
        if let adjusted = MultipleTests.holm(tested.compactMap { metrics[$0].pValue }) {
            for (i, value) in zip(tested, adjusted) { metrics[i].adjustedPValue = value }
        }
        for i in metrics.indices where metrics[i].margin == nil {
            if let p = metrics[i].adjustedPValue, p < alpha {
                (metrics[i].decision, metrics[i].verdict) = ("worse", .fail)
            } else if metrics[i].decision.isEmpty {
                (metrics[i].decision, metrics[i].verdict) = ("no worse found", .pass)
            }
        }
        return metrics
    }

    private func range(_ interval: ConfidenceInterval) -> ClosedRange<Double> {
        min(interval.lower, interval.upper)...max(interval.lower, interval.upper)
    }

    // MARK: words

    /// `ratio of means 1.215 (98.3 % interval 1.204 to 1.227), margin 10 %`.
    private func effect(_ metric: GateReport.Metric) -> String {
        func shown(_ value: Double) -> String {
            guard value.isFinite, abs(value) < 1e12 else { return "unknown" }
            return metric.isRate ? Numbers.signedPercent(value) : Numbers.ratio(value)
        }
        let interval = metric.interval.map {
            " (\(Numbers.percent(metric.confidence)) interval \(shown($0.lowerBound)) to \(shown($0.upperBound)))"
        }
        let margin = metric.margin.map { ", margin \(Numbers.percent($0))" }
        return "\(metric.effectName) \(shown(metric.effect))\(interval ?? "")\(margin ?? "")"
    }
}
