internal import Replay

/// A replay's result as Markdown, in no more than `limit` bytes.
struct MarkdownPage {
    let limit: Int
    let link: TraceLink?

    /// For the note that something was cut, and the end of what is open.
    private static let reserve = 400

    func text(_ report: ReplayReport, _ kept: borrowing KeptDetails) -> String {
        var page = BoundedText(limit: limit)
        addHead(report, to: &page)
        if let gate = report.gate { addGate(gate, to: &page) }
        let failuresShown = addFailures(kept, unit: report.unit, to: &page)
        addRest(report, to: &page)
        if kept.failureCount > failuresShown {
            let more = Numbers.count(kept.failureCount - failuresShown, "more failed \(report.unit)")
            page.add("\n_\(more) not shown here; the JSON report has all._\n")
        } else if page.isCut {
            page.add("\n_This report was cut to fit; the JSON report has all of it._\n")
        }
        return page.text
    }

    private func add(_ part: String, to page: inout BoundedText) -> Bool { page.add(part, reserve: Self.reserve) }

    private func addHead(_ report: ReplayReport, to page: inout BoundedText) {
        let tally = report.tally
        let counts = [
            tally.total, tally.passed, tally.failed, tally.toolMisuse, tally.budgetOverruns, tally.outcomes.onlyBaselinePassed,
            tally.outcomes.onlyCandidatePassed,
        ]
        _ = add(
            """
            ## \(report.gate.map { "\(Self.sign($0.verdict)) Outrigger: \($0.verdict.rawValue)" } ?? "Outrigger: replay")

            **\(MarkdownText.inline(report.headline, limit: 400))**

            \(MarkdownText.code(report.baseline.version)) → \(MarkdownText.code(report.candidate.version))

            | \(report.unit)s | passed | failed | tool misuse | budget overruns | newly failing | newly passing |
            |--:|--:|--:|--:|--:|--:|--:|
            | \(counts.map(Numbers.count).joined(separator: " | ")) |

            """, to: &page)
        list(report.gaps + report.notes, to: &page)
        if !report.comparisonWords.isEmpty {
            _ = add("\nAgainst \(MarkdownText.code(report.comparison?.file ?? "")):\n", to: &page)
            list(report.comparisonWords, to: &page)
        }
    }

    private func list(_ lines: [String], to page: inout BoundedText) {
        guard !lines.isEmpty, add("\n", to: &page) else { return }
        for line in lines.prefix(30) {
            if !add("- \(MarkdownText.inline(line, limit: 1000))\n", to: &page) { return }
        }
        if lines.count > 30 { _ = add("- … and \(Numbers.count(lines.count - 30)) more\n", to: &page) }
    }

    static func sign(_ verdict: GateReport.Verdict) -> String {
        switch verdict {
        case .pass: "✅"
        case .fail: "❌"
        case .inconclusive: "⚠️"
        }
    }

    // MARK: gate

    private func addGate(_ gate: GateReport, to page: inout BoundedText) {
        let findings = gate.findingsByWeight.map { finding in
            ["\(Self.sign(finding.verdict)) \(finding.verdict.rawValue)", MarkdownText.code(finding.rule, limit: 100),
             MarkdownText.inline(finding.message, limit: 500)]
        }
        table(["verdict", "rule", "finding"], "---", findings, to: &page)
        // Without a blank line it would be a row of the table.
        if let applied = gate.appliedWords { _ = add("\n<sub>\(MarkdownText.inline(applied, limit: 600))</sub>\n", to: &page) }
        let metrics = gate.metrics.map { metric in
            [
                MarkdownText.inline(metric.title), Numbers.count(metric.pairs), metric.baselineWords, metric.candidateWords,
                metric.effectWords, "\(metric.intervalWords) (\(metric.confidenceWords))", metric.marginWords,
                Numbers.pValue(metric.pValue), Numbers.pValue(metric.adjustedPValue),
                "\(Self.sign(metric.verdict)) \(MarkdownText.inline(metric.decision))",
            ]
        }
        let header = ["metric", "pairs", "baseline", "candidate", "effect", "interval", "margin", "p", "adjusted p", "decision"]
        table(header, "-::::::::-", metrics, to: &page)
        // Without a blank line they would be rows of the table.
        if !gate.metrics.isEmpty { _ = add("\n", to: &page) }
        for metric in gate.metrics {
            let meaning = [metric.marginMeaning, metric.pValueMeaning].compactMap(\.self).joined(separator: " ")
            _ = add("<sub>\(MarkdownText.inline("\(metric.title): \(meaning)", limit: 600))</sub><br>\n", to: &page)
        }
        let slices = gate.slices.map { slice in
            let tally = slice.tally
            return [MarkdownText.code(slice.name)]
                + [tally.total, tally.passed, tally.failed, tally.toolMisuse, tally.budgetOverruns].map(Numbers.count)
        }
        table(["slice", "total", "passed", "failed", "tool misuse", "budget overruns"], "-:::::", slices, to: &page)
        if let flakiness = gate.flakiness {
            let flaky = flakiness.flakyWords.map { ": " + MarkdownText.inline($0, limit: 2000) } ?? ""
            _ = add("\n**Flakiness:** \(MarkdownText.inline(flakiness.words, limit: 400))\(flaky)\n", to: &page)
        }
    }

