public import AgentRuns
internal import JSONText
public import Replay

/// The whole result as one JSON object: the keys of the Python sample first, then our own, the traces last.
///
/// `Fixtures/schemas/replay-report.schema.json` describes it. Every trace is there, and of those that failed what was said;
/// memory does not grow with them.
public struct JSONReport: ReportWriter {
    /// Grows when a reader of an older version would misread the report; new keys do not count.
    public static let schemaVersion = 1

    private let output: ReportOutput
    private let details: Spool
    private var writer: JSONDetailWriter
    private var isFirst = true

    /// - Parameters:
    ///   - path: `-` is standard output.
    ///   - link: makes the `url` of runs that were exported.
    public init(path: String, link: TraceLink? = nil) throws(ReportError) {
        output = try ReportOutput(path: path)
        output.breaksRunnerCommands = path == "-"
        details = Spool(for: path)
        writer = JSONDetailWriter(link: link)
    }

    public func showsContent(of kind: RunDetail.Kind) -> Bool { kind == .failed }

    public var takesPlainPasses: Bool { true }

    public mutating func write(_ detail: borrowing RunDetail) throws(ReportError) {
        startDetail()
        writer.append(detail, to: &details.buffer)
        try details.spill()
    }

    public mutating func writePlainPass(
        _ place: PairPlace, trace: borrowing AgentRun, baseline: borrowing AgentRun, candidate: borrowing AgentRun
    ) throws(ReportError) {
        startDetail()
        writer.appendPlainPass(place, trace, baseline, candidate, to: &details.buffer)
        try details.spill()
    }

    private mutating func startDetail() {
        details.buffer.append(isFirst ? "\n    " : ",\n    ")
        isFirst = false
    }

    public mutating func finish(_ report: ReplayReport) throws(ReportError) {
        var bytes: [UInt8] = []
        bytes.append(report.totals, indent: 0)
        // The object stays open for the traces.
        bytes.removeLast(2)
        bytes.append(",\n  \"details\": [")
        try output.write(bytes)
        try details.copy(into: output)
        try output.write(isFirst ? "]\n}\n" : "\n  ]\n}\n")
        try output.commit()
    }
}
