public import AgentRuns
internal import JSONText

/// Reads one line of a trace file into an ``AgentRun``.
///
/// A field may be missing or null, unknown fields are ignored, and of a repeated field the last one counts. What is of
/// the wrong type makes the line a ``RejectedLine``, never a guess. The trace format stands in the README.
public struct RunDecoder: ~Copyable {
    /// Deeper nesting than this is rejected: no tool needs it, and whoever reads the spans may not survive it.
    public static let maximumDepth = 512

    /// More tool calls than this are rejected: each becomes three spans, and no run that means well has so many.
    public static let maximumCalls = 10_000

    /// Longer lines are rejected, whatever the reader's limit is: places in a run's storage are 31 bits wide, and decoded
    /// escapes come on top of the line.
    public static let maximumBytes = 1 << 30

    /// One copy of a whole line costs less than one of each of its texts. Of a longer line only these are kept: it may be long
    /// by what nobody reads, and runs may be kept for long.
    private static let mostStored = 16 << 10

    private var tape = JSONTape(maximumDepth: maximumDepth)

    /// Of the line that was read last; nil where it is not asked for. It has no ends for a line whose run another one cannot take
    /// from: with escapes, odd, or too long to be kept whole.
    public private(set) var outline: LineOutline?

    /// - Parameter outlines: whether to keep an outline of each line.
    public init(outlines: Bool = false) {
        if outlines { outline = LineOutline() }
    }

    /// Reads `line` as ``decode(_:into:)`` does, but takes from the run of another line what both begin with.
    ///
    /// - Parameter outline: of the line that `known` was read from, and nothing else.
    /// - Throws: ``RejectedLine``; `run` is then unspecified.
    public mutating func decode(
        _ line: UnsafeRawBufferPointer, like known: borrowing AgentRun, _ outline: borrowing LineOutline, into run: inout AgentRun
    ) throws(RejectedLine) -> LineOddities {
        // Whatever stops it: the whole line is read, and has the words for it.
        if line.count <= Self.mostStored, let oddities = readRest(of: line, like: known, outline, into: &run) { return oddities }
        return try decode(line, into: &run)
    }

    private mutating func readRest(
        of line: UnsafeRawBufferPointer, like known: borrowing AgentRun, _ outline: borrowing LineOutline, into run: inout AgentRun
    ) -> LineOddities? {
        guard let end = outline.lastEnd(of: known, in: line) else { return nil }
        let rest = UnsafeRawBufferPointer(rebasing: line[(end.comma + 1)...])
        guard var cursor = try? tape.cursor(of: rest) else { return nil }
        run.removeAll()
        _ = run.store(line)
        run.take(end.seen, of: known)
        var pass = FieldPass(rest: rest, behind: end)
        var none: LineOutline?
        do throws(RejectedLine) {
            try pass.readMembers(&cursor, into: &run, outline: &none)
        } catch {
            return nil
        }
        guard cursor.isAtEnd, !pass.isOwing else { return nil }
        self.outline?.removeAll()
        return pass.oddities
    }

    /// Reads `line`, which has no line break, into `run`, whose content is replaced.
    ///
    /// - Returns: what was odd about the line but did not stop it.
    /// - Throws: ``RejectedLine``; `run` is then unspecified.
    public mutating func decode(
        _ line: UnsafeRawBufferPointer, into run: inout AgentRun
    ) throws(RejectedLine) -> LineOddities {
        run.removeAll()
        guard line.count <= Self.maximumBytes else {
            throw RejectedLine(reason: .tooLong, column: 0, detail: "\(line.count) bytes are more than \(Self.maximumBytes), the most that can be read")
        }
        do throws(RejectedLine) {
            return try read(line, into: &run, callsLast: false)
        } catch {
            // Whatever stopped it: what is no JSON is told before all else, and what of a repeated field did not count is not
            // told at all.
            do throws(JSONError) {
                try tape.parse(line)
            } catch {
                throw RejectedLine(error)
            }
            guard tape[0].kind == .object else {
                throw RejectedLine(reason: .notAnObject, column: 1, detail: "found \(tape[0].kind)")
            }
            run.removeAll()
            return try read(line, into: &run, callsLast: true)
        }
    }

    private mutating func read(
        _ line: UnsafeRawBufferPointer, into run: inout AgentRun, callsLast: Bool
    ) throws(RejectedLine) -> LineOddities {
        var cursor: JSONCursor
        do throws(JSONError) {
            cursor = try tape.cursor(of: line)
        } catch {
            throw RejectedLine(error)
        }
        var pass = FieldPass(line: line, isStored: line.count <= Self.mostStored, readsCallsLast: callsLast)
        if pass.isStored { _ = run.store(line) }
        outline?.removeAll()
        try pass.read(&cursor, into: &run, outline: &outline)
        // What was decoded stands behind the line, where another line goes on.
        if !pass.isStored || !pass.oddities.isEmpty || run.storage.count > line.count { outline?.removeAll() }
        return pass.oddities
    }
}
