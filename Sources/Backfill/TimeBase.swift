internal import AgentRuns
internal import RunSpans
internal import TraceReading

/// Where a file's runs without times of their own are put: one stride after the other, so that the last one ends when the
/// file was last written.
enum TimeBase {
    /// Reads the file once, decoding only its last line.
    ///
    /// - Returns: the time of the line with index 0, in Unix nanoseconds.
    static func ofFile(_ path: String, stride: UInt64, maximumLine: Int) throws(InputError) -> UInt64 {
        let file = try InputFile(path: path)
        let modified = try file.status().modificationTime
        var reader = LineReader(file, blockSize: 128 << 10, maximumLine: maximumLine)
        var block = LineBlock()
        var last: [UInt8] = []
        while true {
            if case .atEnd = try reader.next(into: &block) { break }
            keepLast(of: block, &last)
        }
        if reader.finish(into: &block) { keepLast(of: block, &last) }
        let strides = UInt64(max(0, reader.indexedLines - 1)).multipliedReportingOverflow(by: stride)
        let before = strides.partialValue.addingReportingOverflow(duration(of: last))
        guard !strides.overflow, !before.overflow, before.partialValue < modified else { return 0 }
        return modified - before.partialValue
    }

    private static func keepLast(of block: LineBlock, _ last: inout [UInt8]) {
        guard let line = block.lines.last else { return }
        last.removeAll(keepingCapacity: true)
        last.append(contentsOf: block.bytes[line.range])
    }

    private static func duration(of line: [UInt8]) -> UInt64 {
        var decoder = RunDecoder()
        var run = AgentRun()
        do throws(RejectedLine) {
            _ = try line.withUnsafeBufferPointer { bytes throws(RejectedLine) in
                try decoder.decode(UnsafeRawBufferPointer(bytes), into: &run)
            }
        } catch {
            return 0
        }
        return RunTimeline(of: run, start: 0).duration
    }
}
