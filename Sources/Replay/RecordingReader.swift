internal import AgentRuns
internal import TraceReading

/// Reads the runs of a recording one by one, in memory that does not grow with it.
struct RecordingReader: ~Copyable {
    private var lines: LineReader
    private var decoder: RunDecoder
    private var block = LineBlock()
    private var next = 0
    private var isAtEnd = false
    private let rejects: RejectCounter
    private let path: String
    private let isStopped: () -> Bool
    private let isRegular: Bool

    /// Where a run stands in its recording.
    struct Place {
        /// Counted from 1, empty lines included.
        var line: Int
        /// Counted from 0 among the lines that are not empty.
        var index: Int
        /// The line's bytes in ``RecordingReader/withLine(_:)``.
        var block: Int
    }

    /// - Parameter isStopped: asked while a line goes on and on, or does not come; once true, there are no further runs.
    /// - Parameter outlines: whether ``outline`` is wanted.
    /// - Throws: ``InputError`` when the file cannot be opened.
    init(
        path: String, maximumLine: Int, rejects: RejectCounter, outlines: Bool = false, isStopped: @escaping () -> Bool
    ) throws(InputError) {
        self.path = path
        decoder = RunDecoder(outlines: outlines)
        self.isStopped = isStopped
        self.rejects = rejects
        let file = try InputFile(path: path)
        isRegular = try file.status().isRegular
        lines = LineReader(file, blockSize: 64 << 10, maximumLine: maximumLine)
    }

    /// Of the line that was read last.
    var outline: LineOutline { decoder.outline ?? LineOutline() }

    /// Reads the next run that can be read; lines that cannot are counted and told.
    ///
    /// - Returns: nil at the end.
    mutating func read(into run: inout AgentRun) throws(InputError) -> Place? {
        try read(into: &run, like: Self.nothing, Self.noOutline)
    }

    private static let nothing = AgentRun()
    private static let noOutline = LineOutline()

    /// The same, sooner where the line begins as another one that is known.
    mutating func read(
        into run: inout AgentRun, like known: borrowing AgentRun, _ outline: borrowing LineOutline
    ) throws(InputError) -> Place? {
        while true {
            while next < block.lines.count {
                let line = block.lines[next]
                let place = Place(line: line.number, index: line.index, block: next)
                next += 1
                if decode(line, like: known, outline, into: &run) { return place }
            }
            guard try refill() else { return nil }
        }
    }

    /// The bytes of a line of the current block.
    func withLine<Result>(_ place: Place, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        block.bytes.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[block.lines[place.block].range])) }
    }

    private mutating func refill() throws(InputError) -> Bool {
        next = 0
        while !isAtEnd {
            // Nobody may ever write to a pipe; a file has its next bytes, or its end, at once.
            guard isRegular || lines.file.waitForInput(milliseconds: 200) else {
                isAtEnd = isStopped()
                continue
            }
            switch try lines.next(into: &block) {
            case .lines: return true
            case .partial: isAtEnd = isStopped()
            case .atEnd:
                isAtEnd = true
                if lines.finish(into: &block) { return true }
            }
        }
        block.lines.removeAll()
        return false
    }

    private mutating func decode(
        _ line: LineBlock.Line, like known: borrowing AgentRun, _ outline: borrowing LineOutline, into run: inout AgentRun
    ) -> Bool {
        if let size = line.oversize {
            rejects.add(
                RejectedLine(
                    reason: .tooLong, column: 0, detail: "\(size) bytes are more than the limit, which --max-line-bytes sets"),
                path: path, line: line.number)
            return false
        }
        do throws(RejectedLine) {
            try block.bytes.withUnsafeBufferPointer { bytes throws(RejectedLine) in
                let text = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[line.range])
                _ = try decoder.decode(text, like: known, outline, into: &run)
            }
            return true
        } catch {
            rejects.add(error, path: path, line: line.number)
            return false
        }
    }
}

/// Counts the lines that could not be read, and tells of the first ones.
public final class RejectCounter {
    /// How many are told one by one; after that, only counted.
    private static let told = 20

    /// Rejected lines by reason.
    public private(set) var counts: [String: Int] = [:]
    private var total = 0
    private let onNotice: (String) -> Void

    public init(onNotice: @escaping (String) -> Void) { self.onNotice = onNotice }

    func add(_ rejection: RejectedLine, path: String, line: Int) {
        counts[rejection.reason.rawValue, default: 0] += 1
        total += 1
        if total <= Self.told {
            let name = path == "-" ? "standard input" : path
            let column = rejection.column > 0 ? ":\(rejection.column)" : ""
            onNotice("\(name):\(line)\(column): rejected (\(rejection.reason.rawValue)): \(rejection.detail)")
        } else if total == Self.told + 1 {
            onNotice("more lines were rejected; the summary counts them all")
        }
    }
}
