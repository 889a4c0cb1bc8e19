internal import Glibc
public import Replay

/// One page that needs nothing else: the verdict, the numbers, and the runs side by side.
///
/// It holds the first failures and a few traces that passed, and says how many there are beyond. It loads nothing, and a
/// Content-Security-Policy keeps browsers from doing so or running any script but its own, whatever the traces hold.
public struct HTMLReport: ReportWriter {
    private let output: ReportOutput
    private let link: TraceLink?
    private let gateFile: String?
    private var kept: KeptDetails

    /// - Parameters:
    ///   - path: `-` is standard output.
    ///   - gateFile: the path of the gate file, if there is one.
    ///   - maximumPasses: of the traces that passed, those with other tool calls come first.
    public init(
        path: String, link: TraceLink? = nil, gateFile: String? = nil, maximumFailures: Int = 200, maximumPasses: Int = 100
    ) throws(ReportError) {
        output = try ReportOutput(path: path)
        self.link = link
        self.gateFile = gateFile
        kept = KeptDetails(failures: maximumFailures, passes: maximumPasses)
    }

    public func showsContent(of kind: RunDetail.Kind) -> Bool { kept.keeps(kind) }

    public mutating func write(_ detail: borrowing RunDetail) throws(ReportError) { kept.add(detail) }

    public mutating func finish(_ report: ReplayReport) throws(ReportError) {
        let title = HTMLText.escaped("Outrigger: \(report.baseline.version) → \(report.candidate.version)")
        try output.write(
            """
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta http-equiv="Content-Security-Policy" content="\(HTMLPage.policy)">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="referrer" content="no-referrer">
            <title>\(title)</title>
            <style>\(HTMLPage.style)</style>
            </head>
            <body>

            """)
        let overview = HTMLOverview(report: report, gateFile: gateFile, date: Self.now())
        try output.write(overview.text)
        try output.write(HTMLRuns.opening(kept, title: report.repetitions > 1 ? "Runs" : "Traces"))
        let runs = HTMLRuns(link: link)
        for detail in kept.failures { try output.write(runs.text(detail)) }
        for detail in kept.passes { try output.write(runs.text(detail)) }
        try output.write("</section>\n</main>\n")
        try output.write(overview.footer)
        try output.write("<script>\(HTMLPage.script)</script>\n</body>\n</html>\n")
        try output.commit()
    }
}

extension HTMLReport {
    /// The time, in UTC: `2026-04-06 08:13 UTC`.
    fileprivate static func now() -> String {
        var seconds = time(nil)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        func two(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }
        return "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday)) \(two(parts.tm_hour)):\(two(parts.tm_min)) UTC"
    }
}

/// Text for HTML.
enum HTMLText {
    /// Escaped for content and quoted attributes, hidden characters made visible.
    static func escaped(_ text: String, limit: Int = 500) -> String {
        XMLText.escaped(Visible.line(text, limit: limit))
    }

    /// As ``escaped(_:limit:)`` where lines are to stay lines.
    static func lines(_ text: String, limit: Int = 5000) -> String { XMLText.content(Visible.lines(text, limit: limit)) }
}
