public import Replay

/// A comment for a pull request: the verdict, the numbers, and the failures folded away.
public struct MarkdownReport: ReportWriter {
    /// GitHub takes comments of 65,536 characters.
    public static let maximumCharacters = 60_000

    private let output: ReportOutput
    private let page: MarkdownPage
    private var kept: KeptDetails

    /// - Parameters:
    ///   - path: `-` is standard output.
    ///   - maximumCharacters: what does not fit is left out, and the report says so.
    public init(
        path: String, link: TraceLink? = nil, maximumCharacters: Int = MarkdownReport.maximumCharacters, maximumFailures: Int = 200
    ) throws(ReportError) {
        output = try ReportOutput(path: path)
        page = MarkdownPage(limit: maximumCharacters, link: link)
        kept = KeptDetails(failures: maximumFailures)
    }

    public func showsContent(of kind: RunDetail.Kind) -> Bool { kept.keeps(kind) }

    public mutating func write(_ detail: borrowing RunDetail) throws(ReportError) { kept.add(detail) }

    public mutating func finish(_ report: ReplayReport) throws(ReportError) {
        try output.write(page.text(report, kept))
        try output.commit()
    }
}
