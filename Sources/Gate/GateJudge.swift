public import Replay
internal import Statistics

/// Gives the verdict over all runs: *fail* before *inconclusive* before *pass*.
public struct GateJudge {
    private let policy: GatePolicy

    public init(_ policy: GatePolicy) { self.policy = policy }

    /// What the gate must know beside the evidence.
    public struct Circumstances: Sendable {
        /// Both arms were named by the same specification, such as `recorded`.
        public var armsAreTheSame = false
        /// Why the replay ended before its end.
        public var partial: String?
        public var rejectedLines = 0
        /// Of runs that say another version than the release file that their arm names, in words.
        public var foreignRuns: [String] = []
        /// Runs of a recording that no trace asked for.
        public var unmatchedRuns = 0
        public var repetitions = 1
        /// False when one arm's times were recorded, with its tools, and the other's tools were answered at once.
        public var latenciesAreComparable = true
        /// The checks of the gate file, by name.
        public var checks: [String] = []

        public init() {}
    }

    public func judge(_ evidence: GateEvidence, _ circumstances: Circumstances) -> GateReport {
        var findings = thresholdFindings(
            policy.thresholds, evidence.tally, evidence.counts, problems: evidence.problems, slice: nil)
        for (i, rule) in policy.slices.enumerated() {
            findings += thresholdFindings(rule.thresholds, evidence.slices[i], evidence.sliceCounts[i], problems: nil, slice: rule.name)
        }
        findings += evidenceFindings(evidence, circumstances)
        let comparison = MetricComparison(policy.comparison)
        let metrics = comparison.metrics(evidence, latenciesAreComparable: circumstances.latenciesAreComparable)
        findings += comparison.findings(metrics, evidence)
        findings += comparisonGaps(evidence, metrics)

        var report = GateReport(verdict: findings.map(\.verdict).worst)
        // Whoever lets a verdict without evidence pass has not said so of a replay that did not come to its end.
        report.allowsInconclusive = policy.allowsInconclusive && circumstances.partial == nil
        report.findings = findings
        report.metrics = metrics
        report.applied = GateReport.Applied(
            thresholds: policy.thresholds.bounds, sliceThresholds: policy.slices.reduce(0) { $0 + $1.thresholds.bounds },
            minRuns: max(1, policy.thresholds.minRuns), evidentTraces: evidence.counts.evident,
            checkedRuns: circumstances.checks.map { evidence.tally.checks[$0] ?? 0 })
        report.slices = zip(policy.slices, evidence.slices).map { GateReport.Slice(name: $0.name, tally: $1) }
        if circumstances.repetitions > 1 { report.flakiness = flakiness(evidence, circumstances.repetitions) }
        return report
    }

    // MARK: thresholds

