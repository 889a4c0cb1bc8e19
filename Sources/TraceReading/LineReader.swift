internal import Glibc

/// Some whole lines of a file, read at once, so that a worker can decode them in one go.
public struct LineBlock: Sendable {
    /// The lines' bytes, with their line breaks.
    public var bytes: [UInt8] = []
    public var lines: [Line] = []
    /// How many lines were read for it, empty ones included.
    public var lineCount = 0
    /// The number of the first of them.
    public var firstLine = 1

    /// A line that holds more than white space.
    public struct Line: Sendable {
        /// Where it stands in ``LineBlock/bytes``, without its line break. Empty for a line over the limit.
        public var range: Range<Int>
        /// Counted from 1, empty lines included.
        public var number: Int
        /// Counted from 0 among the lines that are not empty.
        public var index: Int
        /// Whole length in bytes of a line over the limit, whose bytes are not kept.
        public var oversize: Int?
    }

    public init() {}
}

/// Cuts a file into lines, a block of them at a time, in memory that does not grow with the file.
public struct LineReader: ~Copyable {
    public let file: InputFile
    private let source: Decompressor
    private let blockSize: Int
    private let maximumLine: Int
    /// Gets the pieces of lines over the limit, with their line breaks.
    private let oversizeSink: ((UnsafeRawBufferPointer) -> Void)?

    /// The start of a line whose end was not read yet.
    private var partial: [UInt8] = []
    /// A line over the limit, whose end was not read yet.
    private var oversize: Oversize?

    private struct Oversize {
        /// Bytes so far, without a byte order mark.
        var length: Int
        /// Whether the last of them is a CR, which may be the line break's.
        var endsWithReturn: Bool

        var lineLength: Int { length - (endsWithReturn ? 1 : 0) }
    }
    private var lineNumber = 0
    private var lineIndex = 0

    /// Bytes of text read so far, after decompression.
    public private(set) var bytesRead = 0
    /// Lines seen so far that hold more than white space.
    public var indexedLines: Int { lineIndex }
    /// Whether the file is compressed; known after the first block.
    public var isCompressed: Bool { source.isCompressed }

    public enum Progress: Sendable {
        /// The block has lines.
        case lines
        /// Something was read, but no line ended.
        case partial
        /// There are no more whole lines in the file as it is now.
        case atEnd
    }

    /// - Parameters:
    ///   - blockSize: bytes to read at once.
    ///   - maximumLine: bytes; a longer line is passed to `oversizeSink` and otherwise skipped.
    public init(
        _ file: InputFile, blockSize: Int, maximumLine: Int,
        oversizeSink: ((UnsafeRawBufferPointer) -> Void)? = nil
    ) {
        self.file = file
        source = Decompressor(file)
        self.blockSize = blockSize
        self.maximumLine = maximumLine
        self.oversizeSink = oversizeSink
    }

    /// Reads the next lines into `block`, whose content is replaced.
    public mutating func next(into block: inout LineBlock) throws(InputError) -> Progress {
        block.lines.removeAll(keepingCapacity: true)
        let firstLine = lineNumber
        defer {
            block.firstLine = firstLine + 1
            block.lineCount = lineNumber - firstLine
        }
        block.bytes.removeAll(keepingCapacity: true)
        block.bytes.append(contentsOf: partial)
        partial.removeAll(keepingCapacity: true)
        let from = block.bytes.count
        do {
            guard try append(to: &block.bytes) > 0 else {
                swap(&partial, &block.bytes)
                return .atEnd
            }
        } catch {
            // What was read before the damage still counts.
            swap(&partial, &block.bytes)
            throw error
        }
        cut(&block, searchingFrom: from)
        return block.lines.isEmpty ? .partial : .lines
    }

    /// Takes a last line that has no line break, once nothing more can follow.
    ///
    /// - Returns: whether there was one, be it empty.
    public mutating func finish(into block: inout LineBlock) -> Bool {
        block.lines.removeAll(keepingCapacity: true)
        block.bytes.removeAll(keepingCapacity: true)
        let firstLine = lineNumber
        defer {
            block.firstLine = firstLine + 1
            block.lineCount = lineNumber - firstLine
        }
        swap(&block.bytes, &partial)
        let whole = 0..<block.bytes.count
        if let long = oversize {
            oversize = nil
            newline.withUnsafeBytes { oversizeSink?($0) }
            add(&block, 0..<0, oversize: long.lineLength)
        } else if length(block.bytes, whole) > maximumLine {
            pass(block.bytes, whole)
            newline.withUnsafeBytes { oversizeSink?($0) }
            add(&block, 0..<0, oversize: length(block.bytes, whole))
        } else if !block.bytes.isEmpty {
            add(&block, 0..<block.bytes.count)
        }
        return lineNumber > firstLine
    }

