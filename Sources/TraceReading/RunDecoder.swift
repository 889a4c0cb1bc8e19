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

    public init() {}

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
        try pass.read(&cursor, into: &run)
        return pass.oddities
    }
}
