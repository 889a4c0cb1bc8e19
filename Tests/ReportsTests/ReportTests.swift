import Foundation
@testable import Replay
@testable import Reports
import Testing

@Suite struct ReportTests {
    private let link = TraceLink(pattern: "https://traces.example/trace/{trace_id}?span={span_id}")

    @Test(arguments: GateReport.Verdict.allCases)
    func everyFormatIsRead(by verdict: GateReport.Verdict) throws {
        let files = try ReportFiles()
        let (details, report) = (SampleReplay.details, SampleReplay.full(verdict))
        _ = try files.write("r.json", details, report) { try JSONReport(path: $0, link: link) }
        #expect(try files.check("json", "r.json", schema: "replay-report.schema.json") == "8 2 6 8")
        _ = try files.write("r.xml", details, report) { try JUnitReport(path: $0, candidateVersion: "v2", link: link) }
        // The gate's suite has two rules.
        #expect(try files.check("junit", "r.xml", schema: "junit.xsd") == "10 \(verdict == .pass ? 4 : 5) 1 1")
        let page = try files.write("r.html", details, report) { try HTMLReport(path: $0, link: link) }
        // One for each trace, and the legend.
        #expect(try files.check("html", "r.html") == "9")
        #expect(page.contains("<ins>1845.0</ins>") && page.contains("no answer within 60 s"))
        let comment = try files.write("r.md", details, report) { try MarkdownReport(path: $0, link: link) }
        #expect(comment.contains("Outrigger: \(verdict.rawValue)") && comment.contains("!   /amount: 184.50 → 1845.0"))
        #expect(try files.comment("r.md").contains("refunds"))
        let text = try files.write("r.txt", details, report) { try TerminalReport(path: $0, colors: false) }
        #expect(text.contains("Gate: \(verdict.rawValue.uppercased()) – ") && !text.contains("\u{1B}"))
        #expect(text.contains("timeout") && text.contains("call 1 made 7 times in a row"))
        // The evidence says the place and the score.
        for report in [text, page, comment] {
            #expect(report.contains("amount is 1845, at most 500 is allowed") && !report.contains(/call 3(\)|&#41;)/), "\(report)")
        }
        #expect(page.contains("</code> score 0.92, at least 0.5 is wanted: polite</li>"), "\(page)")
        let unpaired = "2 traces without a run of both arms (candidate cancelled 1, timeout 1), such as t-004, t-006"
        #expect(text.contains("\n  \(unpaired)\n") && page.contains("<li>\(unpaired)</li>"), "\(text)")
        if let place = ProcessInfo.processInfo.environment["REPORTS_KEEP"] {
            for name in files.names {
                try? FileManager.default.removeItem(atPath: "\(place)/\(verdict.rawValue)-\(name)")
                try FileManager.default.copyItem(atPath: files.path(name), toPath: "\(place)/\(verdict.rawValue)-\(name)")
            }
        }
    }

