import Testing
import TraceReading

@Suite("Compressed files")
struct CompressedInputTests {
    /// Small blocks make the reader come back for output after the input has been used up.
    @Test("gzip and zstd are read whole, however small the blocks", arguments: [1 << 20, 4096, 100, 7, 1], [CompressedSamples.gzip, CompressedSamples.zstd])
    func whole(blockSize: Int, file: [UInt8]) throws {
        let result = try ReadResult(file, blockSize: blockSize)
        #expect(result.error == nil)
        #expect(result.texts == CompressedSamples.lines)
    }

    @Test("A text larger than the block is read whole", arguments: [64 << 10, 100_000, 1 << 20])
    func largeText(blockSize: Int) throws {
        let lines = (0..<60_000).map { "line \($0)" }
        let result = try ReadResult(CompressedSamples.storedZstd(Array(lines.joined(separator: "\n").utf8)), blockSize: blockSize)
        #expect(result.error == nil)
        #expect(result.texts == lines)
    }

    @Test("Members that were joined are one text, even in the middle of a line", arguments: [1 << 20, 5, 1])
    func members(blockSize: Int) throws {
        let gzip = ["a\nb", "", "c\n", "d"].flatMap(CompressedSamples.storedGzip)
        #expect(try ReadResult(gzip, blockSize: blockSize).texts == ["a", "bc", "d"])
        let zstd = ["a\nb", "", "c\n", "d"].flatMap { CompressedSamples.storedZstd(Array($0.utf8)) }
        #expect(try ReadResult(zstd, blockSize: blockSize).texts == ["a", "bc", "d"])
    }

    @Test("Frames of zstd that are to be skipped are, in front too, as pzstd writes them", arguments: [1 << 20, 5, 1])
    func skippableFrames(blockSize: Int) throws {
        func skipped(_ kind: UInt8) -> [UInt8] { [kind, 0x2A, 0x4D, 0x18, 4, 0, 0, 0, 0x0A, 0x0A, 0x0A, 0x0A] }
        let file = skipped(0x50) + CompressedSamples.storedZstd(Array("a\nb".utf8)) + skipped(0x5F) + CompressedSamples.storedZstd(Array("c".utf8))
        let result = try ReadResult(file, blockSize: blockSize)
        #expect(result.error == nil)
        #expect(result.texts == ["a", "bc"])
        #expect(try ReadResult(skipped(0x5A), blockSize: blockSize).texts.isEmpty)
        #expect(try ReadResult(Array(file.dropLast(3)), blockSize: blockSize).error != nil)
        #expect(try ReadResult(Array(skipped(0x50).dropLast(1)), blockSize: blockSize).error != nil)
    }

    @Test("Zeros after the last gzip member are padding")
    func padding() throws {
        let result = try ReadResult(CompressedSamples.storedGzip("a\n") + Array(repeating: 0, count: 512))
        #expect(result.error == nil)
        #expect(result.texts == ["a"])
    }

    @Test("A byte order mark within is skipped")
    func byteOrderMark() throws {
        #expect(try ReadResult(CompressedSamples.storedGzip("\u{FEFF}a\n")).texts.map { Array($0.utf8) } == [[0x61]])
    }

    @Test("A file that was cut off is an error, after the lines before the cut", arguments: [1 << 20, 64])
    func cutOff(blockSize: Int) throws {
        let second = CompressedSamples.storedGzip("c\nd\n")
        let result = try ReadResult(CompressedSamples.storedGzip("a\nb\n") + second.dropLast(9), blockSize: blockSize)
        #expect(result.error?.problem == "the compressed data end in the middle")
        #expect(result.texts == ["a", "b", "c", "d"])
    }

    @Test("Wherever a file is cut, that is an error", arguments: [CompressedSamples.gzip, CompressedSamples.zstd])
    func cutAnywhere(file: [UInt8]) throws {
        for length in 4..<file.count {
            #expect(try ReadResult(Array(file[..<length])).error != nil, "cut to \(length) bytes")
        }
    }

    /// The message says that what came before was read: it must be so, whatever the size of the blocks.
    @Test("Damage is an error, after the lines before it", arguments: [1 << 20, 64, 1])
    func damaged(blockSize: Int) throws {
        var file = CompressedSamples.storedGzip("a\nb\n")
        file[file.count - 8] ^= 1
        let result = try ReadResult(file, blockSize: blockSize)
        #expect(result.error?.problem.hasPrefix("the compressed data are damaged") == true)
        #expect(result.texts == ["a", "b"])
    }

    @Test("What follows a member and is none is damage")
    func garbageAfterMember() throws {
        let result = try ReadResult(CompressedSamples.storedGzip("a\n") + Array("garbage".utf8))
        #expect(result.error != nil)
        #expect(result.texts == ["a"])
    }

    @Test("A reader knows whether its file is compressed", arguments: [(CompressedSamples.storedGzip("a\n"), true), (Array("a\n".utf8), false)])
    func isCompressed(bytes: [UInt8], isCompressed: Bool) throws {
        let file = try TemporaryFile(bytes)
        var reader = LineReader(try InputFile(path: file.path), blockSize: 64, maximumLine: 64)
        var block = LineBlock()
        _ = try reader.next(into: &block)
        let found = reader.isCompressed
        #expect(found == isCompressed)
    }
}
