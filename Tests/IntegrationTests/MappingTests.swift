import Foundation
import Testing

/// What arrives is what the mapping promises: compared, field by field, with an implementation written from the
/// description alone, over an independent decoder.
@Suite struct MappingTests {
    static let startTime = "1735689600000000000"

    struct Case: CustomTestStringConvertible {
        var name: String
        var flags: [String] = []
        /// The same for the check.
        var checkFlags: [String] = []
        var testDescription: String { name }
    }

    static let cases = [
        Case(name: "as it is"),
        Case(name: "gzip", flags: ["--compression", "gzip"]),
        Case(name: "small batches, many connections", flags: ["--batch-spans", "7", "--connections", "16", "--workers", "4"]),
        Case(
            name: "candidate", flags: ["--role", "candidate", "--dataset", "d 1", "--stride", "7ms"],
            checkFlags: ["--role", "candidate", "--dataset", "d 1", "--stride-ns", "7000000"]),
        Case(name: "rehashed", flags: ["--rehash"], checkFlags: ["--rehash"]),
        Case(
            name: "named", flags: ["--agent-name", "n", "--agent-version", "v", "--service-name", "s", "--resource", "a=b=c"],
            checkFlags: ["--agent-name", "n", "--agent-version", "v", "--service-name", "s", "--resource", "a=b=c"]),
        Case(name: "metadata", flags: ["--capture", "metadata"], checkFlags: ["--capture", "metadata"]),
        Case(name: "full", flags: ["--capture", "full", "--no-builtin-redaction"], checkFlags: ["--capture", "full"]),
    ]

    @Test(arguments: cases)
    func nastyTracesArriveAsPromised(_ test: Case) throws {
        let traces = try Scratch.folder().appendingPathComponent("nasty.jsonl").path
        #expect(try Project.support("make_traces", ["--seed", "11", "--runs", "400", "--out", traces, "--nasty"]).wait().status == 0)
        let collector = try StubCollector()
        let result = try Outrigger.backfill(
            [traces, "--endpoint", collector.endpoint, "--start-time", Self.startTime] + test.flags)
        #expect(result.status == 1, "the file has lines to reject")
        try expectSameRejections(try result.summary, traces)
        try expectNumbersAddUp(try result.summary)
        try check([traces], ["--requests", collector.requestsFile], test.checkFlags)
    }

    @Test func theSampleArrivesAsPromised() throws {
        let collector = try StubCollector()
        let result = try Outrigger.backfill([Project.fixture("sample.jsonl"), "--endpoint", collector.endpoint])
        #expect(result.status == 0)
        #expect(try result.summary.number("spans.accepted") == 68)
        try check([Project.fixture("sample.jsonl")], ["--requests", collector.requestsFile], [])
    }

    @Test(.enabled(if: !Project.realRuns.isEmpty, "real runs lie beside the checkout"))
    func realRunsArriveAsPromised() throws {
        let collector = try StubCollector()
        let result = try Outrigger.backfill(
            Project.realRuns + ["--endpoint", collector.endpoint, "--start-time", Self.startTime])
        #expect(result.status == 0)
        try check(Project.realRuns, ["--requests", collector.requestsFile], [])
    }

    @Test(arguments: ["spans.otlp", "spans.jsonl"])
    func filesHoldWhatACollectorWouldGet(_ name: String) throws {
        let traces = try Scratch.folder().appendingPathComponent("nasty.jsonl").path
        #expect(try Project.support("make_traces", ["--seed", "12", "--runs", "300", "--out", traces, "--nasty"]).wait().status == 0)
        let output = try Scratch.folder().appendingPathComponent(name).path
        let result = try Outrigger.backfill([traces, "--output", output, "--start-time", Self.startTime])
        try expectSameRejections(try result.summary, traces)
        try check([traces], [name.hasSuffix(".otlp") ? "--otlp" : "--otlp-json", output], [])
    }

    @Test func timesComeFromTheFileWhenNothingElseSays() throws {
        let traces = try Scratch.file([#"{"trace_id":"a","latency_ms":5}"#, "", #"{"trace_id":"b","latency_ms":250}"#])
        let modified = Date(timeIntervalSince1970: 1_700_000_000)
        try FileManager.default.setAttributes([.modificationDate: modified], ofItemAtPath: traces)
        let collector = try StubCollector()
        #expect(try Outrigger.backfill([traces, "--endpoint", collector.endpoint]).status == 0)
        try check([traces], ["--requests", collector.requestsFile], [], startTime: nil)
    }

    @Test(arguments: ["gz", "zst"])
    func compressedFilesAreReadAsTheyAre(_ form: String) throws {
        let plain = try Data(contentsOf: URL(fileURLWithPath: Project.fixture("sample.jsonl")))
        let file = try Scratch.file(plain)
        let tool = form == "gz" ? "gzip" : "zstd"
        #expect(try Command(URL(fileURLWithPath: "/usr/bin/env"), [tool, "-q", "-k", file]).wait().status == 0)
        let collector = try StubCollector()
        let result = try Outrigger.backfill(["\(file).\(form)", "--endpoint", collector.endpoint])
        #expect(result.status == 0)
        try check([file], ["--requests", collector.requestsFile], [])
    }

    private func expectSameRejections(_ summary: [String: Any], _ traces: String) throws {
        let data = try Data(contentsOf: URL(fileURLWithPath: traces + ".expect.json"))
        let expected = try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
        let rejected = try #require(summary.value("lines.rejected_by_reason") as? [String: Int])
        #expect(rejected == expected["rejected"] as? [String: Int])
        #expect(try summary.number("lines.runs") == expected.number("runs"))
        #expect(try summary.number("spans.built") == expected.number("spans"))
    }

    private func check(
        _ traces: [String], _ arrived: [String], _ flags: [String], startTime: String? = MappingTests.startTime
    ) throws {
        var arguments = ["--traces"] + traces + arrived + flags
        if let startTime { arguments += ["--start-time", startTime] }
        let result = try Project.support("check_mapping", arguments).wait()
        #expect(result.status == 0, "\(result.output) \(result.errors)")
    }
}