    /// - Parameters:
    ///   - columns: `:` for a column of numbers.
    ///   - rows: cells, escaped.
    private func table(_ header: [String], _ columns: String, _ rows: [[String]], to page: inout BoundedText) {
        guard !rows.isEmpty else { return }
        let rule = columns.map { $0 == ":" ? "--:" : "---" }.joined(separator: "|")
        guard add("\n| \(header.joined(separator: " | ")) |\n|\(rule)|\n", to: &page) else { return }
        for row in rows.prefix(60) {
            if !add("| \(row.joined(separator: " | ")) |\n", to: &page) { return }
        }
        if rows.count > 60 { _ = add("\n_… and \(Numbers.count(rows.count - 60)) more_\n", to: &page) }
    }

    // MARK: failures

    /// - Returns: how many there was room for.
    private func addFailures(_ kept: borrowing KeptDetails, unit: String, to page: inout BoundedText) -> Int {
        guard kept.failureCount > 0 else { return 0 }
        guard add("\n### Failed \(unit)s\n", to: &page) else { return 0 }
        // The account of the export and the agents comes after.
        for (i, detail) in kept.failures.enumerated() where !page.add(failure(detail), reserve: Self.reserve + 2000) { return i }
        return kept.failures.count
    }

    private func failure(_ detail: borrowing RunDetail) -> String {
        let repetition = detail.repetition > 0 ? " (repetition \(detail.repetition + 1))" : ""
        let reasons = detail.reasons.prefix(12).map { MarkdownText.element($0, limit: 80) }.joined(separator: ", ")
        var text = """

            <details><summary>\(MarkdownText.element(detail.title, limit: 120))\(repetition): \(reasons)</summary>


            """
        if !detail.request.isEmpty { text += "> \(MarkdownText.inline(detail.request, limit: 400))\n\n" }
        text += "| | baseline | candidate |\n|---|---|---|\n"
        let (a, b) = (detail.baseline, detail.candidate)
        for (name, before, now) in [
            ("outcome", a.outcomeWords, b.outcomeWords), ("problem", a.problem, b.problem),
            ("latency", a.latency.map { Numbers.milliseconds($0) }, b.latency.map { Numbers.milliseconds($0) }),
            ("tokens", a.costTokens.map(Numbers.measured), b.costTokens.map(Numbers.measured)),
            ("response", a.response, b.response),
        ] where before != nil || now != nil {
            text += "| \(name) | \(MarkdownText.inline(before ?? "–", limit: 400)) | \(MarkdownText.inline(now ?? "–", limit: 400)) |\n"
        }
        let diff = DetailText.diffLines(detail, limit: 40)
        if !diff.isEmpty { text += "\n" + MarkdownText.fenced(diff, "diff") }
        var items: [String] = []
        if let failure = detail.baselineFailure({ MarkdownText.code($0, limit: 100) }) { items.append("- baseline: \(failure)\n") }
        var facts: [String] = []
        if let loop = b.loop { facts.append("loop: \(loop.words)") }
        if let tools = b.tools?.words { facts.append("tool calls: \(tools)") }
        items += facts.map { "- \($0)\n" }
        for check in b.checks.filter({ !$0.passed }).prefix(20) {
            items.append("- check \(MarkdownText.code(check.name, limit: 100)): \(MarkdownText.inline(check.evidence, limit: 400))\n")
        }
        if let url = detail.url(link) { items.append("- [trace](<\(url)>)\n") }
        if !items.isEmpty { text += "\n" + items.joined() }
        return text + "\n</details>\n"
    }

    private func addRest(_ report: ReplayReport, to page: inout BoundedText) {
        var lines = [
            "baseline \(report.baseline.words)", "candidate \(report.candidate.words)",
            "replay \(report.replayWords)",
        ]
        if let export = report.exportWords { lines.append("export: \(export)") }
        page.add("\n", reserve: 200)
        for line in lines { page.add("<sub>\(MarkdownText.inline(line, limit: 300))</sub><br>\n", reserve: 200) }
    }
}