    @Test(arguments: hostileTexts)
    func hostileTextStaysText(_ text: String) throws {
        let files = try ReportFiles()
        let (detail, report) = SampleReplay.hostile(text)
        _ = try files.write("r.json", [detail], report) { try JSONReport(path: $0, link: link) }
        _ = try files.check("json", "r.json", schema: "replay-report.schema.json")
        _ = try files.write("r.xml", [detail], report) { try JUnitReport(path: $0, candidateVersion: text, link: link) }
        _ = try files.check("junit", "r.xml", schema: "junit.xsd")
        _ = try files.write("r.html", [detail], report) { try HTMLReport(path: $0, link: link) }
        _ = try files.check("html", "r.html")
        for (name, colors) in [("plain.txt", false), ("colors.txt", true)] {
            let text = try files.write(name, [detail], report) { try TerminalReport(path: $0, colors: colors, link: link) }
            let bare = colors ? text.replacing(/\u{1B}\[[0-9]+m/, with: "") : text
            #expect(!bare.unicodeScalars.contains { $0 != "\n" && Visible.isHidden($0) })
        }
        let comment = try files.write("r.md", [detail], report) { try MarkdownReport(path: $0, link: link) }
        #expect(comment.utf8.count <= 60_000)
        // Whoever copies a name from the comment has that name.
        let texts = try files.comment("r.md")
        #expect(text.isEmpty || texts.contains(Visible.line(text, limit: 100)), "\(texts)")
        #expect(!comment.unicodeScalars.contains("\u{200B}"))
        let lines = try files.write("a.txt", [detail], report) { try GitHubReport(annotations: $0, summaryPath: files.path("s.md"), link: link) }
        #expect(lines.split(separator: "\n").allSatisfy { $0.hasPrefix("::error ") || $0.hasPrefix("::warning ") })
        #expect(!lines.contains("\r") && !lines.contains("\0"))
        _ = try files.comment("s.md")
        for name in ["r.xml", "r.html", "r.md", "plain.txt", "colors.txt", "a.txt", "s.md"] {
            #expect(try !files.text(name).utf8.contains("##[".utf8), "\(name) has a command to GitHub's runner")
        }
    }

    @Test func nothingMeasuredIsNoNumber() throws {
        let files = try ReportFiles()
        var report = SampleReplay.full(.inconclusive)
        report.gate?.metrics = [
            .init(
                name: "cost_tokens", pairs: 0, baseline: .nan, candidate: .nan, effectName: "ratio of means", effect: 0, interval: nil,
                confidence: 0.95, margin: 0.1, test: "Wilcoxon signed-rank, one-sided", pValue: nil, decision: "not reported",
                verdict: .inconclusive)
        ]
        let page = try files.write("r.html", [], report) { try HTMLReport(path: $0) }
        let comment = try files.write("r.md", [], report) { try MarkdownReport(path: $0) }
        let text = try files.write("r.txt", [], report) { try TerminalReport(path: $0, colors: false) }
        for report in [page, comment, text] { #expect(report.contains("not reported") && !report.contains("× ") && !report.contains("p –")) }
    }

    @Test func thePageSaysWhatItIsOf() throws {
        let files = try ReportFiles()
        var report = SampleReplay.full(.pass)
        report.traces = "Fixtures/gates/../traces/a.jsonl"
        report.candidate.agent = "recorded:Fixtures/gates/../traces/b.jsonl"
        var passed = SampleReplay.detail("t-1")
        (passed.baseline.response, passed.candidate.response) = ("on time, says one", "on time, says the other")
        let page = try files.write("r.html", [passed], report) { try HTMLReport(path: $0, gateFile: "./Fixtures/gates/sample.yaml") }
        #expect(page.contains("<code>Fixtures/gates/sample.yaml</code>") && page.contains("<code>Fixtures/traces/a.jsonl</code>"))
        #expect(page.contains("recorded:Fixtures/traces/b.jsonl") && !page.contains("/../"))
        #expect(page.contains(/<time>20\d\d-\d\d-\d\d \d\d:\d\d UTC<\/time>/))
        #expect(page.contains("<pre>on time, says one</pre>") && page.contains("<pre>on time, says the other</pre>"))
        #expect(page.contains(">pass^3</th>") && page.contains("With a margin the interval decides"))
        for (path, shown) in [("../a", "../a"), ("a/../../b", "../b"), ("/a/./b", "/a/b"), ("a..b/c", "a..b/c"), ("-", "-")] {
            #expect(ShownPath.of(path) == shown)
        }
    }

    /// Whether the candidate broke what worked, or what never did.
    @Test(arguments: [([], false), ([], true), (["latency"], false), (["latency"], true)] as [([String], Bool)])
    func theBaselinesFailureIsTold(reasons: [String], baselineFails: Bool) throws {
        let files = try ReportFiles()
        var detail = SampleReplay.detail("t-1", reasons: reasons)
        if baselineFails { detail.baseline.reasons = ["outcome_fail", "check:polite <b>", "loop", "cost"] }
        detail.baseline.passed = !baselineFails
        let report = SampleReplay.report([detail])
        let words = reasons.isEmpty ? "failed (" : "failed too ("
        let page = try files.write("r.html", [detail], report) { try HTMLReport(path: $0) }
        #expect(page.contains(words + "outcome_fail, check:polite &lt;b&gt;, loop, …)") == baselineFails)
        // These show failures alone.
        let isShown = baselineFails && !reasons.isEmpty
        let comment = try files.write("r.md", [detail], report) { try MarkdownReport(path: $0) }
        let names = ["outcome_fail", "check:polite <b>", "loop"].map { MarkdownText.code($0) } + ["…"]
        #expect(comment.contains("- baseline: failed too (\(names.joined(separator: ", ")))\n") == isShown, "\(comment)")
        let text = try files.write("r.txt", [detail], report) { try TerminalReport(path: $0, colors: false) }
        #expect(text.contains("  baseline   failed too (outcome_fail, check:polite <b>, loop, …)\n") == isShown, "\(text)")
        for report in [page, comment, text] where !baselineFails { #expect(!report.contains("failed too")) }
    }

    @Test(arguments: [("gave_up", "gave_up (expected rebooked)"), (nil, "no outcome (expected rebooked)")] as [(String?, String)])
    func theExpectedOutcomeIsTold(outcome: String?, words: String) throws {
        let files = try ReportFiles()
        var detail = SampleReplay.detail("t-1", reasons: ["outcome_fail"])
        detail.candidate.outcome = outcome
        detail.candidate.expectedOutcome = "rebooked"
        let report = SampleReplay.report([detail])
        let text = try files.write("r.txt", [detail], report) { try TerminalReport(path: $0, colors: false) }
        #expect(text.contains("  outcome    success → \(words)\n"), "\(text)")
        let page = try files.write("r.html", [detail], report) { try HTMLReport(path: $0) }
        #expect(page.contains("<dt>outcome</dt><dd><span class=\"wrong\">\(words)</span></dd>"), "\(page)")
        let comment = try files.write("r.md", [detail], report) { try MarkdownReport(path: $0) }
        #expect(comment.contains("| outcome | success | \(MarkdownText.inline(words)) |"), "\(comment)")
        let cases = try files.write("r.xml", [detail], report) { try JUnitReport(path: $0, candidateVersion: "v2") }
        #expect(cases.contains("candidate: \(words), "), "\(cases)")
        let annotations = try files.write("a.txt", [detail], report) { try GitHubReport(annotations: $0, summaryPath: nil) }
        #expect(annotations.contains("candidate: \(words), "), "\(annotations)")
        let json = try files.write("r.json", [detail], report) { try JSONReport(path: $0) }
        let stated = outcome.map { "\"\($0)\"" } ?? "null"
        #expect(json.contains("\"outcome\":\(stated),\"expected_outcome\":\"rebooked\","), "\(json)")
        _ = try files.check("json", "r.json", schema: "replay-report.schema.json")
    }

    @Test func whatWasSaidInFailedRunsIsTold() throws {
        let files = try ReportFiles()
        var failed = SampleReplay.wrongArguments()
        failed.candidate.response = "I have refunded \(String(repeating: "a lot and ", count: 300))more"
        // As a page with the runs side by side asks for it.
        var passed = SampleReplay.detail("t-1", request: "asked in a run that passed")
        passed.candidate.response = "said in a run that passed"
        let (details, report) = ([passed, failed], SampleReplay.report([passed, failed]))
        let start = "I have refunded \(String(repeating: "a lot and ", count: 300))".prefix(400) + "…"
        let comment = try files.write("r.md", details, report) { try MarkdownReport(path: $0) }
        let answer = try #require(failed.baseline.response)
        #expect(comment.contains("| response | \(MarkdownText.inline(answer)) | \(start) |"), "\(comment)")
        let cases = try files.write("r.xml", details, report) { try JUnitReport(path: $0, candidateVersion: "v2") }
        #expect(cases.contains("\nbaseline response: \(answer)\ncandidate response: \(start)</failure>"), "\(cases)")
        _ = try files.check("junit", "r.xml", schema: "junit.xsd")
        let annotations = try files.write("a.txt", details, report) { try GitHubReport(annotations: $0, summaryPath: nil) }
        #expect(annotations.contains("%0Abaseline response: \(answer)%0Acandidate response: \(start)"), "\(annotations)")
        let json = try files.write("r.json", details, report) { try JSONReport(path: $0) }
        _ = try files.check("json", "r.json", schema: "replay-report.schema.json")
        let object = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
        let told = try #require(object["details"] as? [[String: Any]])
        #expect(told.map { $0["request"] as? String } == [nil, failed.request])
        for (arm, said) in [("baseline", answer), ("candidate", failed.candidate.response)] as [(String, String?)] {
            #expect(told.map { ($0[arm] as? [String: Any])?["response"] as? String } == [nil, said])
        }
    }

    /// What is counted has one name everywhere, and the table of pairs adds up to it.
    @Test(arguments: [(1, "trace", "replay-7, 2.25 s"), (4, "run", "replay-7, each trace 4 times, 2.25 s")])
    func whatIsCountedIsNamed(repetitions: Int, unit: String, replay: String) throws {
        let files = try ReportFiles()
        var report = SampleReplay.full(.fail)
        report.repetitions = repetitions
        let pairs = "8 pairs (2 without a run of both arms; a missing run counts as failed), 1 identical, 6 with an expectation that could fail"
        let text = try files.write("r.txt", [], report) { try TerminalReport(path: $0, colors: false) }
        #expect(text.contains("\nreplay    \(replay)\n") && text.contains("\n  2 \(unit)s without a run of both arms"), "\(text)")
        #expect(text.contains("\n  \(pairs)\n"), "\(text)")
        let page = try files.write("r.html", SampleReplay.details, report) { try HTMLReport(path: $0) }
        #expect(page.contains("<dd>8</dd><dt>\(unit)s</dt>") && page.contains("<p class=\"dim\">\(pairs)</p>"), "\(page)")
        #expect(page.contains("<h2 id=\"runs\">\(repetitions > 1 ? "Runs" : "Traces")</h2>"))
        let comment = try files.write("r.md", SampleReplay.details, report) { try MarkdownReport(path: $0) }
        #expect(comment.contains("\n| \(unit)s | passed |") && comment.contains("\n### Failed \(unit)s\n"), "\(comment)")
        #expect(comment.contains("<sub>\(MarkdownText.inline("replay " + replay))</sub>"), "\(comment)")
        report.gate = nil
        #expect(report.headline == "6 of 8 \(unit)s failed")
        _ = try files.write("r.json", [], report) { try JSONReport(path: $0) }
        _ = try files.check("json", "r.json", schema: "replay-report.schema.json")
    }

    /// A replay gives no verdict over all runs, whatever its runs came to.
    @Test(arguments: [
        ([SampleReplay.detail("t-1")], "the trace passed"), (SampleReplay.details, "6 of 8 traces failed"), ([], "no trace was replayed"),
    ] as [([RunDetail], String)])
    func aReplayGivesNoVerdict(details: [RunDetail], headline: String) throws {
        let files = try ReportFiles()
        let report = SampleReplay.report(details)
        let comment = try files.write("r.md", details, report) { try MarkdownReport(path: $0) }
        #expect(comment.hasPrefix("## Outrigger: replay\n\n**\(headline)**\n"), "\(comment)")
        let page = try files.write("r.html", details, report) { try HTMLReport(path: $0) }
        #expect(page.contains("<header class=\"replay\">\n<p class=\"verdict\">Replay</p>\n<h1>\(headline)</h1>"), "\(page)")
        _ = try files.check("html", "r.html")
        #expect(try files.write("r.json", details, report) { try JSONReport(path: $0) }.contains("\"verdict\": null,"))
    }

    /// A verdict that is a pass says what it passed.
    @Test(arguments: [
        ([], ""), ([1], "1 check (on 1 run), "), ([40, 40], "2 checks (on 40 runs each), "), ([40, 12], "2 checks (on 40 and 12 runs), "),
        ([3, 1, 2, 1200, 4], "5 checks (on 1 to 1,200 runs), "),
    ] as [([Int], String)])
    func whatWasAppliedIsTold(runs: [Int], checks: String) throws {
        let files = try ReportFiles()
        var report = SampleReplay.full(.pass)
        report.gate?.applied = .init(thresholds: 1, sliceThresholds: 2, minRuns: 20, evidentTraces: 40, checkedRuns: runs)
        let line = "applied: 1 threshold, 2 for slices, \(checks)min_runs 20 (40 traces with evidence), "
            + "paired comparison of pass rate and latency"
        let text = try files.write("r.txt", [], report) { try TerminalReport(path: $0, colors: false) }
        #expect(text.contains("\n  \(line)\n"), "\(text)")
        let comment = try files.write("r.md", [], report) { try MarkdownReport(path: $0) }
        #expect(comment.contains("\n\n<sub>\(MarkdownText.inline(line, limit: 600))</sub>\n"), "\(comment)")
        #expect(try files.write("r.html", [], report) { try HTMLReport(path: $0) }.contains(line))
        _ = try files.write("r.json", [], report) { try JSONReport(path: $0) }
        _ = try files.check("json", "r.json", schema: "replay-report.schema.json")
        let json = try JSONSerialization.jsonObject(with: Data(files.text("r.json").utf8)) as? [String: Any]
        let applied = (json?["gate"] as? [String: Any])?["applied"] as? [String: Int]
        #expect(applied == ["thresholds": 1, "slice_thresholds": 2, "min_runs": 20, "evident_traces": 40])
    }

    @Test func theSummaryIsTheSamples() throws {
        let files = try ReportFiles()
        let details = [
            SampleReplay.detail("t-001"), SampleReplay.detail("t-002", reasons: ["outcome_fail", "latency"]),
            SampleReplay.detail(nil, reasons: ["check:it's\n\u{e9}\u{7f}"]),
        ]
        let text = try files.write("s.txt", details, SampleReplay.report(details)) { try SampleSummary(path: $0) }
        #expect(
            text == """
                Replay summary:
                  Total:   3
                  Passed:  1
                  Failed:  2
                  Tool misuse:  0
                  Budget overruns: 1
                Failed traces:
                  - t-002: ['outcome_fail', 'latency']
                  - None: ["check:it's\\né\\x7f"]

                """)
        let passed = [details[0]]
        #expect(try !files.write("s.txt", passed, SampleReplay.report(passed)) { try SampleSummary(path: $0) }.contains("Failed traces"))
        // What the sample finds, its summary says.
        let plain = [details[0], details[1]]
        var recorded = SampleReplay.report(plain)
        recorded.candidate.agent = "recorded"
        #expect(try files.write("t.txt", plain, recorded) { try TerminalReport(path: $0, colors: true) } == "")
    }

    @Test func jsonReadsAsTheSamples() throws {
        let files = try ReportFiles()
        let details = [SampleReplay.detail("t-001", reasons: ["cost"])]
        let text = try files.write("r.json", details, SampleReplay.report(details)) { try JSONReport(path: $0) }
        #expect(text.hasPrefix("{\n  \"total\": 1,\n  \"passed\": 0,\n  \"failed\": 1,\n  \"tool_misuse\": 0,\n  \"budget_overruns\": 1,\n"))
        #expect(text.contains("  \"details\": [\n    {\"trace_id\":\"t-001\",\"passed\":false,\"reason\":[\"cost\"],\"line\":1,"))
        #expect(text.contains("\"latency_ms\":1200,") && text.contains("\"latency_ms\":1350.5,"))
        #expect(text.hasSuffix("}\n  ]\n}\n"))
        #expect(try files.write("e.json", [], SampleReplay.report([])) { try JSONReport(path: $0) }.hasSuffix("\"details\": []\n}\n"))
    }

    @Test func valuesThatWereCutAreText() throws {
        let files = try ReportFiles()
        var detail = SampleReplay.wrongArguments()
        detail.toolChanges[1].arguments = [("/a", "{\"x\":[1, 2.50]}", "\"long…")]
        let text = try files.write("r.json", [detail], SampleReplay.report([detail])) { try JSONReport(path: $0) }
        #expect(text.contains(#"{"path":"/a","baseline":{"x":[1, 2.50]},"candidate":"\"long…","cut":true}"#))
    }

    @Test func manyTracesNeedLittleMemory() throws {
        let files = try ReportFiles()
        var writers: [any ReportWriter] = [
            try JSONReport(path: files.path("r.json")), try JUnitReport(path: files.path("r.xml"), candidateVersion: "v2"),
            try SampleSummary(path: files.path("s.txt")), try MarkdownReport(path: files.path("r.md")),
            try HTMLReport(path: files.path("r.html")), try TerminalReport(path: files.path("t.txt"), colors: false),
            try GitHubReport(annotations: files.path("a.txt"), summaryPath: files.path("s.md")),
        ]
        var failed = SampleReplay.wrongArguments()
        failed.candidate.response = String(repeating: "word ", count: 800)
        let passed = SampleReplay.detail("t-1")
        let before = try residentMegabytes()
        for i in 0..<100_000 {
            for w in writers.indices { try writers[w].write(i % 50 == 0 ? failed : passed) }
        }
        let grown = try residentMegabytes() - before
        #expect(grown < 80, "\(grown) MB")
        var report = SampleReplay.report([])
        report.tally.total = 100_000
        report.tally.failed = 2000
        report.tally.passed = 98_000
        var all = ReportSet(writers)
        try all.finish(report)
        #expect(try files.check("json", "r.json", schema: "replay-report.schema.json").hasSuffix("100000"))
        #expect(try files.text("r.html").contains("1,800 more that failed and 97,900 more that passed"))
        #expect(try files.text("t.txt").contains("… and 1,800 more failed traces"))
        #expect(try files.text("a.txt").split(separator: "\n").count == 10)
        #expect(try files.text("r.md").utf8.count <= 60_000)
        #expect(try files.text("r.md").contains("more failed traces not shown"))
        #expect(try files.text("s.txt").split(separator: "\n").count == 7 + 2000)
    }

    @Test func whatNobodyShowsIsNotAskedFor() throws {
        let files = try ReportFiles()
        var terminal: any ReportWriter = try TerminalReport(path: files.path("t.txt"), colors: false, maximumFailures: 2)
        var page: any ReportWriter = try HTMLReport(path: files.path("r.html"), maximumFailures: 2, maximumPasses: 2)
        let lists: [any ReportWriter] = [
            try JSONReport(path: files.path("r.json")), try JUnitReport(path: files.path("r.xml"), candidateVersion: "v2"),
        ]
        let summary: any ReportWriter = try SampleSummary(path: files.path("s.txt"))
        for kind in [RunDetail.Kind.failed, .passedWithChanges, .passed] {
            #expect(terminal.showsContent(of: kind) == (kind == .failed))
            #expect(page.showsContent(of: kind))
            #expect(lists.allSatisfy { $0.showsContent(of: kind) == (kind == .failed) })
            #expect(!summary.showsContent(of: kind))
        }
        for _ in 0..<2 {
            try terminal.write(SampleReplay.wrongArguments())
            try page.write(SampleReplay.wrongArguments())
            try page.write(SampleReplay.detail("t-1"))
        }
        #expect(!terminal.showsContent(of: .failed))
        #expect(!page.showsContent(of: .failed) && !page.showsContent(of: .passed))
        // One with other tool calls takes the place of one without.
        #expect(page.showsContent(of: .passedWithChanges))
        #expect(ReportSet([summary, page]).showsContent(of: .passedWithChanges))
    }

    private func residentMegabytes() throws -> Int {
        let fields = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")
        return (fields.count > 1 ? Int(fields[1]) ?? 0 : 0) * 4096 / 1_000_000
    }
}
