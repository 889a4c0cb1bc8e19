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

    /// Puts the report where it belongs. To be called once, after the last detail.
    mutating func finish(_ report: ReplayReport) throws(ReportError)
}

/// Several reports of one replay. They are finished in the order given.
public struct ReportSet: ReportWriter {
    private var writers: [any ReportWriter]

    public init(_ writers: [any ReportWriter]) { self.writers = writers }

    public func showsContent(of kind: RunDetail.Kind) -> Bool { writers.contains { $0.showsContent(of: kind) } }

    public mutating func write(_ detail: borrowing RunDetail) throws(ReportError) {
        for i in writers.indices { try writers[i].write(detail) }
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
