internal import Replay

/// What every report for people says in the same words. Texts may hold input: each report escapes them in its way.
extension ReplayReport {
    /// The verdict in one line, or without a gate, which alone gives one, what was found.
    var headline: String {
        guard let gate else {
            if tally.total == 0 { return "no trace was replayed" }
            if tally.failed > 0 { return "\(Numbers.count(tally.failed)) of \(Numbers.count(tally.total, unit)) failed" }
            return tally.total == 1 ? "the \(unit) passed" : "all \(Numbers.count(tally.total, unit)) passed"
        }
        let count = gate.findings.filter { $0.verdict == gate.verdict }.count
        let rules = Numbers.count(gate.findings.count, "rule")
        return switch gate.verdict {
        case .pass: gate.findings.count == 1 ? "the rule holds" : "all \(rules) hold"
        case .fail: "\(Numbers.count(count)) of \(rules) broken"
        case .inconclusive where gate.allowsInconclusive:
            "\(Numbers.count(count)) of \(rules) without an answer; counts as passed, because --allow-inconclusive says so"
        case .inconclusive: "\(Numbers.count(count)) of \(rules) without an answer, so there is no verdict"
        }
    }

    /// What the tally counts.
    var unit: String { repetitions > 1 ? "run" : "trace" }

    /// How the replay was done, in one line.
    var replayWords: String {
        let times = repetitions > 1 ? ", each trace \(Numbers.count(repetitions)) times" : ""
        return "\(replayID)\(times), \(Numbers.seconds(duration))"
    }

    /// What the table of pairs adds up to.
    var pairWords: String {
        let missing = tally.total - tally.compared
        let gap = missing > 0 ? " (\(Numbers.count(missing)) without a run of both arms; a missing run counts as failed)" : ""
        return "\(Numbers.count(tally.total, "pair"))\(gap), \(Numbers.count(tally.identical)) identical, "
            + "\(Numbers.count(tally.withExpectation)) with an expectation that could fail"
    }

    /// What was not compared, and why.
    var gaps: [String] {
        var gaps: [String] = []
        if let partial { gaps.append("The replay is partial: \(partial)") }
        if !rejectedLines.isEmpty {
            let total = rejectedLines.values.reduce(0, +)
            gaps.append("\(Numbers.count(total, "line")) of the recording not read: \(listed(rejectedLines))")
        }
        let alone = unmatched.baseline + unmatched.candidate
        if alone > 0 {
            let examples = unmatched.examples.isEmpty ? "" : ", such as " + unmatched.examples.prefix(5).joined(separator: ", ")
            gaps.append(
                "\(Numbers.count(alone, "recorded run")) that no trace asked for (baseline \(Numbers.count(unmatched.baseline)), "
                    + "candidate \(Numbers.count(unmatched.candidate)))\(examples)")
        }
        let without = tally.total - tally.compared
        if without > 0, gate != nil || tally.compared > 0 {
            gaps.append("\(Numbers.count(without, unit)) without a run of both arms\(tally.unpaired.words)")
        }
        return gaps
    }

    var exportWords: String? {
        guard let export else { return nil }
        var text =
            "\(export.target): \(Numbers.count(export.spansAccepted)) of \(Numbers.count(export.spansBuilt, "span")) and "
            + "\(Numbers.count(export.eventsAccepted)) of \(Numbers.count(export.eventsBuilt, "event")) accepted"
        let rejected = export.spansRejected + export.eventsRejected
        let unsent = export.spansUnsent + export.eventsUnsent
        if rejected > 0 { text += ", \(Numbers.count(rejected)) rejected" }
        if unsent > 0 { text += ", \(Numbers.count(unsent)) not sent" }
        if let problem = export.problem { text += "; \(problem)" }
        return text
    }

    /// Traces that changed since the earlier result, a line each.
    var comparisonWords: [String] {
        guard let comparison else { return [] }
        func list(_ words: String, _ ids: [String]) -> String {
            let shown = ids.prefix(20).map { Visible.cut($0, 100) }.joined(separator: ", ")
            return "\(Numbers.count(ids.count, "trace")) \(words)" + (ids.isEmpty ? "" : ": " + shown)
                + (ids.count > 20 ? " and \(Numbers.count(ids.count - 20)) more" : "")
        }
        var lines = [list("passed before and fail now", comparison.broken), list("failed before and pass now", comparison.fixed)]
        if comparison.onlyBefore > 0 { lines.append("\(Numbers.count(comparison.onlyBefore, "trace")) only in the earlier result") }
        if comparison.onlyNow > 0 { lines.append("\(Numbers.count(comparison.onlyNow, "trace")) only in this one") }
        return lines
    }
}

