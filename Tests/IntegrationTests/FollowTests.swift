import Foundation
import Testing

/// Files that grow, are rotated and truncated while they are read.
@Suite struct FollowTests {
    private func line(_ id: String) -> String { #"{"trace_id":"\#(id)","start_time":1750000000,"latency_ms":5}"# + "\n" }

    private func append(_ text: String, to path: String) throws {
        let file = try #require(FileHandle(forWritingAtPath: path))
        try file.seekToEnd()
        try file.write(contentsOf: Data(text.utf8))
        try file.close()
    }

    /// Each run without tool calls has two spans.
    private func waitForRuns(_ count: Int, _ collector: StubCollector) throws {
        try eventually("\(count) runs arrive") { try collector.stats.unique_spans == count * 2 }
    }

    @Test(.timeLimit(.minutes(10)))
    func linesArriveAsTheyAreAppendedAcrossRotationAndTruncation() throws {
        let path = try Scratch.file([])
        let collector = try StubCollector()
        let command = try Outrigger.start(["backfill", path, "--follow", "--json", "--endpoint", collector.endpoint])
        try append(line("a") + line("b"), to: path)
        try waitForRuns(2, collector)

        // Half a line is no line yet.
        let third = line("c")
        try append(String(third.prefix(20)), to: path)
        try append(String(third.dropFirst(20)), to: path)
        try waitForRuns(3, collector)

        // Rotation by rename; the writer goes on in the old file for a moment.
        try FileManager.default.moveItem(atPath: path, toPath: path + ".1")
        try append(line("d"), to: path + ".1")
        try waitForRuns(4, collector)
        try Data(line("e").utf8).write(to: URL(fileURLWithPath: path))
        try waitForRuns(5, collector)

        // Truncation in place.
        let file = try #require(FileHandle(forWritingAtPath: path))
        try file.truncate(atOffset: 0)
        try eventually("the truncation is seen") { try command.errorsSoFar.contains("truncated") }
        try append(line("f"), to: path)
        try waitForRuns(6, collector)

        command.terminate()
        let result = try command.wait()
        #expect(result.status == 0, "\(result.errors)")
        #expect(try result.summary.number("spans.accepted") == 12)
        #expect(try collector.stats.duplicate_spans == 0)
    }

    @Test(.timeLimit(.minutes(10)))
    func itsPositionIsSavedAndTakenUp() throws {
        let path = try Scratch.file([])
        let state = try Scratch.folder().appendingPathComponent("state").path
        let collector = try StubCollector()
        let arguments = ["backfill", path, "--follow", "--json", "--state", state, "--endpoint", collector.endpoint]
        try append(line("a") + line("b"), to: path)
        let first = try Outrigger.start(arguments)
        try waitForRuns(2, collector)
        first.terminate()
        #expect(try first.wait().status == 0)

        try append(line("c"), to: path)
        let second = try Outrigger.start(arguments)
        try waitForRuns(3, collector)
        second.terminate()
        let result = try second.wait()
        #expect(result.status == 0, "\(result.errors)")
        #expect(try result.summary.number("runs.already_delivered") == 2)
        #expect(try collector.stats.spans_accepted == 6)
    }

    /// What was delivered of the file before a rotation says nothing of the file after it, in this process or the next.
    @Test(.timeLimit(.minutes(10)), arguments: ["rename", "truncation"])
    func aStateOutlivesRotation(_ kind: String) throws {
        let path = try Scratch.file([])
        let state = try Scratch.folder().appendingPathComponent("state").path
        let collector = try StubCollector()
        let arguments = ["backfill", path, "--follow", "--json", "--state", state, "--endpoint", collector.endpoint]
        try append((0..<6).map { line("old\($0)") }.joined(), to: path)
        let first = try Outrigger.start(arguments)
        try waitForRuns(6, collector)
        if kind == "rename" {
            try FileManager.default.moveItem(atPath: path, toPath: path + ".1")
            try Data().write(to: URL(fileURLWithPath: path))
            try eventually("the rotation is seen") { try first.errorsSoFar.contains("replaced") }
        } else {
            try #require(FileHandle(forWritingAtPath: path)).truncate(atOffset: 0)
            try eventually("the truncation is seen") { try first.errorsSoFar.contains("truncated") }
        }
        try append(line("new0") + line("new1"), to: path)
        try waitForRuns(8, collector)
        first.terminate()
        #expect(try first.wait().status == 0)

        try append((2..<9).map { line("new\($0)") }.joined(), to: path)
        let second = try Outrigger.start(arguments)
        try waitForRuns(15, collector)
        second.terminate()
        let result = try second.wait()
        #expect(result.status == 0, "\(result.errors)")
        #expect(try result.summary.number("runs.already_delivered") == 2)
        #expect(try collector.stats.duplicate_spans == 0)
    }

    /// The same file by name and inode, with other lines in it.
    @Test(.timeLimit(.minutes(10)))
    func aFileRewrittenWhileNobodyFollowedIsReadAnew() throws {
        let path = try Scratch.file([])
        let state = try Scratch.folder().appendingPathComponent("state").path
        let collector = try StubCollector()
        let arguments = ["backfill", path, "--follow", "--json", "--state", state, "--endpoint", collector.endpoint]
        try append(line("a") + line("b"), to: path)
        let first = try Outrigger.start(arguments)
        try waitForRuns(2, collector)
        first.terminate()
        #expect(try first.wait().status == 0)

        try #require(FileHandle(forWritingAtPath: path)).truncate(atOffset: 0)
        try append(line("c"), to: path)
        let second = try Outrigger.start(arguments)
        try waitForRuns(3, collector)
        second.terminate()
        #expect(try second.wait().status == 0)
    }

    @Test(.timeLimit(.minutes(10)))
    func aCollectorThatIsAwayDoesNotLoseWhatWasRead() throws {
        let path = try Scratch.file([line("a").trimmingCharacters(in: .newlines)])
        let state = try Scratch.folder().appendingPathComponent("state").path
        let collector = try StubCollector(script: #"[{"default":{"status":503}}]"#)
        let arguments = ["backfill", path, "--json", "--state", state, "--retry-initial", "20ms"]
        let follower = try Outrigger.start(arguments + ["--follow", "--endpoint", collector.endpoint])
        try eventually("a request arrives") { try collector.stats.requests > 1 }
        follower.terminate()
        let stopped = try follower.wait()
        #expect(stopped.status == 1, "two spans were read and not delivered")
        #expect(try stopped.summary.number("spans.unsent") == 2)
    }

    @Test(.timeLimit(.minutes(10)))
    func standardInputEndsOnASignalToo() throws {
        let pipe = Pipe()
        let collector = try StubCollector()
        let command = try Outrigger.start(
            ["backfill", "-", "--json", "--endpoint", collector.endpoint], input: pipe.fileHandleForReading)
        try pipe.fileHandleForWriting.write(contentsOf: Data(line("a").utf8))
        try waitForRuns(1, collector)
        command.terminate()
        let result = try command.wait()
        #expect(result.status == 1, "the input had not ended")
        #expect(try result.summary.number("spans.accepted") == 2)
    }
}
