import Testing
import TraceReading

@Suite("Cutting a file into lines")
struct LineReaderTests {
    private func read(_ text: String, blockSize: Int = 64 * 1024) throws -> ReadResult {
        try ReadResult(Array(text.utf8), blockSize: blockSize)
    }

    @Test(
        "Lines come without their breaks, be those LF or CRLF",
        arguments: [
            ("a\nb\n", ["a", "b"]), ("a\r\nb\r\n", ["a", "b"]), ("a\nb", ["a", "b"]), ("a\r\nb\r", ["a", "b"]), ("a\rb\n", ["a\rb"]),
            (" a \n", [" a "]), ("a\r\r\n", ["a\r"]), ("é😀\n", ["é😀"]), ("a\0b\n", ["a\0b"]), ("", []), ("\n", []), ("\r\n", []),
        ])
    func breaks(text: String, lines: [String]) throws {
        #expect(try read(text).texts == lines)
    }

    @Test("Blank lines count as lines of the file, but not among the runs")
    func blankLines() throws {
        let result = try read("\n  \na\n\t\r\n\r\nb\n \n")
        #expect(
            result.lines == [
                .init(text: "a", number: 3, index: 0, oversize: nil), .init(text: "b", number: 6, index: 1, oversize: nil),
            ])
        #expect(result.lineCount == 7)
    }

    @Test(
        "A byte order mark is skipped at the start of the file only",
        arguments: [
            ("\u{FEFF}a\n\u{FEFF}b\n", ["a", "\u{FEFF}b"]), ("\u{FEFF}\na\n", ["a"]), ("\u{FEFF}\u{FEFF}a", ["\u{FEFF}a"]),
            ("\u{FEFF}", []), ("\n\u{FEFF}a", ["\u{FEFF}a"]),
        ])
    func byteOrderMark(text: String, lines: [String]) throws {
        // The comparison is of bytes: a string's own would ignore the mark.
        #expect(try read(text).texts.map { Array($0.utf8) } == lines.map { Array($0.utf8) })
    }

    @Test("A last line without a break is held back until nothing can follow")
    func lastLine() throws {
        let file = try TemporaryFile(Array("a\nb".utf8))
        var reader = LineReader(try InputFile(path: file.path), blockSize: 64, maximumLine: 64)
        var block = LineBlock()
        #expect(try isLines(reader.next(into: &block)))
        #expect(block.lines.map(\.number) == [1])
        #expect(try !isLines(reader.next(into: &block)))
        #expect(block.lines.isEmpty)
        try file.append(Array("c\nd".utf8))
        #expect(try isLines(reader.next(into: &block)))
        #expect(block.lines.map { String(decoding: block.bytes[$0.range], as: UTF8.self) } == ["bc"])
        #expect(try !isLines(reader.next(into: &block)))
        let hasRest = reader.finish(into: &block)
        #expect(hasRest)
        #expect(block.lines.map { String(decoding: block.bytes[$0.range], as: UTF8.self) } == ["d"])
        #expect(block.lines.map(\.number) == [3])
        let indexed = reader.indexedLines
        #expect(indexed == 3)
    }

    @Test("After a truncation the file is read from its start, with lines counted anew")
    func restart() throws {
        let file = try TemporaryFile(Array("old line\nrest".utf8))
        var reader = LineReader(try InputFile(path: file.path), blockSize: 64, maximumLine: 64)
        var block = LineBlock()
        #expect(try isLines(reader.next(into: &block)))
        #expect(try !isLines(reader.next(into: &block)))
        try file.overwrite(Array("new\n".utf8))
        try reader.restart()
        #expect(try isLines(reader.next(into: &block)))
        #expect(block.lines.map { String(decoding: block.bytes[$0.range], as: UTF8.self) } == ["new"])
        #expect(block.lines.map(\.number) == [1])
        #expect(block.lines.map(\.index) == [0])
    }

    @Test("However small the blocks, the lines are the same", arguments: 0..<UInt64(6))
    func blockSizes(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let pieces = ["a", "{\"x\":1}", "\n", "\r\n", "\n\n", "  ", "é", "\u{FEFF}", String(repeating: "long", count: 20)]
        for _ in 0..<10 {
            let text = (0..<Int.random(in: 0...60, using: &random)).compactMap { _ in pieces.randomElement(using: &random) }.joined()
            let expected = try ReadResult(Array(text.utf8), maximumLine: 50)
            for blockSize in [1, 2, 3, 7, 64] {
                let result = try ReadResult(Array(text.utf8), blockSize: blockSize, maximumLine: 50)
                #expect(result.lines == expected.lines)
                #expect(result.lineCount == expected.lineCount)
                #expect(result.oversizeBytes == expected.oversizeBytes)
            }
        }
    }

    private func isLines(_ progress: LineReader.Progress) -> Bool {
        if case .lines = progress { true } else { false }
    }
}
