import Foundation
import TraceReading

/// A file that lives as long as this value.
struct TemporaryFile: ~Copyable {
    let path: String

    init(_ bytes: [UInt8]) throws {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("outrigger-test-\(UUID().uuidString)")
        try Data(bytes).write(to: url)
        path = url.path
    }

    deinit { unlink(path) }

    borrowing func append(_ bytes: [UInt8]) throws { try overwrite(Array(try Data(contentsOf: URL(fileURLWithPath: path))) + bytes) }

    /// Writes into the same file, so that who has it open sees the change.
    borrowing func overwrite(_ bytes: [UInt8]) throws {
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        try handle.truncate(atOffset: 0)
        try handle.write(contentsOf: Data(bytes))
        try handle.close()
    }
}

/// All that a reader made of a file.
struct ReadResult {
    struct Line: Equatable {
        var text: String
        var number: Int
        var index: Int
        var oversize: Int?
    }

    var lines: [Line] = []
    /// Lines read, empty ones included, as the blocks count them.
    var lineCount = 0
    var oversizeBytes: [UInt8] = []
    var error: InputError?

    var texts: [String] { lines.map(\.text) }

    init(_ bytes: [UInt8], blockSize: Int = 64 * 1024, maximumLine: Int = 1 << 20) throws {
        let file = try TemporaryFile(bytes)
        let sink = Sink()
        var reader = LineReader(
            try InputFile(path: file.path), blockSize: blockSize, maximumLine: maximumLine, oversizeSink: { sink.bytes += Array($0) })
        var block = LineBlock()
        do throws(InputError) {
            while true {
                if case .atEnd = try reader.next(into: &block) { break }
                take(block)
            }
            take(block)
        } catch {
            self.error = error
        }
        if reader.finish(into: &block) { take(block) }
        oversizeBytes = sink.bytes
    }

    private mutating func take(_ block: LineBlock) {
        lineCount += block.lineCount
        for line in block.lines {
            lines.append(
                Line(
                    text: String(decoding: block.bytes[line.range], as: UTF8.self), number: line.number, index: line.index,
                    oversize: line.oversize))
        }
    }

    private final class Sink {
        var bytes: [UInt8] = []
    }
}
