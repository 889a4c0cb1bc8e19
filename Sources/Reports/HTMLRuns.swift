internal import Replay

/// The traces of an HTML report, each with both runs side by side.
struct HTMLRuns {
    let link: TraceLink?

    private static let maximumRows = 200

    static func opening(_ kept: borrowing KeptDetails, title: String) -> String {
        var reasons: [String: Int] = [:]
        for detail in kept.failures { for reason in Set(detail.reasons) { reasons[reason, default: 0] += 1 } }
        let options = reasons.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(100).map {
            let name = XMLText.escaped(Visible.line($0.key, limit: 100))
            return "<option value=\"\(name)\">\(name) (\($0.value))</option>"
        }
        let shown = kept.failures.count + kept.passes.count
        let total = kept.failureCount + kept.passCount
        let more = total > shown
            ? "<p class=\"dim\">\(Numbers.count(kept.omittedFailures)) more that failed and "
                + "\(Numbers.count(kept.omittedPasses)) more that passed are only in the JSON report.</p>" : ""
        return """
            <section aria-labelledby="runs"><h2 id="runs">\(title)</h2>
            <form class="filter" role="search"><label>Find <input id="find" type="search" autocomplete="off"></label>
            <label>Show <select id="reason"><option value="">all</option><option value="*">failed</option>\
            <option value="-">passed</option>\(options.joined())</select></label>
            <button type="button" id="open">Open all</button> <output id="count">\(Numbers.count(shown)) shown</output></form>
            \(more)

            """
    }

    func text(_ detail: borrowing RunDetail) -> String {
        let reasons = detail.reasons.map { Visible.line($0, limit: 100) }
        let badges = reasons.map { "<span class=\"badge fail\">\(XMLText.escaped($0))</span>" }.joined(separator: " ")
        let verdict = detail.passed ? "<span class=\"badge pass\">passed</span>" : badges
        let repetition = detail.repetition > 0 ? " <span class=\"dim\">repetition \(detail.repetition + 1)</span>" : ""
        let baseline = arm("Baseline", detail.baseline, failure: detail.baselineFailure { HTMLText.escaped($0, limit: 100) })
        let request = detail.request.isEmpty ? "" : "<p class=\"request\">\(HTMLText.lines(detail.request))</p>"
        return """
            <details class="run" data-passed="\(detail.passed)" data-reasons="\(XMLText.escaped(reasons.joined(separator: "\n")))">
            <summary><code>\(HTMLText.escaped(detail.title, limit: 120))</code>\(repetition) \(verdict) \
            <span class="dim one">\(HTMLText.escaped(detail.request, limit: 120))</span></summary>
            \(request)
            <div class="sides">\(baseline)\(arm("Candidate", detail.candidate))</div>
            \(calls(detail))\(checks(detail))</details>

            """
    }

    /// - Parameter failure: that the run failed, escaped, where nothing above says so.
    private func arm(_ name: String, _ arm: RunDetail.Arm, failure: String? = nil) -> String {
        var facts: [(String, String)] = []
        if let failure { facts.append(("verdict", mark(failure, true))) }
        if let problem = arm.problem {
            let kind = arm.reasons.first.map { words($0) + ": " } ?? ""
            facts.append(("problem", "<span class=\"wrong\">\(HTMLText.escaped(kind + problem, limit: 2000))</span>"))
        }
        if let outcome = arm.outcomeWords { facts.append(("outcome", mark(HTMLText.escaped(outcome), arm.reasons.contains("outcome_fail")))) }
        if let latency = arm.latency {
            facts.append(("latency", mark(Numbers.milliseconds(latency), arm.reasons.contains("latency"))))
        }
        if let tokens = arm.costTokens { facts.append(("tokens", mark(Numbers.measured(tokens), arm.reasons.contains("cost")))) }
        if let loop = arm.loop { facts.append(("loop", mark(loop.words, true))) }
        if let tools = arm.tools?.words { facts.append(("tool calls", tools)) }
        if let id = arm.traceID {
            let shown = "<code>\(HTMLText.escaped(id, limit: 100))</code>"
            let url = link.flatMap { $0.url(traceID: id, spanID: arm.spanID) }
            facts.append(("trace", url.map { "<a href=\"\(XMLText.escaped($0))\" rel=\"noreferrer\">\(shown)</a>" } ?? shown))
        }
        let list = facts.map { "<dt>\($0.0)</dt><dd>\($0.1)</dd>" }.joined()
        let response = arm.response.map { "<pre>\(HTMLText.lines($0))</pre>" } ?? ""
        return "<section class=\"side\"><h3>\(name)</h3><dl>\(list)</dl>\(response)</section>"
    }

