internal import Replay

/// A trace that failed, in plain lines without colours: the body of a JUnit failure and the like.
enum DetailText {
    /// Longer ones are cut: a report has many.
    static let maximum = 20_000

    static func lines(_ detail: borrowing RunDetail, link: TraceLink?) -> String {
        var lines: [String] = []
        if !detail.request.isEmpty { lines.append("request: \(Visible.line(detail.request, limit: 400))") }
        lines.append("baseline:  \(arm(detail.baseline))")
        lines.append("candidate: \(arm(detail.candidate))")
        if let loop = detail.candidate.loop { lines.append("loop: \(loop.words)") }
        if let tools = detail.candidate.tools?.words { lines.append("tool calls: \(tools)") }
        for check in detail.candidate.checks where !check.passed {
            lines.append("check \(Visible.line(check.name)): \(Visible.line(check.evidence, limit: 1000))")
        }
        let diff = diffLines(detail, limit: 60)
        if !diff.isEmpty { lines += ["tool calls, - baseline, + candidate:"] + diff.map { "  " + $0 } }
        if let url = detail.url(link) { lines.append("trace: \(url)") }
        // Last, since annotations have room for less than this.
        for (name, arm) in [("baseline", detail.baseline), ("candidate", detail.candidate)] {
            if let response = arm.response { lines.append("\(name) response: \(Visible.line(response, limit: 400))") }
        }
        return Visible.cut(lines.joined(separator: "\n"), maximum)
    }

    /// The tool calls in the form of a unified diff. Calls that are the same stand around differences only.
    static func diffLines(_ detail: borrowing RunDetail, limit: Int) -> [String] {
        guard !detail.toolChanges.isEmpty else { return [] }
        let rows = ToolCallRow.rows(of: detail)
        var lines: [String] = []
        var skipped = 0
        for (i, row) in rows.enumerated() {
            if row.kind == nil, !rows[max(0, i - 1)...min(rows.count - 1, i + 1)].contains(where: { $0.kind != nil }) {
                skipped += 1
                continue
            }
            if skipped > 0 { lines.append("  … \(Numbers.count(skipped, "same call"))") }
            skipped = 0
            lines += diffLines(row)
        }
        if skipped > 0 { lines.append("  … \(Numbers.count(skipped, "same call"))") }
        guard lines.count > limit else { return lines }
        return lines.prefix(limit) + ["… \(Numbers.count(lines.count - limit, "more line"))"]
    }

    private static func diffLines(_ row: ToolCallRow) -> [String] {
        guard let kind = row.kind else { return row.candidate.map { ["  " + call($0)] } ?? [] }
        let note = "  # " + words(Visible.line(kind))
        var lines: [String] = []
        if kind == "reordered", let a = row.baseline, let b = row.candidate {
            return ["! " + call(b) + note + " (call \(a.index + 1) of the baseline, now \(b.index + 1))"]
        }
        if let side = row.baseline, row.sign != "+" { lines.append("- " + call(side) + (row.candidate == nil ? note : "")) }
        if let side = row.candidate { lines.append("+ " + call(side) + note) }
        for argument in row.arguments {
            lines.append("!   " + argumentLine(argument))
        }
        if row.omitted > 0 { lines.append("!   … \(Numbers.count(row.omitted, "more difference"))") }
        return lines
    }

    static func argumentLine(_ argument: (path: String, baseline: String?, candidate: String?)) -> String {
        let path = argument.path.isEmpty ? "(all)" : Visible.line(argument.path, limit: 200)
        return "\(path): \(value(argument.baseline)) → \(value(argument.candidate))"
    }

    static func value(_ json: String?) -> String { json.map { Visible.line($0, limit: 200) } ?? "(none)" }

    static func call(_ side: ToolCallRow.Side) -> String {
        "\(Visible.line(side.name, limit: 100))(\(Visible.line(side.arguments ?? "", limit: 200)))"
    }

    private static func arm(_ arm: RunDetail.Arm) -> String {
        if let problem = arm.problem {
            return "\(arm.reasons.first.map { Visible.line($0, limit: 100) + ": " } ?? "")\(Visible.line(problem, limit: 1000))"
        }
        var parts = [Visible.line(arm.outcomeWords ?? "no outcome", limit: 250)]
        if let latency = arm.latency { parts.append(Numbers.milliseconds(latency)) }
        if let tokens = arm.costTokens { parts.append(Numbers.measured(tokens) + " tokens") }
        return parts.joined(separator: ", ")
    }
}
