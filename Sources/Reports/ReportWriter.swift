public import AgentRuns
public import Replay

/// Writes one form of a replay's result.
///
/// Details come one by one, in the order of the traces, and are not all kept: a replay may have more of them than memory
/// has room for. What is known at the end comes at the end. A writer that is let go unfinished leaves nothing behind.
public protocol ReportWriter {
    /// Whether it would show what a trace's runs said and called: what nobody shows need not be put into words.
    func showsContent(of kind: RunDetail.Kind) -> Bool

    /// - Throws: ``ReportError`` when what must be kept cannot be, such as on a full disk; the writer is of no use after.
    mutating func write(_ detail: borrowing RunDetail) throws(ReportError)

    /// Whether ``writePlainPass(_:trace:baseline:candidate:)`` does what a detail without content would.
    var takesPlainPasses: Bool { get }

    /// Writes a trace of which there is no more to tell than that its runs passed and what they state
    /// (``RunDetail/isPlainPass(_:baseline:candidate:)``), from where that stands: most traces are such, and putting each into
    /// words first costs more than writing it. Only for writers that take them.
    mutating func writePlainPass(
        _ place: PairPlace, trace: borrowing AgentRun, baseline: borrowing AgentRun, candidate: borrowing AgentRun
    ) throws(ReportError)

    /// Puts the report where it belongs. To be called once, after the last detail.
    mutating func finish(_ report: ReplayReport) throws(ReportError)
}

extension ReportWriter {
    public var takesPlainPasses: Bool { false }

    public mutating func writePlainPass(
        _: PairPlace, trace _: borrowing AgentRun, baseline _: borrowing AgentRun, candidate _: borrowing AgentRun
    ) throws(ReportError) {}
}

/// Several reports of one replay. They are finished in the order given.
public struct ReportSet: ReportWriter {
    private var writers: [any ReportWriter]
    /// Whether all of them do.
    public let takesPlainPasses: Bool

    public init(_ writers: [any ReportWriter]) {
        self.writers = writers
        takesPlainPasses = writers.allSatisfy { $0.takesPlainPasses }
    }

    public func showsContent(of kind: RunDetail.Kind) -> Bool { writers.contains { $0.showsContent(of: kind) } }

    public mutating func write(_ detail: borrowing RunDetail) throws(ReportError) {
        for i in writers.indices { try writers[i].write(detail) }
    }

    public mutating func writePlainPass(
        _ place: PairPlace, trace: borrowing AgentRun, baseline: borrowing AgentRun, candidate: borrowing AgentRun
    ) throws(ReportError) {
        for i in writers.indices { try writers[i].writePlainPass(place, trace: trace, baseline: baseline, candidate: candidate) }
    }

    /// Finishes every report, also after one that cannot be written.
    ///
    /// - Throws: the first error.
    public mutating func finish(_ report: ReplayReport) throws(ReportError) {
        var firstError: ReportError?
        for i in writers.indices {
            do throws(ReportError) { try writers[i].finish(report) } catch { firstError = firstError ?? error }
        }
        if let firstError { throw firstError }
    }
}

/// Why a report cannot be written, or an earlier one not be read.
public struct ReportError: Error, Hashable, Sendable, CustomStringConvertible {
    public struct Code: Hashable, Sendable {
        private let name: String

        /// The file cannot be made, or the disk is full, or the reader of a pipe went away.
        public static let unwritable = Code(name: "unwritable")
        /// The file of an earlier report cannot be read.
        public static let unreadable = Code(name: "unreadable")
        /// The file of an earlier report holds something else.
        public static let notAReport = Code(name: "notAReport")
    }

    public var code: Code
    /// What the error is about; `-` is standard output.
    public var path: String
    public var message: String

    public init(_ code: Code, path: String, message: String) {
        self.code = code
        self.path = path
        self.message = message
    }

    public var description: String { message }
}
