import AgentRuns
import Glibc
import Replay
import Reports

/// Every report of one replay: what standard output gets, the files that were asked for, and the comparison with an
/// earlier result.
struct ReplayReports {
    private var writers: ReportSet
    private var comparison: EarlierComparison?
    /// Whether passed runs are told of too.
    let wantsEveryRun: Bool
    /// Whether a trace that passed with nothing to tell but what its runs state needs no detail.
    let takesPlainPasses: Bool

    /// - Throws: ``UsageError``, or `ReportError` when a file cannot be written or an earlier result not read.
    init(_ flags: ReplayOptions.Reporting, _ setup: ReplaySetup) throws {
        var list: [any ReportWriter] = []
        var files = setup.files
        if flags.json { try files.writes("-", "--json") }
        if flags.json, flags.reports.contains("github") {
            throw UsageError("--json and --report github both write to standard output; give the JSON a file: --report json=FILE")
        }
        // All are looked at before the first is opened.
        let stepSummary = getenv("GITHUB_STEP_SUMMARY").map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
        if flags.reports.contains("github"), let stepSummary { try files.writes(stepSummary, "the step summary of --report github") }
        for text in flags.reports {
            guard let equals = text.firstIndex(of: "=") else { continue }
            guard text.index(after: equals) < text.endIndex else { throw UsageError("--report \(text): name a file after the equals sign") }
            try files.writes(String(text[text.index(after: equals)...]), "--report \(text[..<equals])")
        }
        var listsEveryRun = flags.json
        if flags.json {
            list.append(try JSONReport(path: "-", link: setup.link))
        } else if !flags.reports.contains(where: { Self.path(of: $0) == "-" }) {
            list.append(try SampleSummary())
            let isTerminal = isatty(STDOUT_FILENO) == 1
            list.append(
                try TerminalReport(colors: Terminal.hasColors, width: isTerminal ? Terminal.width : 100, link: setup.link))
        }
        for text in flags.reports {
            switch (String(text.prefix { $0 != "=" }), Self.path(of: text)) {
            case ("json", let path?):
                list.append(try JSONReport(path: path, link: setup.link))
                listsEveryRun = true
            case ("junit", let path?):
                list.append(try JUnitReport(path: path, candidateVersion: setup.candidate.version, link: setup.link))
                listsEveryRun = true
            case ("markdown", let path?): list.append(try MarkdownReport(path: path, link: setup.link))
            case ("html", let path?):
                list.append(try HTMLReport(path: path, link: setup.link, gateFile: setup.gateFile))
                listsEveryRun = true
            case ("github", nil):
                list.append(try GitHubReport(summaryPath: stepSummary, link: setup.link))
            default:
                throw UsageError("--report \(text): write json=FILE, junit=FILE, markdown=FILE, html=FILE or github")
            }
        }
        comparison = try flags.baselineResult.map { EarlierComparison(try EarlierReport(file: $0)) }
        writers = ReportSet(list)
        // The comparison goes by details.
        let (isCompared, areTaken) = (comparison != nil, writers.takesPlainPasses)
        wantsEveryRun = listsEveryRun || isCompared
        takesPlainPasses = !isCompared && areTaken
    }

    /// The file that a report is written to, by the one name of standard output where it is that; nil where none is named.
    private static func path(of report: String) -> String? {
        guard let equals = report.firstIndex(of: "=") else { return nil }
        let path = String(report[report.index(after: equals)...])
        return OverwriteGuard.isStandardOutput(path) ? "-" : path
    }

    /// Whether any of them would show what a trace's runs said and called.
    func showsContent(of kind: RunDetail.Kind) -> Bool { writers.showsContent(of: kind) }

    mutating func writePlainPass(
        _ place: PairPlace, trace: borrowing AgentRun, baseline: borrowing AgentRun, candidate: borrowing AgentRun
    ) throws {
        try writers.writePlainPass(place, trace: trace, baseline: baseline, candidate: candidate)
    }

    mutating func write(_ detail: RunDetail) throws {
        comparison?.add(detail)
        try writers.write(detail)
    }

    mutating func finish(_ report: inout ReplayReport) throws {
        report.comparison = comparison?.result()
        try writers.finish(report)
    }
}
