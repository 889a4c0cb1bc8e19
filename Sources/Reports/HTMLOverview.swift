internal import Replay

/// What an HTML report says of the replay as a whole.
struct HTMLOverview {
    let report: ReplayReport
    /// The gate file, as the user named it.
    var gateFile: String?
    /// When the page was made.
    var date: String

    var text: String {
        header + "<main>\n" + HTMLLegend.text + totals + (report.gate.map { gate($0) } ?? "") + pairs
            + list("Not compared", report.gaps) + list("Against \(report.comparison?.file ?? "")", report.comparisonWords)
            + list("Notes", report.notes)
    }

    var footer: String {
        let export = report.exportWords.map { "<p>Export: \(HTMLText.escaped($0))</p>" } ?? ""
        return """
            <footer>\(export)<p>Replay of \(HTMLText.escaped(ShownPath.of(report.traces))): \(HTMLText.escaped(report.replayWords)). \
            Made by Outrigger.</p></footer>

            """
    }

    private var header: String {
        """
        <header class="\(report.gate?.verdict.rawValue ?? "replay")">
        <p class="verdict">\(report.gate.map { "Gate: \($0.verdict.rawValue)" } ?? "Replay")</p>
        <h1>\(HTMLText.escaped(report.headline))</h1>
        <p class="dim facts"><time>\(HTMLText.escaped(date))</time>\(fact("gate file", gateFile))\(fact("traces", report.traces))</p>
        <dl class="arms">
        \(arm("Baseline", report.baseline))\(arm("Candidate", report.candidate))</dl>
        </header>

        """
    }

    private func fact(_ name: String, _ path: String?) -> String {
        path.map { " · \(name) <code>\(HTMLText.escaped(ShownPath.of($0)))</code>" } ?? ""
    }

    private func arm(_ name: String, _ arm: ReplayReport.ArmDescription) -> String {
        let digest = arm.digest.map {
            "<br><code class=\"digest\" title=\"\(HTMLText.escaped($0))\">\(HTMLText.escaped($0))</code>"
        } ?? ""
        return "<div><dt>\(name)</dt><dd><strong>\(HTMLText.escaped(arm.version))</strong> "
            + "<span class=\"dim\">\(HTMLText.escaped(arm.shownAgent))</span>\(digest)</dd></div>\n"
    }

    private var totals: String {
        let tally = report.tally
        let numbers = [
            (report.unit + "s", tally.total, ""), ("passed", tally.passed, "good"), ("failed", tally.failed, tally.failed > 0 ? "bad" : ""),
            ("tool misuse", tally.toolMisuse, tally.toolMisuse > 0 ? "bad" : ""),
            ("budget overruns", tally.budgetOverruns, tally.budgetOverruns > 0 ? "bad" : ""),
        ]
        let items = numbers.map { "<div class=\"\($0.2)\"><dd>\(Numbers.count($0.1))</dd><dt>\($0.0)</dt></div>" }
        return "<section aria-label=\"Totals\"><dl class=\"totals\">\(items.joined())</dl></section>\n"
    }

    private func list(_ title: String, _ lines: [String]) -> String {
        guard !lines.isEmpty else { return "" }
        let items = lines.prefix(100).map { "<li>\(HTMLText.escaped($0, limit: 4000))</li>" }
        return "<section><h2>\(HTMLText.escaped(title))</h2><ul>\(items.joined())</ul></section>\n"
    }

    // MARK: gate

    private func gate(_ gate: GateReport) -> String {
        var text = ""
        if !gate.metrics.isEmpty {
            text += "<section><h2>Metrics</h2><div class=\"cards\">\(gate.metrics.map(card).joined())</div></section>\n"
        }
        let findings = gate.findingsByWeight.prefix(200).map { finding in
            [
                "<span class=\"badge \(finding.verdict.rawValue)\">\(finding.verdict.rawValue)</span>",
                "<code>\(HTMLText.escaped(finding.rule))</code>", HTMLText.escaped(finding.message, limit: 2000),
            ]
        }
        text += table("Rules", ["verdict", "rule", "finding"], findings.map { $0 })
        if let applied = gate.appliedWords { text += "<p class=\"dim\">\(HTMLText.escaped(applied, limit: 1000))</p>\n" }
        let slices = gate.slices.prefix(200).map { slice in
            let tally = slice.tally
            return [HTMLText.escaped(slice.name)]
                + [tally.total, tally.passed, tally.failed, tally.toolMisuse, tally.budgetOverruns].map(Numbers.count)
        }
        text += table("Slices", ["slice", report.unit + "s", "passed", "failed", "tool misuse", "overruns"], slices, numbers: true)
        if let flakiness = gate.flakiness { text += self.flakiness(flakiness) }
        return text
    }