extension ReplayTally.Unpaired {
    /// ` (baseline timeout 2; candidate no_run 1), such as t-1, t-7`; empty where nothing is known.
    fileprivate var words: String {
        let arms = [("baseline", baseline), ("candidate", candidate)].filter { !$0.1.isEmpty }
        let reasons = arms.map { "\($0.0) \(listed($0.1))" }.joined(separator: "; ")
        return (reasons.isEmpty ? "" : " (\(reasons))") + (examples.isEmpty ? "" : ", such as " + examples.prefix(5).joined(separator: ", "))
    }
}

/// `timeout 2, no_run 1`: the most frequent first.
private func listed(_ counts: [String: Int]) -> String {
    counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { "\($0.key) \(Numbers.count($0.value))" }.joined(separator: ", ")
}

extension ReplayReport.ArmDescription {
    /// `v2 (sha256:0123456789ab…, http://agent)`.
    var words: String {
        let short = digest.map { $0.count > 21 ? String($0.prefix(19)) + "…" : $0 }
        return "\(version) (\([short, shownAgent].compactMap(\.self).joined(separator: ", ")))"
    }
}

extension ReplayReport.ArmDescription {
    /// The agent, with the path of a recording as short as it can be.
    var shownAgent: String {
        agent.hasPrefix("recorded:") ? "recorded:" + ShownPath.of(String(agent.dropFirst(9))) : agent
    }
}

/// Paths as people read them.
enum ShownPath {
    /// Without `.` and `..` within: `Fixtures/gates/../traces/x.jsonl` is `Fixtures/traces/x.jsonl`. For reading only: where a
    /// link is followed before the `..`, the file is another one.
    static func of(_ path: String) -> String {
        guard path.contains("./") else { return path }
        var parts: [Substring] = []
        for part in path.split(separator: "/") where part != "." {
            if part == "..", let last = parts.last, last != ".." { parts.removeLast() } else { parts.append(part) }
        }
        let shown = (path.hasPrefix("/") ? "/" : "") + parts.joined(separator: "/")
        return shown.isEmpty ? "." : shown
    }
}

extension GateReport {
    /// Broken rules first, then those without an answer.
    var findingsByWeight: [Finding] {
        findings.filter { $0.verdict == .fail } + findings.filter { $0.verdict == .inconclusive }
            + findings.filter { $0.verdict == .pass }
    }
}

extension GateReport {
    /// What the verdict was given by, in one line; nil where it is not known.
    var appliedWords: String? {
        guard let applied else { return nil }
        var parts = [Numbers.count(applied.thresholds, "threshold")]
        if applied.sliceThresholds > 0 { parts.append("\(Numbers.count(applied.sliceThresholds)) for slices") }
        if !applied.checkedRuns.isEmpty {
            parts.append("\(Numbers.count(applied.checkedRuns.count, "check")) (\(Self.shown(runs: applied.checkedRuns)))")
        }
        parts.append("min_runs \(Numbers.count(applied.minRuns)) (\(Numbers.count(applied.evidentTraces, "trace")) with evidence)")
        if !metrics.isEmpty {
            parts.append("paired comparison of " + Self.listed(metrics.map(\.plainTitle)))
        }
        return "applied: " + parts.joined(separator: ", ")
    }

    /// `on 40 and 12 runs`, or the bounds where there are many.
    private static func shown(runs: [Int]) -> String {
        let least = runs.min() ?? 0
        let most = runs.max() ?? 0
        if least == most { return "on \(Numbers.count(most, "run"))\(runs.count > 1 ? " each" : "")" }
        if runs.count <= 4 { return "on \(listed(runs.map(Numbers.count))) runs" }
        return "on \(Numbers.count(least)) to \(Numbers.count(most)) runs"
    }

    private static func listed(_ words: [String]) -> String {
        words.dropLast().joined(separator: ", ") + (words.count > 1 ? " and " : "") + (words.last ?? "")
    }
}

extension GateReport.Metric {
    /// Without the unit.
    var plainTitle: String { name == "latency_ms" ? "latency" : title }

    /// `pass rate`, with the unit.
    var title: String {
        switch name {
        case "pass_rate": "pass rate"
        case "latency_ms": "latency (ms)"
        case "cost_tokens": "tokens"
        default: Reports.words(name)
        }
    }

    var baselineWords: String { shown(baseline) }
    var candidateWords: String { shown(candidate) }
    /// `–` where nothing was measured: a ratio to nothing, or of nothing, says nothing.
    var effectWords: String {
        guard effect.isFinite, pairs > 0 else { return "–" }
        if isRate { return Numbers.signedPercent(effect) }
        return effect > 0 ? "× " + Numbers.ratio(effect) : "–"
    }
    var intervalWords: String {
        guard let interval else { return "–" }
        return isRate
            ? "\(Numbers.signedPercent(interval.lowerBound)) … \(Numbers.signedPercent(interval.upperBound))"
            : "\(Numbers.ratio(interval.lowerBound)) … \(Numbers.ratio(interval.upperBound))"
    }
    var confidenceWords: String { Numbers.percent(confidence) }
    var marginWords: String { margin.map { Numbers.percent($0) } ?? "–" }

