internal import AgentRuns
internal import TraceReading

/// One input, or one generation of a followed one.
struct InputSlot: Sendable {
    /// Counted over the whole backfill; the state file knows it by this number.
    var number: Int
    var path: String
    var identity: InputFile.Identity?
    /// It took the name of an input of this backfill: what was delivered under the name says nothing of it.
    var isReplacement = false
    /// Whether it can be read a second time.
    var isRegular = true
}

/// A block of lines, on its way from the reader to a worker.
struct ReadBlock: Sendable {
    /// Counted from 0 over all inputs: the order in which ids are given.
    var sequence: Int
    var input: InputSlot
    var lines: LineBlock
}

/// The runs of a block. A worker uses one again and again.
final class DecodedBlock {
    enum Outcome {
        case run(LineOddities)
        case rejected(RejectedLine)
    }

    private(set) var source: ReadBlock
    /// One for each line; what it holds after a rejected line is unspecified.
    private(set) var runs: [AgentRun] = []
    /// One for each line.
    private(set) var outcomes: [Outcome] = []
    /// CRC-32 of each line, if asked for.
    private(set) var checksums: [UInt32] = []

    private var decoder = RunDecoder()
    private let wantsChecksums: Bool

    init(wantsChecksums: Bool) {
        self.wantsChecksums = wantsChecksums
        source = ReadBlock(sequence: -1, input: InputSlot(number: 0, path: ""), lines: LineBlock())
    }

    func decode(_ block: ReadBlock) {
        source = block
        outcomes.removeAll(keepingCapacity: true)
        checksums.removeAll(keepingCapacity: true)
        let lines = source.lines.lines
        while runs.count < lines.count { runs.append(AgentRun()) }
        source.lines.bytes.withUnsafeBytes { bytes in
            for (i, line) in lines.enumerated() {
                let text = UnsafeRawBufferPointer(rebasing: bytes[line.range])
                outcomes.append(outcome(of: line, text, into: &runs[i]))
            }
        }
        if wantsChecksums { for line in lines { checksums.append(LineChecksum.of(source.lines.bytes[line.range])) } }
    }

    /// The text of line `i`, without its line break.
    func text(_ i: Int) -> ArraySlice<UInt8> { source.lines.bytes[source.lines.lines[i].range] }

    private func outcome(of line: LineBlock.Line, _ text: UnsafeRawBufferPointer, into run: inout AgentRun) -> Outcome {
        if let size = line.oversize {
            return .rejected(
                RejectedLine(
                    reason: .tooLong, column: 0,
                    detail: "\(size) bytes are more than the limit, which --max-line-bytes sets"))
        }
        do throws(RejectedLine) {
            return .run(try decoder.decode(text, into: &run))
        } catch {
            return .rejected(error)
        }
    }
}