    private func mark(_ escaped: String, _ isWrong: Bool) -> String {
        isWrong ? "<span class=\"wrong\">\(escaped)</span>" : escaped
    }

    // MARK: tool calls and checks

    private func calls(_ detail: borrowing RunDetail) -> String {
        let rows = ToolCallRow.rows(of: detail)
        guard !rows.isEmpty else { return "" }
        let body = rows.prefix(Self.maximumRows).map(row).joined(separator: "\n")
        let more = rows.count > Self.maximumRows ? "<p class=\"dim\">\(Numbers.count(rows.count - Self.maximumRows, "more call"))</p>" : ""
        return """
            <h3>Tool calls</h3><div class="scroll" tabindex="0" role="region" aria-label="Tool calls"><table class="calls">
            <thead><tr><th scope="col">difference</th><th scope="col">baseline</th><th scope="col">candidate</th></tr></thead>
            <tbody>\(body)</tbody></table></div>\(more)

            """
    }

    private func row(_ row: ToolCallRow) -> String {
        let kind = row.kind.map { HTMLText.escaped(words($0)) } ?? "<span class=\"dim\">same</span>"
        let style = row.kind == nil ? "same" : row.sign == "+" ? "added" : row.sign == "-" ? "removed" : "changed"
        var text = "<tr class=\"\(style)\"><th scope=\"row\"><span class=\"sign\">\(row.sign)</span> \(kind)</th>"
            + "<td>\(side(row.baseline))</td><td>\(side(row.candidate))</td></tr>"
        guard !row.arguments.isEmpty || row.omitted > 0 else { return text }
        var before = ""
        var after = ""
        for argument in row.arguments {
            let path = "<code>\(HTMLText.escaped(argument.path.isEmpty ? "(all)" : argument.path, limit: 200))</code> "
            before += "<li>\(path)\(argument.baseline.map { "<del>\(HTMLText.escaped($0))</del>" } ?? "–")</li>"
            after += "<li>\(path)\(argument.candidate.map { "<ins>\(HTMLText.escaped($0))</ins>" } ?? "–")</li>"
        }
        if row.omitted > 0 { after += "<li>\(Numbers.count(row.omitted, "more difference"))</li>" }
        text += "\n<tr class=\"changed\"><th scope=\"row\">arguments</th><td><ul>\(before)</ul></td><td><ul>\(after)</ul></td></tr>"
        return text
    }

    private func side(_ side: ToolCallRow.Side?) -> String {
        guard let side else { return "<span class=\"dim\">–</span>" }
        let arguments = side.arguments.map { " <code class=\"dim\">\(HTMLText.escaped($0, limit: 1000))</code>" } ?? ""
        let failed = side.success == false ? " <span class=\"wrong\">failed</span>" : ""
        return "\(side.index + 1). <code>\(HTMLText.escaped(side.name, limit: 100))</code>\(arguments)\(failed)"
    }

    private func checks(_ detail: borrowing RunDetail) -> String {
        guard !detail.candidate.checks.isEmpty else { return "" }
        let items = detail.candidate.checks.prefix(Self.maximumRows).map { check in
            "<li><span class=\"badge \(check.passed ? "pass\">passed" : "fail\">failed")</span> "
                + "<code>\(HTMLText.escaped(check.name, limit: 100))</code> \(HTMLText.escaped(check.evidence, limit: 1000))</li>"
        }
        return "<h3>Checks</h3><ul class=\"checks\">\(items.joined())</ul>\n"
    }
}
