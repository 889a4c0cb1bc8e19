import Foundation
import OTLP
import Testing

@testable import Delivery

@Suite struct FileExporterTests {
    private let folder: TemporaryFolder
    private let settlements = Settlements()

    init() throws { folder = try TemporaryFolder() }

    private func exporter(
        _ path: String, _ framing: FileExporter<Int>.Framing, appending: Bool = false, form: MessageForm = NamedSpans.form
    ) throws -> FileExporter<Int> {
        try FileExporter(path: path, form: form, framing: framing, appending: appending, onSettled: settlements.settle)
    }

    private func contents(_ path: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(fileURLWithPath: path))) }

    /// A message that is one long line, to tell messages from lines.
    private static let bracketed = MessageForm(contentType: nil) { spans, output in
        output.append(UInt8(ascii: "<"))
        output.append(contentsOf: spans.map { $0 == UInt8(ascii: "\n") ? UInt8(ascii: ",") : $0 })
        output.append(UInt8(ascii: ">"))
    }

    @Test func plainMessagesStandOneBehindTheOther() throws {
        let path = folder.path("plain")
        let exporter = try exporter(path, .plain)
        exporter.submit(NamedSpans.batch(0, of: 2), 0)
        exporter.submit(NamedSpans.batch(1, of: 1), 1)
        exporter.finish()
        #expect(String(decoding: try contents(path), as: UTF8.self) == "0.0\n0.1\n1.0\n")
    }

    @Test func eachMessageIsALine() throws {
        let path = folder.path("lines")
        let exporter = try exporter(path, .lines, form: Self.bracketed)
        exporter.submit(NamedSpans.batch(0, of: 2), 0)
        exporter.submit(NamedSpans.batch(1, of: 1), 1)
        exporter.finish()
        #expect(String(decoding: try contents(path), as: UTF8.self) == "<0.0,0.1,>\n<1.0,>\n")
    }

    /// Messages whose lengths take one, two, three and four bytes as a varint, and the lengths right at the edges.
    @Test func eachMessageHasItsLengthInFront() throws {
        let path = folder.path("delimited")
        let exporter = try exporter(path, .delimited)
        let lengths = [1, 127, 128, 300, 16_383, 16_384, 2_097_151, 2_097_152]
        for (i, length) in lengths.enumerated() {
            var batch = SpanBatch()
            batch.append(repeatElement(UInt8(i + 1), count: length))
            exporter.submit(batch, i)
        }
        exporter.finish()

        var rest = try contents(path)[...]
        for (i, length) in lengths.enumerated() {
            #expect(try readVarint(&rest) == length)
            try #require(rest.count >= length)
            #expect(rest.prefix(length).allSatisfy { $0 == UInt8(i + 1) })
            rest = rest.dropFirst(length)
        }
        #expect(rest.isEmpty)
        #expect(settlements.faults(batches: lengths.map { _ in 1 }) == [])
    }

    private func readVarint(_ bytes: inout ArraySlice<UInt8>) throws -> Int {
        var value = 0
        var shift = 0
        while true {
            let first = bytes.popFirst()
            let byte = try #require(first)
            value |= Int(byte & 0x7F) << shift
            shift += 7
            if byte < 0x80 { return value }
        }
    }

    @Test func whatIsWrittenIsAcceptedAndCounted() throws {
        let path = folder.path("counted")
        let exporter = try exporter(path, .lines)
        exporter.submit(NamedSpans.batch(0, of: 3), 0)
        exporter.submit(NamedSpans.batch(1, of: 4), 1)
        exporter.finish()
        #expect(settlements.faults(batches: [3, 4]) == [])
        #expect(settlements.total(\.accepted) == 7)
        #expect(exporter.traffic.requests == 2)
        #expect(exporter.traffic.wireBytes == (try contents(path)).count)
        #expect(exporter.traffic.deliveredBytes == exporter.traffic.wireBytes)
        #expect(exporter.haltReason == nil)
    }

    @Test(arguments: [false, true])
    func anOldFileIsReplacedUnlessAppending(appending: Bool) throws {
        let path = folder.path("old")
        try Data("before\n".utf8).write(to: URL(fileURLWithPath: path))
        try exporter(path, .plain, appending: appending).submit(NamedSpans.batch(0, of: 1), 0)
        #expect(String(decoding: try contents(path), as: UTF8.self) == (appending ? "before\n0.0\n" : "0.0\n"))
    }

    @Test func aFullDiskIsToldAndEndsTheExport() throws {
        let exporter = try exporter("/dev/full", .lines)
        exporter.submit(NamedSpans.batch(0, of: 3), 0)
        exporter.submit(NamedSpans.batch(1, of: 4), 1)
        exporter.finish()
        #expect(settlements.faults(batches: [3, 4]) == [])
        #expect(settlements.total(\.unsent) == 7)
        #expect(settlements.entries(because: "write_failed").map(\.batch) == [0])
        #expect(settlements.entries(because: "halted").map(\.batch) == [1])
        #expect(exporter.haltReason == "cannot write /dev/full: No space left on device")
        #expect(exporter.traffic.requests == 0)
    }

    @Test func aFileThatCannotBeMadeIsAnErrorThatNamesIt() throws {
        let path = folder.path("no/such/folder")
        let error = #expect(throws: FileExportError.self) { try exporter(path, .lines) }
        #expect(error?.description == "cannot write \(path): No such file or directory")
    }
}
