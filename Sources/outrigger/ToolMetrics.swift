import AgentRuns
import Ledger
import ToolGateway

/// The numbers of the tool gateway and of its ledger, in Prometheus' text format.
enum ToolMetrics {
    static func text(_ calls: ToolGateway.Counts, _ runs: ToolRuns.Counts) -> String {
        var text = ""
        func begin(_ name: String, _ kind: String, _ help: String) {
            text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind)\n"
        }
        func single(_ name: String, _ kind: String, _ help: String, _ value: Int) {
            begin(name, kind, help)
            text += "\(name) \(value)\n"
        }
        // Names of tools have no characters that a label would have to escape.
        begin("outrigger_tool_calls_total", "counter", "Tool calls of known runs, by what became of them.")
        for (key, count) in calls.calls.sorted(by: { "\($0.key)" < "\($1.key)" }) {
            text += "outrigger_tool_calls_total{tool=\"\(key.tool)\",role=\"\(key.role.rawValue)\",mode=\"\(key.mode.rawValue)\","
                + "verdict=\"\(key.verdict.word)\",reason=\"\(key.verdict.refusal ?? "")\"} \(count)\n"
        }
        begin("outrigger_tool_failures_total", "counter", "Tool calls that were let through and not answered.")
        for (type, count) in calls.failures.sorted(by: { $0.key < $1.key }) { text += "outrigger_tool_failures_total{type=\"\(type)\"} \(count)\n" }
        begin("outrigger_tool_divergences_total", "counter", "Shadows that asked for what the baseline had not, once each.")
        for (kind, count) in calls.divergences.sorted(by: { $0.key < $1.key }) { text += "outrigger_tool_divergences_total{kind=\"\(kind)\"} \(count)\n" }
        single("outrigger_tool_unknown_runs_total", "counter", "Tool calls without the token of a known run.", calls.unknownRuns)
        single("outrigger_tool_calls_cancelled_total", "counter", "Tool calls under way that a rollback cancelled.", runs.cancelled)
        single("outrigger_tool_journal_failures_total", "counter", "Writes refused because they could not be recorded: alarm on it.", calls.journalFailures)
        single("outrigger_tool_runs_total", "counter", "Runs that were given a token.", runs.begun)
        single("outrigger_tool_runs_refused_total", "counter", "Runs for which there was no room: they got no token.", runs.refused)
        single("outrigger_tool_runs", "gauge", "Runs whose tokens are known, those just over among them.", runs.known)
        single("outrigger_tool_calls_active", "gauge", "Tool calls under way.", calls.underWay)
        return text
    }

    static func text(_ ledger: LedgerHealth) -> String {
        var text = ""
        func single(_ name: String, _ kind: String, _ help: String, _ value: Int) {
            text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind)\n\(name) \(value)\n"
        }
        single("outrigger_audit_writable", "gauge", "0 while the ledger cannot be written, and so writes are refused: alarm on it.", ledger.isWritable ? 1 : 0)
        single("outrigger_audit_entries_total", "counter", "Entries that this process recorded.", Int(clamping: ledger.written))
        single("outrigger_audit_entries_lost_total", "counter", "Reads, refusals and completions that could not be recorded.", Int(clamping: ledger.lost))
        single("outrigger_audit_intents_refused_total", "counter", "Writes that could not be recorded before they went out.", Int(clamping: ledger.refused))
        single("outrigger_audit_waiting", "gauge", "Entries that wait to be recorded.", ledger.waiting)
        return text
    }
}