    /// Starts anew at the front of the file, which was truncated.
    public mutating func restart() throws(InputError) {
        try file.rewind()
        source.restart()
        partial.removeAll()
        oversize = nil
        bytesRead = 0
        lineNumber = 0
        lineIndex = 0
    }

    private mutating func append(to bytes: inout [UInt8]) throws(InputError) -> Int {
        let before = bytes.count
        let source = source
        try bytes.append(addingCapacity: blockSize) { (free: inout OutputSpan<UInt8>) throws(InputError) in
            try free.withUnsafeMutableBufferPointer { buffer, count throws(InputError) in
                count += try source.read(into: UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: buffer[count...])))
            }
        }
        let count = bytes.count - before
        bytesRead += count
        return count
    }

    /// Finds the lines of the block; what follows the last line break becomes the new partial line.
    private mutating func cut(_ block: inout LineBlock, searchingFrom from: Int) {
        var start = 0
        var search = from
        let end = block.bytes.count
        while let lineBreak = block.bytes.firstIndex(of: UInt8(ascii: "\n"), from: search) {
            if var long = oversize {
                oversize = nil
                pass(block.bytes, start..<lineBreak + 1)
                grow(&long, block.bytes, start..<lineBreak)
                add(&block, 0..<0, oversize: long.lineLength)
            } else if length(block.bytes, start..<lineBreak) > maximumLine {
                pass(block.bytes, start..<lineBreak + 1)
                add(&block, 0..<0, oversize: length(block.bytes, start..<lineBreak))
            } else {
                add(&block, start..<lineBreak)
            }
            start = lineBreak + 1
            search = start
        }
        if var long = oversize {
            pass(block.bytes, start..<end)
            grow(&long, block.bytes, start..<end)
            oversize = long
        } else if end - start > maximumLine + byteOrderMark.count + 1 {
            // Whatever comes, it is too long: a mark and a CR that do not count are allowed for.
            pass(block.bytes, start..<end)
            let markCount = lineNumber == 0 && block.bytes[start...].starts(with: byteOrderMark) ? byteOrderMark.count : 0
            var long = Oversize(length: -markCount, endsWithReturn: false)
            grow(&long, block.bytes, start..<end)
            oversize = long
        } else {
            partial.append(contentsOf: block.bytes[start..<end])
        }
    }

    private func grow(_ long: inout Oversize, _ bytes: [UInt8], _ range: Range<Int>) {
        guard !range.isEmpty else { return }
        long.length += range.count
        long.endsWithReturn = bytes[range.upperBound - 1] == UInt8(ascii: "\r")
    }

    /// The length of the line that stands there, without a byte order mark and the CR of a CRLF.
    private func length(_ bytes: [UInt8], _ range: Range<Int>) -> Int {
        let hasMark = lineNumber == 0 && bytes[range].starts(with: byteOrderMark)
        let hasReturn = !range.isEmpty && bytes[range.upperBound - 1] == UInt8(ascii: "\r")
        return range.count - (hasMark ? byteOrderMark.count : 0) - (hasReturn ? 1 : 0)
    }

    private func pass(_ bytes: [UInt8], _ range: Range<Int>) {
        bytes.withUnsafeBytes { oversizeSink?(.init(rebasing: $0[range])) }
    }

    private mutating func add(_ block: inout LineBlock, _ range: Range<Int>, oversize: Int? = nil) {
        lineNumber += 1
        var range = range
        if lineNumber == 1, block.bytes[range].starts(with: byteOrderMark) {
            range = range.lowerBound + byteOrderMark.count..<range.upperBound
        }
        if !range.isEmpty, block.bytes[range.upperBound - 1] == UInt8(ascii: "\r") {
            range = range.lowerBound..<range.upperBound - 1
        }
        let isBlank = block.bytes[range].allSatisfy { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") || $0 == 0x0D }
        guard oversize != nil || !isBlank else { return }
        block.lines.append(.init(range: range, number: lineNumber, index: lineIndex, oversize: oversize))
        lineIndex += 1
    }
}

private let newline: [UInt8] = [UInt8(ascii: "\n")]
private let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

extension [UInt8] {
    /// The next place of `byte` at `from` or after, by the C library's vectorised search.
    fileprivate func firstIndex(of byte: UInt8, from: Int) -> Int? {
        withUnsafeBytes { buffer in
            guard let base = buffer.baseAddress, from < buffer.count,
                let found = memchr(base + from, CInt(byte), buffer.count - from)
            else { return nil }
            return UnsafeRawPointer(found) - base
        }
    }
}
