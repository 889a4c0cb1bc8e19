import AgentRuns
import Correlation
import Reports
import RunStore
import TraceReading

/// Arms beside each other, for people. Nothing in a run can write escape sequences.
enum CorrelateText {
    /// What stands in a line: what it is about, both arms, and what to say of them.
    private typealias Row = (label: String, baseline: String, candidate: String, note: String)

    private static let maximumCell = 48

    // MARK: one pair

    static func pair(_ pair: PairComparison, _ link: TraceLink?) -> String {
        let candidate = pair.candidate
        var text = head(candidate)
        var rows: [Row] = [("", arm(pair.baseline, "baseline"), arm(candidate, "candidate"), "")]
        func row(_ label: String, _ note: String = "", _ value: (StoredRun) -> String) {
            rows.append((label, pair.baseline.map(value) ?? "", value(candidate), note))
        }
        let arms = [pair.baseline, candidate].compactMap { $0 }
        if arms.contains(where: { $0.status != nil }) {
            row("status", differs(pair, .status)) { $0.status.map(String.init) ?? "-" }
        }
        if arms.contains(where: { $0.errorType != nil }) { row("error", differs(pair, .error)) { $0.errorType ?? "-" } }
        row("outcome", differs(pair, .outcome)) { $0.outcome ?? "-" }
        row("latency", latencyNote(pair)) { $0.duration.map { Readable.duration(nanoseconds: $0) } ?? "-" }
        row("tokens", tokenNote(pair)) { $0.tokens.map(number) ?? "-" }
        row("response", differs(pair, .response)) { $0.response ?? ($0.responseDigest == nil ? "-" : "(not kept)") }
        if candidate.mode == .replay {
            row("verdict") { ($0.passed ?? true) ? "passed" : "failed: " + $0.reasons.joined(separator: ", ") }
        }
        rows += calls(pair)
        row("trace") { $0.traceID.hex + ($0.isExported ? "" : " (not exported)") }
        text += table(rows)
        if pair.baseline == nil { text += "  the baseline's run is not in the store\n" }
        for change in pair.toolChanges { text += "  " + line(change, pair) + "\n" }
        if pair.omitsCalls { text += "  only the first \(StoredRun.maximumCalls) calls of a run are kept and compared\n" }
        if let divergence = candidate.divergence {
            text += "  the shadow first went its own way at call \(divergence.index + 1): \(divergence.tool.escapedForTerminal) "
                + "(\(divergence.kind.escapedForTerminal))\n"
        }
        for run in [pair.baseline, candidate] {
            guard let run, let url = link?.url(traceID: run.traceID.hex, spanID: run.spanID.hex) else { continue }
            text += "  \(run.role.rawValue.padded(9))  \(url)\n"
        }
        return text
    }

    /// A run that nothing ran beside.
    static func single(_ run: StoredRun, _ link: TraceLink?) -> String {
        var text = head(run)
        func line(_ label: String, _ value: String) { text += "  \(label.padded(9))  \(value.escapedForTerminal)\n" }
        line("arm", arm(run, run.role.rawValue) + (run.fallback.isEmpty ? "" : ", instead of the candidate: \(run.fallback)"))
        line("status", run.status.map(String.init) ?? "-")
        if let error = run.errorType { line("error", error) }
        line("outcome", run.outcome ?? "-")
        line("latency", run.duration.map { Readable.duration(nanoseconds: $0) } ?? "-")
        line("tokens", run.tokens.map(number) ?? "-")
        for (i, call) in run.calls.enumerated() { line(i == 0 ? "calls" : "", "\(i + 1) \(words(call))") }
        if run.omittedCalls > 0 { line(run.calls.isEmpty ? "calls" : "", "and \(Readable.count(run.omittedCalls)) more, which are not kept") }
        line("trace", run.traceID.hex + (run.isExported ? "" : " (not exported)"))
        if let url = link?.url(traceID: run.traceID.hex, spanID: run.spanID.hex) { line("", url) }
        text += run.mode == .canary
            ? "  no other arm ran beside it; its cohort is below\n" : "  no other arm ran beside it\n"
        return text
    }

