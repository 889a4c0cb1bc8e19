internal import JSONText
internal import Replay

extension ReplayReport {
    /// Everything but the traces.
    var totals: JSONValue {
        .object([
            ("total", .integer(tally.total)),
            ("passed", .integer(tally.passed)),
            ("failed", .integer(tally.failed)),
            ("tool_misuse", .integer(tally.toolMisuse)),
            ("budget_overruns", .integer(tally.budgetOverruns)),
            ("schema_version", .integer(JSONReport.schemaVersion)),
            ("replay_id", .text(replayID)),
            ("traces", .text(traces)),
            ("repetitions", .integer(repetitions)),
            ("baseline", baseline.json),
            ("candidate", candidate.json),
            ("verdict", gate.map { .text($0.verdict.rawValue) } ?? .null),
            ("gate", gate?.json ?? .null),
            ("reasons", .counts(tally.reasons)),
            ("tool_changes", .counts(tally.toolChanges)),
            ("checks", .counts(tally.checks)),
            ("paired_outcomes", tally.outcomes.json),
            ("identical", .integer(tally.identical)),
            ("compared", .integer(tally.compared)),
            ("unpaired", tally.unpaired.json(total: tally.total - tally.compared)),
            ("with_expectation", .integer(tally.withExpectation)),
            ("rejected_lines", .counts(rejectedLines)),
            ("unmatched", unmatched.json),
            ("export", export?.json ?? .null),
            ("comparison", comparison?.json ?? .null),
            ("partial", .text(ifAny: partial)),
            ("notes", .texts(notes)),
            ("duration_s", .number(duration)),
        ])
    }
}

extension JSONValue {
    fileprivate static func text(ifAny text: String?) -> JSONValue { text.map { .text($0) } ?? .null }
    fileprivate static func number(ifAny number: Double?) -> JSONValue { number.map { .number($0) } ?? .null }
    fileprivate static func texts(_ texts: [String]) -> JSONValue { .array(texts.map { .text($0) }) }
}

extension ReplayReport.ArmDescription {
    fileprivate var json: JSONValue {
        .object([("version", .text(version)), ("digest", .text(ifAny: digest)), ("agent", .text(agent))])
    }
}

extension ReplayReport.Unmatched {
    fileprivate var json: JSONValue {
        .object([("baseline", .integer(baseline)), ("candidate", .integer(candidate)), ("examples", .texts(examples))])
    }
}

extension ReplayTally.Unpaired {
    fileprivate func json(total: Int) -> JSONValue {
        .object([
            ("total", .integer(total)), ("baseline", .counts(baseline)), ("candidate", .counts(candidate)), ("examples", .texts(examples)),
        ])
    }
}

extension ReplayReport.ExportAccount {
    fileprivate var json: JSONValue {
        .object([
            ("target", .text(target)),
            ("complete", .bool(isComplete)),
            ("spans", Self.counts(spansBuilt, spansAccepted, spansRejected, spansUnsent)),
            ("events", Self.counts(eventsBuilt, eventsAccepted, eventsRejected, eventsUnsent)),
            ("problem", .text(ifAny: problem)),
        ])
    }

    private static func counts(_ built: Int, _ accepted: Int, _ rejected: Int, _ unsent: Int) -> JSONValue {
        .object([
            ("built", .integer(built)), ("accepted", .integer(accepted)), ("rejected", .integer(rejected)),
            ("unsent", .integer(unsent)),
        ])
    }
}

extension ReplayReport.EarlierResult {
    fileprivate var json: JSONValue {
        .object([
            ("file", .text(file)), ("broken", .texts(broken)), ("fixed", .texts(fixed)),
            ("only_before", .integer(onlyBefore)), ("only_now", .integer(onlyNow)),
        ])
    }
}

extension ReplayTally.PairedOutcomes {
    fileprivate var json: JSONValue {
        .object([
            ("both_passed", .integer(bothPassed)), ("only_baseline_passed", .integer(onlyBaselinePassed)),
            ("only_candidate_passed", .integer(onlyCandidatePassed)), ("both_failed", .integer(bothFailed)),
        ])
    }
}

extension GateReport {
    fileprivate var json: JSONValue {
        .object([
            ("verdict", .text(verdict.rawValue)),
            ("allows_inconclusive", .bool(allowsInconclusive)),
            ("findings", .array(findings.map(\.json))),
            ("metrics", .array(metrics.map(\.json))),
            ("slices", .array(slices.map(\.json))),
            ("flakiness", flakiness?.json ?? .null),
            ("applied", applied?.json ?? .null),
        ])
    }
}

extension GateReport.Applied {
    /// The checks stand with their counts in the whole report's `checks`, the comparison in `metrics`.
    fileprivate var json: JSONValue {
        .object([
            ("thresholds", .integer(thresholds)), ("slice_thresholds", .integer(sliceThresholds)),
            ("min_runs", .integer(minRuns)), ("evident_traces", .integer(evidentTraces)),
        ])
    }
}

extension GateReport.Finding {
    fileprivate var json: JSONValue {
        .object([("rule", .text(rule)), ("verdict", .text(verdict.rawValue)), ("message", .text(message))])
    }
}

extension GateReport.Metric {
    fileprivate var json: JSONValue {
        .object([
            ("name", .text(name)),
            ("pairs", .integer(pairs)),
            ("baseline", .number(baseline)),
            ("candidate", .number(candidate)),
            ("effect_name", .text(effectName)),
            ("effect", .number(effect)),
            ("interval", interval.map { .array([.number($0.lowerBound), .number($0.upperBound)]) } ?? .null),
            ("confidence", .number(confidence)),
            ("margin", .number(ifAny: margin)),
            ("test", .text(test)),
            ("p_value", .number(ifAny: pValue)),
            ("adjusted_p_value", .number(ifAny: adjustedPValue)),
            ("decision", .text(decision)),
            ("verdict", .text(verdict.rawValue)),
        ])
    }
}

extension GateReport.Slice {
    fileprivate var json: JSONValue {
        .object([
            ("name", .text(name)),
            ("total", .integer(tally.total)),
            ("passed", .integer(tally.passed)),
            ("failed", .integer(tally.failed)),
            ("tool_misuse", .integer(tally.toolMisuse)),
            ("budget_overruns", .integer(tally.budgetOverruns)),
            ("reasons", .counts(tally.reasons)),
        ])
    }
}

extension GateReport.Flakiness {
    fileprivate var json: JSONValue {
        .object([
            ("repetitions", .integer(repetitions)),
            ("pass_hat_k", .array(passHatK.map { .number($0) })),
            ("flaky_count", .integer(flakyCount)),
            ("flaky", .array(flaky.map { .object([("trace_id", .text($0.traceID)), ("passed", .integer($0.passed))]) })),
        ])
    }
}
