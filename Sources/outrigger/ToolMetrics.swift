import AgentRuns
import Ledger
import ToolGateway

/// The numbers of the tool gateway and of its ledger.
enum ToolMetrics {
    static func text(_ calls: ToolGateway.Counts, _ runs: ToolRuns.Counts) -> String {
        var text = PrometheusText()
        text.begin("outrigger_tool_calls_total", "counter", "Tool calls of known runs, by what became of them.")
        for (key, count) in calls.calls.sorted(by: { "\($0.key)" < "\($1.key)" }) {
            text.sample(
                "outrigger_tool_calls_total",
                [
                    ("tool", key.tool), ("role", key.role.rawValue), ("mode", key.mode.rawValue), ("verdict", key.verdict.word),
                    ("reason", key.verdict.refusal ?? ""),
                ], count)
        }
        text.counts("outrigger_tool_failures_total", "Tool calls that were let through and not answered.", "type", calls.failures)
        text.counts(
            "outrigger_tool_divergences_total", "Shadows that asked for what the baseline had not, once each.", "kind", calls.divergences)
        text.single("outrigger_tool_unknown_runs_total", "counter", "Tool calls without the token of a known run.", calls.unknownRuns)
        text.single("outrigger_tool_calls_cancelled_total", "counter", "Tool calls under way that a rollback cancelled.", runs.cancelled)
        text.single("outrigger_tool_journal_failures_total", "counter", "Writes refused because they could not be recorded: alarm on it.", calls.journalFailures)
        text.single("outrigger_tool_runs_total", "counter", "Runs that were given a token.", runs.begun)
        text.single("outrigger_tool_runs_refused_total", "counter", "Runs for which there was no room: they got no token.", runs.refused)
        text.single("outrigger_tool_runs", "gauge", "Runs whose tokens are known, those just over among them.", runs.known)
        text.single("outrigger_tool_calls_active", "gauge", "Tool calls under way.", calls.underWay)
        return text.text
    }

    static func text(_ ledger: LedgerHealth) -> String {
        var text = PrometheusText()
        text.single("outrigger_audit_writable", "gauge", "0 while the ledger cannot be written, and so writes are refused: alarm on it.", ledger.isWritable ? 1 : 0)
        text.single("outrigger_audit_entries_total", "counter", "Entries that this process recorded.", Int(clamping: ledger.written))
        text.single("outrigger_audit_entries_lost_total", "counter", "Reads, refusals and completions that could not be recorded.", Int(clamping: ledger.lost))
        text.single("outrigger_audit_intents_refused_total", "counter", "Writes that could not be recorded before they went out.", Int(clamping: ledger.refused))
        text.single("outrigger_audit_waiting", "gauge", "Entries that wait to be recorded.", ledger.waiting)
        return text.text
    }
}
