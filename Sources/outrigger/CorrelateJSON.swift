import AgentRuns
import Correlation
import JSONText
import Reports
import RunStore

/// What `outrigger correlate --json` writes. Times are Unix nanoseconds, durations nanoseconds; what is not known is null.
enum CorrelateJSON {
    static func pair(_ pair: PairComparison, _ link: TraceLink?) -> JSONValue {
        .object([
            ("baseline", pair.baseline.map { run($0, link) } ?? .null), ("candidate", run(pair.candidate, link)),
            ("differences", .array(pair.differences.map { .text($0.rawValue) })),
            ("latency_ratio", pair.latencyRatio.map { .number($0) } ?? .null),
            ("tool_changes", .array(pair.toolChanges.map(change))), ("calls_omitted", .bool(pair.omitsCalls)),
        ])
    }

    private static func change(_ change: PairComparison.ToolChange) -> JSONValue {
        .object([
            ("kind", .text(change.kind)), ("baseline_index", integer(change.baselineIndex)),
            ("candidate_index", integer(change.candidateIndex)),
            (
                "arguments",
                .array(change.arguments.map { .object([("path", .text($0.path)), ("baseline", raw($0.baseline)), ("candidate", raw($0.candidate))]) })
            ),
        ])
    }

    static func run(_ run: StoredRun, _ link: TraceLink?) -> JSONValue {
        .object([
            ("request_id", .text(run.requestID)), ("trace_id", .text(run.traceID.hex)), ("span_id", .text(run.spanID.hex)),
            ("url", text(link?.url(traceID: run.traceID.hex, spanID: run.spanID.hex))), ("exported", .bool(run.isExported)),
            ("role", .text(run.role.rawValue)), ("mode", .text(run.mode.rawValue)), ("replay_id", named(run.replayID)), ("recorded_id", named(run.recordedID)),
            ("agent", named(run.agent)), ("release_version", named(run.releaseVersion)), ("release_digest", named(run.releaseDigest)),
            ("rollout_id", named(run.rolloutID)), ("rollout_revision", .integer(run.rolloutRevision)), ("stage", named(run.stage)),
            ("fallback", named(run.fallback)), ("started", .integer(Int(clamping: run.started))),
            ("duration_ns", integer(run.duration.map { Int(clamping: $0) })), ("status", integer(run.status)),
            ("error_type", text(run.errorType)), ("outcome", text(run.outcome)), ("tokens", run.tokens.map { .number($0) } ?? .null),
            ("input_tokens", integer(run.inputTokens.map { Int($0) })), ("output_tokens", integer(run.outputTokens.map { Int($0) })),
            ("passed", run.passed.map { .bool($0) } ?? .null), ("reasons", .array(run.reasons.map { .text($0) })),
            ("response", text(run.response)),
            (
                "divergence",
                run.divergence.map {
                    .object([("call", .integer($0.index)), ("tool", .text($0.tool)), ("kind", .text($0.kind))])
                } ?? .null
            ),
            ("calls", .array(run.calls.map(call))), ("omitted_calls", .integer(run.omittedCalls)),
        ])
    }

    private static func call(_ call: StoredRun.Call) -> JSONValue {
        .object([
            ("tool", .text(call.tool)), ("arguments", text(call.arguments)), ("verdict", text(call.verdict)),
            ("success", call.success.map { .bool($0) } ?? .null), ("duration_ns", integer(call.duration.map { Int(clamping: $0) })),
        ])
    }

    static func group(_ group: CorrelatedGroup, _ link: TraceLink?) -> JSONValue {
        let summary = group.summary
        return .object([
            ("group", .text(group.name)), ("pairs", .integer(summary.pairs)), ("alike", .integer(summary.alike)),
            ("without_baseline", .integer(summary.withoutBaseline)),
            (
                "differences",
                .object(PairComparison.Difference.allCases.map { ($0.rawValue, .integer(summary.differences[$0] ?? 0)) })
            ),
            ("tool_changes", counts(summary.toolChanges)), ("baseline", arm(summary.baseline)), ("candidate", arm(summary.candidate)),
            ("listed", .array(group.listed.map { pair($0, link) })), ("unlisted", .integer(group.unlisted)),
        ])
    }

    static func cohort(_ key: Cohorts.Key, _ arms: Cohorts.Arms) -> JSONValue {
        .object([
            ("rollout_id", named(key.rolloutID)), ("rollout_revision", .integer(key.revision)), ("stage", named(key.stage)),
            ("baseline", arm(arms.baseline)), ("candidate", arm(arms.candidate)),
            ("new_tools", .array(arms.newTools.map { .text($0) })), ("missing_tools", .array(arms.missingTools.map { .text($0) })),
        ])
    }

    private static func arm(_ arm: ArmSummary) -> JSONValue {
        .object([
            ("runs", .integer(arm.runs)), ("errors", .integer(arm.errors)), ("fallbacks", .integer(arm.fallbacks)),
            ("p50_ns", integer(arm.latency(percentile: 50).map { Int(clamping: $0) })),
            ("p95_ns", integer(arm.latency(percentile: 95).map { Int(clamping: $0) })),
            ("mean_tokens", arm.meanTokens.map { .number($0) } ?? .null),
            ("calls_per_run", arm.callsPerRun.map { .number($0) } ?? .null), ("refused_calls", .integer(arm.refusedCalls)),
            ("outcomes", counts(arm.outcomes)), ("calls", counts(arm.calls)), ("omitted_calls", .integer(arm.omittedCalls)),
        ])
    }

    private static func counts(_ counts: [String: Int]) -> JSONValue {
        .object(counts.sorted { $0.key < $1.key }.map { ($0.key, .integer($0.value)) })
    }

    private static func text(_ text: String?) -> JSONValue { text.map { .text($0) } ?? .null }
    private static func named(_ text: String) -> JSONValue { text.isEmpty ? .null : .text(text) }
    private static func integer(_ value: Int?) -> JSONValue { value.map { .integer($0) } ?? .null }
    /// JSON that we wrote ourselves.
    private static func raw(_ json: String?) -> JSONValue { json.map { .raw(Array($0.utf8)) } ?? .null }
}