    private func thresholdFindings(
        _ thresholds: GatePolicy.Thresholds, _ tally: ReplayTally, _ traces: TraceCounts, problems: Int?, slice: String?
    ) -> [GateReport.Finding] {
        var findings: [GateReport.Finding] = []
        let of = slice.map { " in slice \($0)" } ?? ""
        let prefix = slice.map { "slices.\($0)." } ?? ""
        func bound(_ rule: String, _ words: String, _ value: Int, _ limit: Int?, unmeasured: String? = nil) {
            guard let limit else { return }
            if value <= limit, let unmeasured {
                findings.append(.init(rule: prefix + rule, verdict: .inconclusive, message: unmeasured))
                return
            }
            findings.append(
                .init(
                    rule: prefix + rule, verdict: value > limit ? .fail : .pass,
                    message: "\(words)\(of), \(limit) allowed"))
        }
        bound("max_failed", Numbers.count(traces.failed, "trace") + " failed", traces.failed, thresholds.maxFailed)
        bound(
            "max_tool_misuse", Numbers.count(traces.toolMisuse, "trace") + " with tool misuse", traces.toolMisuse, thresholds.maxToolMisuse,
            unmeasured: traces.ran == 0 || traces.withAllowList > 0
                ? nil
                : "nothing says which tools may be called\(of): no trace has allowed_tools, and no release of the candidate is named; "
                    + "record them, name the release, or ask for forbidden_tools in a check instead")
        bound(
            "max_budget_overruns", Numbers.count(traces.budgetOverruns, "budget overrun"), traces.budgetOverruns, thresholds.maxBudgetOverruns,
            unmeasured: unmeasuredBudgets(traces, thresholds.maxBudgetOverruns, of))
        if let problems { bound("max_problems", Numbers.count(problems, "run") + " without an answer", problems, thresholds.maxProblems) }
        if let minimum = thresholds.minPassRate, traces.judgedRuns > 0 {
            // A run of which nothing was expected has not passed anything.
            let rate = Double(traces.passedRuns) / Double(traces.judgedRuns)
            findings.append(
                .init(
                    rule: prefix + "min_pass_rate", verdict: rate < minimum ? .fail : .pass,
                    message: "\(Numbers.percent(rate)) of \(Numbers.count(traces.judgedRuns, "run")) that could have failed passed\(of), at least "
                        + "\(Numbers.percent(minimum)) must"))
        }
        let minimum = max(1, thresholds.minRuns)
        if traces.evident < minimum {
            let copies = traces.copies > 0 ? " (\(traces.copies) more repeat a trace_id, which is no further evidence)" : ""
            findings.append(
                .init(
                    rule: prefix + "min_runs", verdict: .inconclusive,
                    message: "\(Numbers.count(traces.evident, "trace"))\(of) with runs of both arms and an expectation that could fail\(copies), "
                        + "at least \(minimum) \(minimum == 1 ? "is" : "are") needed; record more traces, or state outcomes or checks"))
        }
        return findings
    }

    /// What keeps a bound on overruns from being held against all traces; nil where that makes no difference.
    private func unmeasuredBudgets(_ traces: TraceCounts, _ limit: Int?, _ of: String) -> String? {
        guard traces.ran == 0 || traces.measured > 0 else {
            return "no run of the candidate\(of) states latency_ms or cost_tokens, so none could overrun a budget; let the agent state them, "
                + "or ask for no max_budget_overruns"
        }
        // What is not stated overruns no budget. It matters where it could have made more overruns than are allowed.
        guard let limit, limit >= traces.budgetOverruns else { return nil }
        let room = limit - traces.budgetOverruns
        guard traces.unstated.latency + traces.unstated.cost > room else { return nil }
        let unstated = [("latency_ms", traces.unstated.latency), ("cost_tokens", traces.unstated.cost)].filter { $0.1 > 0 }
        let places = unstated.map { "\($0.0) in \(Numbers.count($0.1, "trace"))" }.joined(separator: " and ")
        return "the candidate does not state \(places)\(of) in which the baseline does: what is not stated overruns no budget, and no more "
            + "than \(Numbers.count(room, "further overrun")) would be allowed; let the agent state \(unstated.count == 1 ? "it" : "them")"
    }

    // MARK: evidence

