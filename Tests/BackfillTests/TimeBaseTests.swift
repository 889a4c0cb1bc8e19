import Foundation
import Testing
import TraceReading

@testable import Backfill

/// The last run of a file ends when the file was last written, and those before it lie one stride apart.
@Suite struct TimeBaseTests {
    private let folder: TemporaryFolder
    private static let written: UInt64 = 1_700_000_000_000_000_000

    init() throws { folder = try TemporaryFolder() }

    private func base(_ text: String, stride: UInt64 = 1_000_000_000, maximumLine: Int = 1 << 20) throws -> UInt64 {
        let path = try folder.file("runs.jsonl", text)
        try FileManager.default.setAttributes([.modificationDate: Date(timeIntervalSince1970: 1_700_000_000)], ofItemAtPath: path)
        return try TimeBase.ofFile(path, stride: stride, maximumLine: maximumLine)
    }

    private static let run = #"{"trace_id":"a","latency_ms":250}"#

    @Test func aSingleRunEndsWhenTheFileWasWritten() throws {
        #expect(try base("\(Self.run)\n") == Self.written - 250_000_000)
    }

    @Test(arguments: [1, 2, 3, 1000])
    func earlierRunsTakeAStrideEach(count: Int) throws {
        let text = String(repeating: "{}\n", count: count - 1) + Self.run + "\n"
        let before = UInt64(count - 1) * 7_000
        #expect(try base(text, stride: 7_000) == Self.written - before - 250_000_000)
    }

    @Test func emptyLinesDoNotCountAndTheLastLineNeedsNoBreak() throws {
        #expect(try base("\n{}\n  \n\r\n\(Self.run)") == Self.written - 1_000_000_000 - 250_000_000)
        #expect(try base("{}\n\(Self.run)\n\n \n") == Self.written - 1_000_000_000 - 250_000_000)
    }

    @Test func aRunWithoutLatencyTakesAMillisecond() throws {
        #expect(try base("{}\n") == Self.written - 1_000_000)
    }

    @Test(arguments: ["not json", "[1]", #"{"latency_ms":"soon"}"#])
    func aLastLineThatIsRejectedTakesNoTimeButItsPlace(_ line: String) throws {
        #expect(try base("\(Self.run)\n\(line)\n") == Self.written - 1_000_000_000)
    }

    @Test func aLastLineOverTheLimitTakesNoTimeButItsPlace() throws {
        let long = #"{"latency_ms":250,"x":"\#(String(repeating: "y", count: 200))"}"#
        #expect(try base("\(Self.run)\n\(long)\n", maximumLine: 100) == Self.written - 1_000_000_000)
    }

    @Test func aTimeBeforeTheEpochIsTheEpoch() throws {
        #expect(try base("{}\n{}\n{}\n", stride: 1_000_000_000_000_000_000) == 0)
        #expect(try base("{}\n{}\n{}\n", stride: .max) == 0)
    }

    @Test func anEmptyFileIsAsOldAsItsLastChange() throws {
        #expect(try base("") == Self.written)
    }

    @Test func aFileThatIsNotThereIsAnError() {
        #expect(throws: InputError.self) {
            try TimeBase.ofFile(folder.path("none"), stride: 1, maximumLine: 100)
        }
    }
}
