internal import Replay

/// The gate's verdict and all that is not about one trace, for a terminal.
struct TerminalTotals {
    let style: TerminalStyle
    let width: Int

    func text(_ report: ReplayReport) -> String {
        var blocks: [[String]] = []
        blocks.append([
            "Compared  \(Visible.line(report.baseline.words, limit: 300))",
            "with      \(Visible.line(report.candidate.words, limit: 300))",
            style.paint("replay    \(Visible.line(report.replayWords, limit: 300))", .dim),
        ])
        if let gate = report.gate {
            blocks.append(gateLines(gate, report))
            if !gate.metrics.isEmpty { blocks.append(metricLines(gate)) }
            if !gate.slices.isEmpty { blocks.append(sliceLines(gate)) }
            if let flakiness = gate.flakiness {
                blocks.append(titled("Flakiness", [flakiness.words] + (flakiness.flakyWords.map { [$0] } ?? [])))
            }
        }
        if report.tally.compared > 0 { blocks.append(pairLines(report)) }
        if !report.tally.toolChanges.isEmpty {
            let kinds = report.tally.toolChanges.sorted { $0.key < $1.key }
            blocks.append(titled("Tool calls that differ", [kinds.map { "\(words($0.key)) \(Numbers.count($0.value))" }.joined(separator: ", ")]))
        }
        if !report.gaps.isEmpty { blocks.append(titled("Not compared", report.gaps, .yellow)) }
        if !report.comparisonWords.isEmpty {
            blocks.append(titled("Against \(report.comparison?.file ?? "")", report.comparisonWords))
        }
        if let export = report.exportWords {
            blocks.append(titled("Export", [export], report.export?.isComplete == true ? .bold : .yellow))
        }
        if !report.notes.isEmpty { blocks.append(titled("Notes", report.notes)) }
        return blocks.map { "\n" + $0.joined(separator: "\n") + "\n" }.joined()
    }

    private func titled(_ title: String, _ lines: [String], _ color: TerminalStyle.Color = .bold) -> [String] {
        [style.paint(Visible.line(title, limit: 200), color)] + lines.map { "  " + Visible.line($0, limit: 4000) }
    }

    private func color(_ verdict: GateReport.Verdict) -> TerminalStyle.Color {
        switch verdict {
        case .pass: .green
        case .fail: .red
        case .inconclusive: .yellow
        }
    }

    private func gateLines(_ gate: GateReport, _ report: ReplayReport) -> [String] {
        var lines = [
            style.paint("Gate: \(gate.verdict.rawValue.uppercased())", color(gate.verdict)) + " – " + Visible.line(report.headline)
        ]
        let findings = gate.findingsByWeight
        let ruleWidth = min(40, findings.map { Visible.width(Visible.line($0.rule, limit: 100)) }.max() ?? 0)
        for finding in findings {
            lines.append(
                "  " + style.paint(finding.verdict.rawValue.fitted(to: 12), color(finding.verdict)) + "  "
                    + Visible.line(finding.rule, limit: 100).fitted(to: ruleWidth) + "  " + Visible.line(finding.message, limit: 1000))
        }
        if let applied = gate.appliedWords { lines.append("  " + style.paint(Visible.line(applied, limit: 1000), .dim)) }
        return lines
    }

    private func metricLines(_ gate: GateReport) -> [String] {
        var table = TextTable(
            header: ["metric", "pairs", "baseline", "candidate", "effect", "interval", "margin", "p", "adjusted", "decision"],
            alignsRight: [false, true, true, true, true, true, true, true, true, false])
        for metric in gate.metrics {
            table.add([
                metric.title, Numbers.count(metric.pairs), metric.baselineWords, metric.candidateWords, metric.effectWords,
                metric.intervalWords, metric.marginWords, Numbers.pValue(metric.pValue), Numbers.pValue(metric.adjustedPValue),
                metric.decision,
            ])
        }
        var lines = [style.paint("Metrics", .bold)]
        for (i, line) in table.lines.enumerated() {
            lines.append("  " + (i == 0 ? style.paint(line, .dim) : style.paint(line, color(gate.metrics[i - 1].verdict))))
        }
        // How each was computed, once.
        for metric in gate.metrics {
            let how = "\(metric.title): \(metric.effectName), \(metric.confidenceWords) interval, \(metric.test)"
            lines.append("  " + style.paint(Visible.line(how, limit: 200), .dim))
        }
        return lines
    }

    private func sliceLines(_ gate: GateReport) -> [String] {
        var table = TextTable(
            header: ["slice", "total", "passed", "failed", "tool misuse", "overruns"],
            alignsRight: [false, true, true, true, true, true])
        for slice in gate.slices {
            let tally = slice.tally
            table.add([slice.name] + [tally.total, tally.passed, tally.failed, tally.toolMisuse, tally.budgetOverruns].map(Numbers.count))
        }
        return [style.paint("Slices", .bold)] + table.lines.map { "  " + $0 }
    }

    private func pairLines(_ report: ReplayReport) -> [String] {
        var table = TextTable(header: ["", "candidate passed", "candidate failed"], alignsRight: [false, true, true])
        let cells = report.tally.outcomes
        table.add(["baseline passed", Numbers.count(cells.bothPassed), Numbers.count(cells.onlyBaselinePassed)])
        table.add(["baseline failed", Numbers.count(cells.onlyCandidatePassed), Numbers.count(cells.bothFailed)])
        return [style.paint("Pairs", .bold)] + table.lines.map { "  " + $0 } + ["  " + style.paint(report.pairWords, .dim)]
    }
}
