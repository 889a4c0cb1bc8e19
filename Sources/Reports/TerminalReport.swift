public import Replay

/// What the sample's summary leaves out, for a terminal: the failures first, then the gate and what was not compared.
///
/// It writes nothing when the summary says it all. Goes behind ``SampleSummary`` in a ``ReportSet``.
public struct TerminalReport: ReportWriter {
    private let output: ReportOutput
    private let style: TerminalStyle
    private let width: Int
    private let link: TraceLink?
    private var kept: KeptDetails

    /// - Parameters:
    ///   - path: `-` is standard output.
    ///   - colors: whether escape sequences may be written.
    ///   - width: columns of the terminal; fewer than 60 count as 60.
    ///   - maximumFailures: of the others only the number is told.
    public init(
        path: String = "-", colors: Bool, width: Int = 100, maximumFailures: Int = 200, link: TraceLink? = nil
    ) throws(ReportError) {
        output = try ReportOutput(path: path)
        style = TerminalStyle(colors: colors)
        self.width = max(60, min(width, 200))
        self.link = link
        kept = KeptDetails(failures: maximumFailures)
    }

    public func showsContent(of kind: RunDetail.Kind) -> Bool { kept.keeps(kind) }

    /// It shows failures alone.
    public var takesPlainPasses: Bool { true }

    public mutating func write(_ detail: borrowing RunDetail) throws(ReportError) { kept.add(detail) }

    public mutating func finish(_ report: ReplayReport) throws(ReportError) {
        guard hasMoreToSay(report) else { return try output.commit() }
        let failures = TerminalFailure(style: style, width: width, link: link)
        for detail in kept.failures { try output.write("\n" + failures.text(detail)) }
        if kept.omittedFailures > 0 {
            try output.write(
                "\n… and \(Numbers.count(kept.omittedFailures, "more failed \(report.unit)")); the JSON report has all of them.\n")
        }
        try output.write(TerminalTotals(style: style, width: width).text(report))
        try output.commit()
    }

    private func hasMoreToSay(_ report: ReplayReport) -> Bool {
        // A recording judged by the sample's rules is told in the sample's words, and in no others.
        report.baseline.agent != "recorded" || report.candidate.agent != "recorded" || report.gate != nil || report.partial != nil || report.export != nil || report.comparison != nil
            || !report.notes.isEmpty || !report.rejectedLines.isEmpty || report.unmatched != .init()
            || !report.tally.toolChanges.isEmpty || !report.tally.checks.isEmpty || kept.hasProblems || kept.hasChecks
            || report.tally.reasons.keys.contains { !["outcome_fail", "tool_misuse", "latency", "cost"].contains($0) }
    }
}