    private func evidenceFindings(_ evidence: GateEvidence, _ facts: Circumstances) -> [GateReport.Finding] {
        var findings: [GateReport.Finding] = []
        func inconclusive(_ rule: String, _ message: String) {
            findings.append(.init(rule: rule, verdict: .inconclusive, message: message))
        }
        let tally = evidence.tally
        if tally.total == 0 { inconclusive("no_traces", "there is no trace to judge by") }
        if let partial = facts.partial { inconclusive("partial", "the replay is partial: \(partial)") }
        if tally.total > 0, facts.armsAreTheSame || (tally.compared > 0 && tally.identical == tally.compared) {
            inconclusive(
                "identical_arms",
                "both arms gave the same calls, responses, outcomes, times and costs in all "
                    + "\(Numbers.count(tally.compared, facts.repetitions > 1 ? "run" : "trace")): that is one "
                    + "arm compared with itself; name the candidate with --candidate")
        }
        if tally.total > 0, tally.compared == 0 {
            inconclusive("nothing_compared", "no trace has a run of both arms")
        }
        if evidence.counts.alone > 0, tally.compared > 0 {
            inconclusive(
                "no_baseline_run",
                "in \(Numbers.count(evidence.counts.alone, "trace")) the candidate ran and the baseline did not, so that what it did there was "
                    + "compared with nothing; mend the baseline, or leave these traces out")
        }
        if evidence.counts.lost > 0 {
            inconclusive(
                "evidence_lost",
                "in \(Numbers.count(evidence.counts.lost, "trace")) the candidate says less than the baseline, so that it cannot be judged by "
                    + "the same: \(evidence.counts.lostExample ?? "")")
        }
        if tally.total > 0, tally.outcomes.onlyBaselinePassed + tally.outcomes.onlyCandidatePassed + tally.outcomes.bothPassed == 0 {
            inconclusive(
                "nothing_passed", "no trace passed in either arm, so nothing is known of the candidate but that it is no better; mend "
                    + "the expectations or the agents")
        }
        for check in facts.checks where evidence.tally.checks[check] == nil && evidence.tally.unscored[check] == nil {
            inconclusive(
                "check_never_applied", "check \(check) applied to no trace: its match selects none, or its tool was never called")
        }
        for (check, failures) in evidence.tally.unscored.sorted(by: { $0.key < $1.key }) {
            inconclusive("evaluator_failed", "check \(check) has no score in \(Numbers.count(failures.count, "run")): \(failures.example)")
        }
        for (rule, slice) in zip(policy.slices, evidence.slices) where slice.total == 0 {
            inconclusive("slice_empty", "slice \(rule.name) has no trace")
        }
        let unexercised = evidence.unexercisedTools
        if !unexercised.isEmpty {
            inconclusive(
                "tools_never_exercised",
                "no trace exercises \(unexercised.joined(separator: ", ")) of the candidate's release; record traces that do")
        }
        if facts.rejectedLines > 0 {
            inconclusive(
                "rejected_lines", "\(Numbers.count(facts.rejectedLines, "line")) of the recordings could not be read, and so not be judged")
        }
        for words in facts.foreignRuns {
            inconclusive("foreign_release", "\(words): these are no runs of that release; name the release that they are of, or run it")
        }
        if facts.unmatchedRuns > 0 {
            inconclusive(
                "unmatched_runs",
                "\(Numbers.count(facts.unmatchedRuns, "recorded run")) \(facts.unmatchedRuns == 1 ? "belongs" : "belong") to no trace, and could "
                    + "not be judged")
        }
        return findings
    }

    /// What a comparison of pass rates that stands in for `max_failed` cannot see.
    private func comparisonGaps(_ evidence: GateEvidence, _ metrics: [GateReport.Metric]) -> [GateReport.Finding] {
        var findings: [GateReport.Finding] = []
        if let rule = policy.comparison.passRate, rule.isAskedFor {
            if evidence.tally.total > 0, !metrics.contains(where: { $0.name == "pass_rate" }) {
                findings.append(
                    .init(
                        rule: "compare.pass_rate", verdict: .inconclusive,
                        message: "no trace has runs of both arms that could fail: there are no pass rates to compare; state outcomes or checks"))
            }
            if policy.thresholds.maxFailed == nil, evidence.uncomparedFailures > 0 {
                findings.append(
                    .init(
                        rule: "compare.uncompared_failures", verdict: .fail,
                        message: "\(Numbers.count(evidence.uncomparedFailures, "trace")) failed that the comparison of pass rates leaves out, since "
                            + "the baseline's run had nothing that could fail, or repeats a trace_id; 0 allowed (max_failed allows more)"))
            }
        }
        return findings
    }

    private func flakiness(_ evidence: GateEvidence, _ repetitions: Int) -> GateReport.Flakiness {
        let tasks = evidence.traces.compactMap {
            Flakiness.Task(passed: Int($0.candidatePassed), repeats: Int($0.repetitions))
        }
        let flakiness = Flakiness(tasks)
        return GateReport.Flakiness(
            repetitions: repetitions, passHatK: (1...repetitions).compactMap { flakiness.allPass($0)?.value },
            flaky: evidence.flaky, flakyCount: evidence.flakyCount)
    }
}

extension [GateReport.Verdict] {
    /// The one that decides; inconclusive when there is none, since nothing was asked.
    var worst: GateReport.Verdict {
        if contains(.fail) { return .fail }
        return contains(.inconclusive) || isEmpty ? .inconclusive : .pass
    }
}
