import Foundation
import Testing

/// A backfill that remembers: whatever ends it, the next one goes on where the acknowledgements stopped.
@Suite struct ResumeTests {
    private func makeTraces(_ runs: Int, seed: Int = 5) throws -> String {
        let traces = try Scratch.folder().appendingPathComponent("runs.jsonl").path
        let made = try Project.support("make_traces", ["--seed", "\(seed)", "--runs", "\(runs)", "--out", traces]).wait()
        try #require(made.status == 0, "\(made.errors)")
        return traces
    }

    private func state() throws -> String { try Scratch.folder().appendingPathComponent("state").path }

    /// Killed again and again, at points that the seed chooses by the number of requests seen.
    @Test(.timeLimit(.minutes(4)), arguments: [1, 2, 3])
    func killedAtAnyPointNothingIsLostAndOnlyWhatWasInFlightDoubles(_ seed: Int) throws {
        let traces = try makeTraces(600, seed: seed)
        let state = try state()
        let collector = try StubCollector(["--latency-ms", "3"])
        let connections = 3
        let arguments = [
            "backfill", traces, "--endpoint", collector.endpoint, "--state", state, "--batch-spans", "20",
            "--connections", "\(connections)", "--retry-initial", "10ms", "--quiet",
        ]
        var generator = SeededGenerator(seed: UInt64(seed))
        var kills = 0
        for _ in 0..<4 {
            let before = try collector.stats.requests
            let target = before + Int.random(in: 3...25, using: &generator)
            let command = try Outrigger.start(arguments)
            try eventually("requests arrive") { try !command.process.isRunning || collector.stats.requests >= target }
            if command.process.isRunning { kills += 1 }
            command.kill()
            _ = try command.wait()
        }
        #expect(kills > 0, "no backfill lived long enough to be killed")
        let last = try Outrigger.run(arguments)
        #expect(last.status == 0, "\(last.errors)")

        let stats = try collector.stats
        let check = try Project.support(
            "check_mapping", ["--traces", traces, "--requests", collector.requestsFile, "--allow-duplicates"]).wait()
        #expect(check.status == 0, "\(check.output)")
        #expect(stats.duplicate_spans <= kills * connections * 20, "\(stats)")
    }

    @Test func afterItFinishedItSendsNothingAndSaysSo() throws {
        let traces = try makeTraces(50)
        let state = try state()
        let collector = try StubCollector()
        let arguments = [traces, "--endpoint", collector.endpoint, "--state", state]
        #expect(try Outrigger.backfill(arguments).status == 0)
        let requests = try collector.stats.requests
        let again = try Outrigger.backfill(arguments)
        #expect(again.status == 0)
        #expect(try collector.stats.requests == requests)
        #expect(again.errors.contains("nothing to send"))
        #expect(try again.summary.value("nothing_to_do") as? Bool == true)
        try expectNumbersAddUp(try again.summary)
    }

    @Test func appendedLinesAreSentAndKeepTheTimesOfTheOthers() throws {
        let lines = (0..<5).map { #"{"trace_id":"r\#($0)","latency_ms":10}"# }
        let traces = try Scratch.file(Array(lines[..<3]))
        let state = try state()
        let collector = try StubCollector()
        let arguments = [traces, "--endpoint", collector.endpoint, "--state", state]
        #expect(try Outrigger.backfill(arguments).status == 0)
        try FileManager.default.removeItem(atPath: traces)
        try Data(lines.map { $0 + "\n" }.joined().utf8).write(to: URL(fileURLWithPath: traces))
        let second = try Outrigger.backfill(arguments)
        #expect(second.status == 0, "\(second.errors)")
        #expect(try second.summary.number("runs.selected") == 2)
        #expect(try collector.stats.spans_accepted == 10)
        #expect(try collector.stats.duplicate_spans == 0)
    }

    @Test(arguments: [
        ("another line in the middle", #"{"trace_id":"r1","outcome":"changed"}"#),
        ("a line that is no run any more", "not JSON"),
        ("fewer spans", #"{"trace_id":"r1"}"#),
    ])
    func aChangedFileIsNoticed(_ what: String, _ line: String) throws {
        var lines = (0..<4).map { #"{"trace_id":"r\#($0)","tool_calls":["a"],"tool_results":[{}]}"# }
        let traces = try Scratch.file(lines)
        let collector = try StubCollector()
        let arguments = [traces, "--endpoint", collector.endpoint, "--state", try state()]
        #expect(try Outrigger.backfill(arguments).status == 0)
        lines[1] = line
        try Data(lines.map { $0 + "\n" }.joined().utf8).write(to: URL(fileURLWithPath: traces))
        let again = try Outrigger.backfill(arguments)
        #expect(again.status == 1, "\(what)")
        #expect(again.errors.contains("is not the file"), "\(again.errors)")
        #expect(try collector.stats.duplicate_spans == 0)
    }

    @Test func aShorterFileIsNoticed() throws {
        let lines = (0..<4).map { #"{"trace_id":"r\#($0)"}"# }
        let traces = try Scratch.file(lines)
        let collector = try StubCollector()
        let arguments = [traces, "--endpoint", collector.endpoint, "--state", try state()]
        #expect(try Outrigger.backfill(arguments).status == 0)
        try Data((lines[0] + "\n").utf8).write(to: URL(fileURLWithPath: traces))
        let again = try Outrigger.backfill(arguments)
        #expect(again.status == 1)
        #expect(again.errors.contains("is not the file"), "\(again.errors)")
    }

    @Test func anotherBackfillsStateIsRefused() throws {
        let traces = try makeTraces(5)
        let state = try state()
        let collector = try StubCollector()
        #expect(try Outrigger.backfill([traces, "--endpoint", collector.endpoint, "--state", state]).status == 0)
        let other = try Outrigger.backfill([traces, "--endpoint", collector.endpoint, "--state", state, "--dataset", "x"])
        #expect(other.status == 2)
        #expect(other.errors.contains("dataset"), "\(other.errors)")
    }

    @Test func aRunLargerThanABatchIsResumedInItsMiddle() throws {
        let calls = Array(repeating: #""t""#, count: 60).joined(separator: ",")
        let results = Array(repeating: "{}", count: 60).joined(separator: ",")
        let traces = try Scratch.file([#"{"trace_id":"long","tool_calls":[\#(calls)],"tool_results":[\#(results)]}"#])
        let state = try state()
        // 181 spans in batches of 50; the third is refused once, so it is not acknowledged.
        let collector = try StubCollector(script: #"[{"ok":true},{"ok":true},{"status":400}]"#)
        let arguments = [
            traces, "--endpoint", collector.endpoint, "--state", state, "--batch-spans", "50", "--connections", "1",
        ]
        let first = try Outrigger.backfill(arguments)
        #expect(first.status == 1)
        #expect(try first.summary.number("spans.rejected") == 50)
        let second = try Outrigger.backfill(arguments)
        #expect(second.status == 0, "\(second.errors)")
        #expect(try second.summary.number("spans.accepted") == 50)
        #expect(try second.summary.number("spans.already_delivered") == 131)
        #expect(try collector.stats.unique_spans == 181)
        #expect(try collector.stats.duplicate_spans == 0)
    }
}

/// The same numbers for the same seed (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