    private static func head(_ run: StoredRun) -> String {
        var words = ["\(run.mode.rawValue) pair"]
        if run.pair == nil { words = ["\(run.mode.rawValue) run"] }
        words.append(run.mode == .replay ? "run \(run.recordedID)  of replay \(run.replayID)" : "request \(name(run))")
        if !run.agent.isEmpty { words.append("agent \(run.agent)") }
        if !run.rolloutID.isEmpty {
            words.append("rollout \(run.rolloutID) revision \(run.rolloutRevision)" + (run.stage.isEmpty ? "" : " step \(run.stage)"))
        }
        return words.joined(separator: "  ").escapedForTerminal + "\n"
    }

    /// By what people know it.
    private static func name(_ run: StoredRun) -> String {
        let name = run.mode == .replay ? run.recordedID : run.requestID
        return name.isEmpty ? "-" : name
    }

    private static func arm(_ run: StoredRun?, _ name: String) -> String {
        guard let run else { return name }
        return run.releaseVersion.isEmpty ? name : "\(name) \(run.releaseVersion)"
    }

    private static func differs(_ pair: PairComparison, _ difference: PairComparison.Difference) -> String {
        pair.differences.contains(difference) ? "differs" : ""
    }

    private static func latencyNote(_ pair: PairComparison) -> String {
        guard let ratio = pair.latencyRatio else { return "" }
        return "\(Readable.twoDecimals(ratio)) times"
    }

    private static func tokenNote(_ pair: PairComparison) -> String {
        guard let mine = pair.candidate.tokens, let other = pair.baseline?.tokens, mine != other else { return "" }
        return (mine > other ? "+" : "-") + number(abs(mine - other))
    }

    private static func calls(_ pair: PairComparison) -> [Row] {
        let left = pair.baseline?.calls ?? []
        let right = pair.candidate.calls
        var notes: [Int: String] = [:]
        for change in pair.toolChanges {
            if let j = change.candidateIndex { notes[j] = change.kind } else if let i = change.baselineIndex { notes[i] = notes[i] ?? change.kind }
        }
        return (0..<max(left.count, right.count, 1)).map { i in
            func cell(_ calls: [StoredRun.Call]) -> String { i < calls.count ? "\(i + 1) \(words(calls[i]))" : calls.isEmpty && i == 0 ? "-" : "" }
            return (i == 0 ? "calls" : "", pair.baseline == nil ? "" : cell(left), cell(right), notes[i] ?? "")
        }
    }

    private static func words(_ call: StoredRun.Call) -> String {
        var text = call.tool.isEmpty ? "(no name)" : call.tool
        if let verdict = call.verdict, verdict != "allowed" { text += " \(verdict)" }
        if call.success == false, call.verdict != "refused", call.verdict != "fenced" { text += " failed" }
        if let duration = call.duration { text += " \(Readable.duration(nanoseconds: duration))" }
        return text
    }

    private static func line(_ change: PairComparison.ToolChange, _ pair: PairComparison) -> String {
        var text = change.kind.padded(16)
        if let i = change.baselineIndex, let call = pair.baseline?.calls[i] { text += " baseline \(i + 1) \(call.tool)" }
        if let j = change.candidateIndex {
            text += "\(change.baselineIndex == nil ? " " : ", ")candidate \(j + 1) \(pair.candidate.calls[j].tool)"
        }
        for difference in change.arguments {
            text += "; \(difference.path.isEmpty ? "/" : difference.path) \(difference.baseline ?? "nothing") → \(difference.candidate ?? "nothing")"
        }
        return text.escapedForTerminal
    }

    private static func table(_ rows: [Row]) -> String { lines(rows.map { [$0.label, $0.baseline, $0.candidate, $0.note] }) }

    private static func lines(_ rows: [[String]]) -> String {
        TextTable.lines(rows.map { $0.map { TextTable.cell($0, limit: maximumCell) } }, indent: "  ", widest: maximumCell)
    }

    // MARK: many pairs

