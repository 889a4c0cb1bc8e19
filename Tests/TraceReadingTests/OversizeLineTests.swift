import Testing
import TraceReading

/// A line over the limit is not kept in memory, but none of its bytes is lost.
@Suite("Lines over the limit")
struct OversizeLineTests {
    @Test("The sink gets every byte, the line is counted, and the next line is intact", arguments: [1, 3, 7, 64, 4096])
    func oversize(blockSize: Int) throws {
        let long = String(repeating: "0123456789", count: 30)
        let result = try ReadResult(Array("first\n\(long)\nnext\n\(long)x\nlast".utf8), blockSize: blockSize, maximumLine: 20)
        #expect(
            result.lines == [
                .init(text: "first", number: 1, index: 0, oversize: nil), .init(text: "", number: 2, index: 1, oversize: 300),
                .init(text: "next", number: 3, index: 2, oversize: nil), .init(text: "", number: 4, index: 3, oversize: 301),
                .init(text: "last", number: 5, index: 4, oversize: nil),
            ])
        #expect(result.lineCount == 5)
        #expect(String(decoding: result.oversizeBytes, as: UTF8.self) == "\(long)\n\(long)x\n")
    }

    @Test("A line of exactly the limit is read, one byte more is too many", arguments: [1, 4, 64])
    func limit(blockSize: Int) throws {
        let result = try ReadResult(Array("0123456789\n01234567890\n0123456789".utf8), blockSize: blockSize, maximumLine: 10)
        #expect(result.texts == ["0123456789", "", "0123456789"])
        #expect(result.lines.map(\.oversize) == [nil, 11, nil])
    }

    /// Neither belongs to the line's bytes, so neither counts against the limit.
    @Test("The carriage return and the byte order mark do not count against the limit", arguments: [1, 4, 64])
    func lineBreakIsNotCounted(blockSize: Int) throws {
        let result = try ReadResult(Array("\u{FEFF}0123456789\r\n0123456789\r\n".utf8), blockSize: blockSize, maximumLine: 10)
        #expect(result.lines.map(\.oversize) == [nil, nil])
    }

    @Test("A last line over the limit is closed with a break, so that what is appended stays apart", arguments: [1, 4, 64])
    func lastLine(blockSize: Int) throws {
        let result = try ReadResult(Array("a\n0123456789012".utf8), blockSize: blockSize, maximumLine: 10)
        #expect(result.lines.map(\.oversize) == [nil, 13])
        #expect(result.oversizeBytes == Array("0123456789012\n".utf8))
    }
}
