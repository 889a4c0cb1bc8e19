internal import Replay

/// One trace that failed, for a terminal.
struct TerminalFailure {
    let style: TerminalStyle
    let width: Int
    let link: TraceLink?

    private static let labelWidth = 11
    private static let maximumRows = 40

    func text(_ detail: borrowing RunDetail) -> String {
        var lines: [String] = []
        let repetition = detail.repetition > 0 ? ", repetition \(detail.repetition + 1)" : ""
        lines.append(
            style.paint("FAIL", .red) + " " + style.paint(Visible.line(detail.title, limit: 200), .bold) + "  "
                + style.paint(Visible.line(detail.reasons.joined(separator: ", "), limit: 400), .red)
                + style.paint("  (line \(detail.line)\(repetition))", .dim))
        let (a, b) = (detail.baseline, detail.candidate)
        if !detail.request.isEmpty {
            lines.append(label("request") + Visible.line(detail.request, limit: width - Self.labelWidth - 3))
        }
        if let failure = detail.baselineFailure({ Visible.line($0, limit: 100) }) {
            let problem = a.problem.map { ": " + Visible.line($0, limit: 400) } ?? ""
            lines.append(label("baseline") + failure + problem)
        } else if let problem = a.problem {
            lines.append(label("baseline") + Visible.line(problem, limit: 400))
        }
        if let problem = b.problem { lines.append(label("problem") + style.paint(Visible.line(problem, limit: 400), .red)) }
        if a.outcomeWords != nil || b.outcomeWords != nil {
            lines.append(arms("outcome", a.outcomeWords ?? "–", b.outcomeWords ?? "–", detail.reasons.contains("outcome_fail")))
        }
        if a.latency != nil || b.latency != nil {
            lines.append(
                arms(
                    "latency", Numbers.milliseconds(a.latency), Numbers.milliseconds(b.latency),
                    detail.reasons.contains("latency")))
        }
        if a.costTokens != nil || b.costTokens != nil {
            lines.append(
                arms(
                    "tokens", a.costTokens.map { Numbers.measured($0) } ?? "–", b.costTokens.map { Numbers.measured($0) } ?? "–",
                    detail.reasons.contains("cost")))
        }
        lines += toolLines(detail)
        if let loop = b.loop { lines.append(label("loop") + style.paint(loop.words, .red)) }
        if let tools = b.tools?.words { lines.append(label("answers") + "tool calls: " + tools) }
        for check in b.checks where !check.passed {
            lines.append(
                label("check") + style.paint(Visible.line(check.name, limit: 100), .red) + ": "
                    + Visible.line(check.evidence, limit: 400))
        }
        let passed = b.checks.count(where: \.passed)
        if passed > 0 { lines.append(label("checks") + style.paint("\(Numbers.count(passed)) passed", .green)) }
        if let url = detail.url(link) {
            lines.append(label("trace") + style.paint(url, .cyan))
        } else if let id = b.traceID ?? a.traceID {
            lines.append(label("trace") + Visible.line(id, limit: 100))
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private func label(_ name: String) -> String { "  " + style.paint(name.fitted(to: Self.labelWidth), .dim) }

    private func arms(_ name: String, _ baseline: String, _ candidate: String, _ isWrong: Bool) -> String {
        let now = Visible.line(candidate, limit: 250)
        return label(name) + Visible.line(baseline, limit: 250) + " → " + (isWrong ? style.paint(now, .red) : now)
    }

    // MARK: tool calls

    private func toolLines(_ detail: borrowing RunDetail) -> [String] {
        guard !detail.toolChanges.isEmpty else { return [] }
        let rows = ToolCallRow.rows(of: detail)
        // What remains beside the signs and the kind belongs to the two arms, but no more than they need.
        let longest = rows.flatMap { [$0.baseline, $0.candidate] }.compactMap { $0.map { Visible.width(cell($0)) } }.max() ?? 0
        let column = max(12, min(longest, (width - 28) / 2))
        var lines = [
            "  " + style.paint("tool calls", .dim),
            "      " + style.paint("baseline".fitted(to: column) + "  " + "candidate", .dim),
        ]
        for row in rows.prefix(Self.maximumRows) { lines += self.lines(row, column) }
        if rows.count > Self.maximumRows {
            lines.append("      … \(Numbers.count(rows.count - Self.maximumRows, "more call"))")
        }
        return lines
    }

    private func lines(_ row: ToolCallRow, _ column: Int) -> [String] {
        let baseline = row.baseline.map(cell) ?? "–"
        let candidate = row.candidate.map(cell) ?? "–"
        let color: TerminalStyle.Color = row.sign == "+" ? .green : row.sign == "-" ? .red : row.sign == "~" ? .yellow : .dim
        let kind = row.kind.map { "  " + words(Visible.line($0, limit: 40)) } ?? ""
        let candidateCell = kind.isEmpty ? candidate.fitted(to: min(column, Visible.width(candidate))) : candidate.fitted(to: column)
        var lines = ["    " + style.paint("\(row.sign) \(baseline.fitted(to: column))  \(candidateCell)\(kind)", color)]
        for argument in row.arguments.prefix(20) {
            let path = argument.path.isEmpty ? "(all)" : Visible.line(argument.path, limit: 100)
            lines.append(
                "          \(path): " + style.paint(DetailText.value(argument.baseline), .red) + " → "
                    + style.paint(DetailText.value(argument.candidate), .green))
        }
        let more = row.omitted + max(0, row.arguments.count - 20)
        if more > 0 { lines.append("          … \(Numbers.count(more, "more difference"))") }
        return lines
    }

    private func cell(_ side: ToolCallRow.Side) -> String {
        "\(side.index + 1) \(Visible.line(side.name, limit: 80))\(side.success == false ? " (failed)" : "")"
    }
}