    static func group(_ group: CorrelatedGroup, _ link: TraceLink?) -> String {
        let summary = group.summary
        let both = summary.pairs - summary.withoutBaseline
        var text = "\(group.name.escapedForTerminal): \(Readable.count(summary.pairs, "pair"))"
        if both > 0 { text += ", \(Readable.count(summary.alike)) alike, \(Readable.count(both - summary.alike)) different" }
        if summary.withoutBaseline > 0 { text += ", \(Readable.count(summary.withoutBaseline)) whose baseline is not in the store" }
        text += "\n"
        let kinds = PairComparison.Difference.allCases.compactMap { kind in
            summary.differences[kind].map { "\(kind.rawValue) \(Readable.count($0))" }
        }
        if !kinds.isEmpty { text += "  differ in    \(kinds.joined(separator: ", "))\n" }
        let changes = summary.toolChanges.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { "\($0.key) \(Readable.count($0.value))" }
        if !changes.isEmpty { text += "  tool calls   \(changes.joined(separator: ", "))\n" }
        if both > 0 { text += arms(summary.baseline, summary.candidate) }
        guard !group.listed.isEmpty else { return text }
        let rows = group.listed.map { pair -> [String] in
            let run = pair.candidate
            let what = pair.baseline == nil ? "no baseline" : pair.differences.isEmpty ? "alike" : pair.differences.map(\.rawValue).joined(separator: " ")
            return [
                Timestamp.text(run.started), name(run), what,
                pair.latencyRatio.map { "\(Readable.twoDecimals($0)) times" } ?? "-", pair.baseline?.traceID.hex ?? "-", run.traceID.hex,
            ]
        }
        text += "\n" + lines([["started", "run", "differ in", "latency", "baseline's trace", "candidate's trace"]] + rows)
        if group.unlisted > 0 { text += "  and \(Readable.count(group.unlisted)) more (--limit)\n" }
        return text
    }

    static func cohorts(_ all: [(key: Cohorts.Key, arms: Cohorts.Arms)]) -> String {
        all.map { key, arms in
            var text = "canary of rollout \(key.rolloutID.isEmpty ? "-" : key.rolloutID.escapedForTerminal) revision \(key.revision)"
                + (key.stage.isEmpty ? "" : " step \(key.stage.escapedForTerminal)") + "\n" + self.arms(arms.baseline, arms.candidate)
            if arms.baseline.runs > 0, arms.candidate.runs > 0 {
                if !arms.newTools.isEmpty { text += "  only the candidate called \(names(arms.newTools))\n" }
                if !arms.missingTools.isEmpty { text += "  only the baseline called \(names(arms.missingTools))\n" }
            }
            return text
        }.joined(separator: "\n")
    }

    private static func names(_ tools: [String]) -> String {
        (tools.prefix(10).map { $0.isEmpty ? "(no name)" : $0 }.joined(separator: ", ") + (tools.count > 10 ? " and \(tools.count - 10) more" : ""))
            .escapedForTerminal
    }

    private static func arms(_ baseline: ArmSummary, _ candidate: ArmSummary) -> String {
        let rows = [("baseline", baseline), ("candidate", candidate)].map { name, arm -> [String] in
            let outcomes = arm.outcomes.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(3)
                .map { "\($0.key) \(Readable.count($0.value))" }.joined(separator: ", ")
            return [
                name, Readable.count(arm.runs), Readable.count(arm.errors),
                arm.latency(percentile: 50).map { Readable.duration(nanoseconds: $0) } ?? "-",
                arm.latency(percentile: 95).map { Readable.duration(nanoseconds: $0) } ?? "-", arm.meanTokens.map(number) ?? "-",
                arm.callsPerRun.map(Readable.twoDecimals) ?? "-", Readable.count(arm.refusedCalls), outcomes.isEmpty ? "-" : outcomes,
            ]
        }
        let text = lines([["arm", "runs", "errors", "p50", "p95", "tokens/run", "calls/run", "refused", "outcomes"]] + rows)
        let omitted = baseline.omittedCalls + candidate.omittedCalls
        guard omitted > 0 else { return text }
        return text + "  \(Readable.count(omitted, "call")) beyond the first \(StoredRun.maximumCalls) of a run: counted, not kept\n"
    }

    // MARK: numbers

    /// Tokens: whole ones as such.
    private static func number(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? Readable.count(Int(value)) : Readable.oneDecimal(value)
    }
}