    /// What the margin and the p-value mean for this metric, in a sentence each.
    var marginMeaning: String {
        guard let margin else { return "No margin: the candidate fails only when it is significantly worse." }
        let most = Numbers.percent(margin)
        return isRate
            ? "Margin \(most): the candidate may pass up to \(most) (percentage points) less often; the interval must exclude more."
            : "Margin \(most): the candidate may take up to \(most) more than the baseline; the interval must exclude more."
    }

    /// Nil without a p-value.
    var pValueMeaning: String? {
        guard let pValue, pValue.isFinite else { return nil }
        let adjusted = adjustedPValue.map { ", \(Numbers.pValue($0)) adjusted for the number of metrics" } ?? ""
        return "p \(Numbers.pValue(pValue))\(adjusted): the chance of a candidate that looks this much worse, or more, if the arms "
            + (margin == nil ? "were alike." : "were alike. With a margin the interval decides, not p: worse, but by little, can be good enough.")
    }

    /// A value of one arm, in the metric's unit.
    private func shown(_ value: Double) -> String {
        switch name {
        case "pass_rate": Numbers.percent(value)
        case "latency_ms": Numbers.time(value)
        default: Numbers.measured(value)
        }
    }
}

extension GateReport.Flakiness {
    var words: String {
        let chances = passHatK.prefix(10).enumerated().map { "pass^\($0.offset + 1) \(Numbers.percent($0.element))" }
        return "\(Numbers.count(repetitions, "repetition")); \(chances.joined(separator: ", ")); "
            + "\(Numbers.count(flakyCount, "flaky trace"))"
    }
    var flakyWords: String? {
        guard !flaky.isEmpty else { return nil }
        let shown = flaky.prefix(20).map { "\(Visible.cut($0.traceID, 100)) (\($0.passed) of \(repetitions) passed)" }
        let more = flakyCount - shown.count
        return shown.joined(separator: ", ") + (more > 0 ? " and \(Numbers.count(more)) more" : "")
    }
}

extension RunDetail {
    /// The recorded id, or where the trace stands if it has none, or an empty one.
    var title: String { traceID.flatMap { $0.isEmpty ? nil : $0 } ?? "line \(line)" }

    /// `failed too (outcome_fail)`; nil where the baseline's run passed: whether the candidate broke what worked, or what never did.
    ///
    /// - Parameter shown: a reason as the report writes it, since checks are named by input.
    func baselineFailure(_ shown: (String) -> String) -> String? {
        let reasons = baseline.reasons
        guard !reasons.isEmpty else { return nil }
        let names = reasons.prefix(3).map(shown) + (reasons.count > 3 ? ["…"] : [])
        return "failed\(passed ? "" : " too") (\(names.joined(separator: ", ")))"
    }

    /// A link to the candidate's run, or the baseline's if only that was exported.
    func url(_ link: TraceLink?) -> String? {
        guard let link else { return nil }
        for arm in [candidate, baseline] {
            if let id = arm.traceID, let url = link.url(traceID: id, spanID: arm.spanID) { return url }
        }
        return nil
    }
}

extension RunDetail.Arm {
    /// `gave_up (expected rebooked)` where the outcome is not the expected one, else the outcome alone; nil where there is none to tell of.
    var outcomeWords: String? {
        guard let expectedOutcome else { return outcome }
        return "\(outcome.map { Visible.cut($0, 100) } ?? "no outcome") (expected \(Visible.cut(expectedOutcome, 100)))"
    }
}

extension CallLoop {
    var words: String {
        period == 1
            ? "call \(start + 1) made \(repetitions) times in a row"
            : "calls \(start + 1) to \(start + period) made \(repetitions) times in a row"
    }
}

extension ToolAnswers {
    /// What did not go as recorded; nil when everything did.
    var words: String? {
        var parts: [String] = []
        if matchedByName > 0 { parts.append("\(matchedByName) answered by name only") }
        if fallback > 0 { parts.append("\(fallback) answered from the fallback") }
        if refused > 0 { parts.append("\(refused) refused") }
        if !unasked.isEmpty { parts.append("\(unasked.count) recorded but never asked for") }
        if late > 0 { parts.append("\(late) \(late == 1 ? "call" : "calls") after the answer") }
        return parts.isEmpty ? nil : parts.joined(separator: ", ")
    }
}