    private func flakiness(_ flakiness: GateReport.Flakiness) -> String {
        let chances = flakiness.passHatK.prefix(10)
        let header = ["repetitions"] + chances.indices.map { "pass^\($0 + 1)" }
        let row = [Numbers.count(flakiness.repetitions)] + chances.map { Numbers.percent($0) }
        let words = "pass^k is the chance that a trace passes k times out of k."
        let lines = [words, Numbers.count(flakiness.flakyCount, "flaky trace")] + (flakiness.flakyWords.map { [$0] } ?? [])
        return table("Flakiness", header, [row], numbers: true) + lines.map { "<p class=\"dim\">\(HTMLText.escaped($0, limit: 4000))</p>\n" }.joined()
    }

    /// - Parameter numbers: whether all columns but the first are numbers.
    private func table(_ title: String, _ header: [String], _ rows: [[String]], numbers: Bool = false) -> String {
        guard !rows.isEmpty else { return "" }
        let head = header.map { "<th scope=\"col\">\($0)</th>" }.joined()
        let body = rows.map { row in
            let cells = row.dropFirst().map { "<td>\($0)</td>" }.joined()
            return "<tr><th scope=\"row\">\(row.first ?? "")</th>\(cells)</tr>"
        }
        return """
            <section><h2>\(title)</h2><div class="scroll" tabindex="0" role="region" aria-label="\(title)">\
            <table\(numbers ? " class=\"numbers\"" : " class=\"words\"")><thead><tr>\(head)</tr></thead>
            <tbody>\(body.joined(separator: "\n"))</tbody></table></div></section>

            """
    }

    private var pairs: String {
        let tally = report.tally
        guard tally.compared > 0 else { return "" }
        let cells = tally.outcomes
        return table(
            "Pairs", ["outcome", "candidate passed", "candidate failed"],
            [
                ["baseline passed", Numbers.count(cells.bothPassed), Numbers.count(cells.onlyBaselinePassed)],
                ["baseline failed", Numbers.count(cells.onlyCandidatePassed), Numbers.count(cells.bothFailed)],
            ], numbers: true) + "<p class=\"dim\">\(report.pairWords)</p>\n"
    }

    private func card(_ metric: GateReport.Metric) -> String {
        """
        <article class="card">
        <h3>\(HTMLText.escaped(metric.title)) <span class="badge \(metric.verdict.rawValue)">\(HTMLText.escaped(metric.decision))</span></h3>
        <p class="change">\(metric.baselineWords) → <strong>\(metric.candidateWords)</strong></p>
        \(HTMLInterval(metric).text)
        <p>\(HTMLText.escaped(metric.effectName)): <strong>\(metric.effectWords)</strong></p>
        <p class="dim">\(metric.confidenceWords) interval \(metric.intervalWords), \(Numbers.count(metric.pairs, "pair"))</p>
        <p class="dim">\(HTMLText.escaped(metric.marginMeaning))</p>
        \(metric.pValueMeaning.map { "<p class=\"dim\">\(HTMLText.escaped(metric.test)): \(HTMLText.escaped($0))</p>" } ?? "")
        </article>

        """
    }
}

/// An effect with its interval, as a drawing: the dashed line is no effect, the dotted one the margin.
struct HTMLInterval {
    let text: String

    init(_ metric: GateReport.Metric) {
        let neutral = metric.isRate ? 0.0 : 1.0
        guard let interval = metric.interval, metric.effect.isFinite, interval.lowerBound.isFinite, interval.upperBound.isFinite
        else {
            text = ""
            return
        }
        // More is better for rates, worse for times and costs.
        let bound = metric.margin.map { metric.isRate ? neutral - $0 : neutral + $0 }.flatMap { $0.isFinite ? $0 : nil }
        let values = [interval.lowerBound, interval.upperBound, metric.effect, neutral] + (bound.map { [$0] } ?? [])
        let low = values.min() ?? 0
        let span = max((values.max() ?? 1) - low, 1e-9)
        func x(_ value: Double) -> String { String(Numbers.fixed(12 + (value - low) / span * 276, 1).filter { $0 != "," }) }
        func line(_ value: Double, _ kind: String) -> String {
            "<line class=\"\(kind)\" x1=\"\(x(value))\" x2=\"\(x(value))\" y1=\"4\" y2=\"36\"/>"
        }
        let words = "effect \(metric.effectWords), interval \(metric.intervalWords), margin \(metric.marginWords)"
        text = """
            <svg viewBox="0 0 300 40" role="img" aria-label="\(HTMLText.escaped(words))" class="\(metric.verdict.rawValue)">\
            \(line(neutral, "neutral"))\(bound.map { line($0, "margin") } ?? "")\
            <line class="bar" x1="\(x(interval.lowerBound))" x2="\(x(interval.upperBound))" y1="20" y2="20"/>\
            <circle cx="\(x(metric.effect))" cy="20" r="6"/></svg>
            """
    }
}
