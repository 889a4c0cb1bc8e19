import Foundation
import Testing

/// Collectors that no one here wrote.
@Suite(.serialized) struct RealCollectorTests {
    /// Rotel takes the spans and passes them on, encoded anew by its own code: what it did not understand is gone.
    @Test(.timeLimit(.minutes(10)), arguments: [[], ["--compression", "gzip"]])
    func rotelUnderstandsEverySpan(_ flags: [String]) throws {
        let locate = try Command(Project.python, ["-c", "import rotel,os;print(os.path.dirname(rotel.__file__))"]).wait()
        let agent = URL(fileURLWithPath: locate.output.trimmingCharacters(in: .newlines)).appendingPathComponent("rotel-agent")
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: agent.path)
        let sink = try StubCollector()
        let (http, grpc) = (try Loopback.freePort(), try Loopback.freePort())
        let rotel = try Command(agent, [
            "start", "--otlp-http-endpoint", "127.0.0.1:\(http)", "--otlp-grpc-endpoint", "127.0.0.1:\(grpc)",
            "--exporter", "otlp", "--otlp-exporter-endpoint", sink.endpoint, "--otlp-exporter-protocol", "http",
            "--disable-batching",
        ])
        defer { rotel.kill() }
        try eventually("rotel listens") { Loopback.answers(http) }

        let traces = [Project.fixture("sample.jsonl")] + Project.realRuns
        let result = try Outrigger.backfill(
            traces + ["--endpoint", "http://127.0.0.1:\(http)", "--start-time", MappingTests.startTime] + flags)
        #expect(result.status == 0, "\(result.errors)")
        let sent = try result.summary.number("spans.accepted")
        try eventually("all spans came through") { try sink.stats.unique_spans >= sent }
        let check = try Project.support(
            "check_mapping",
            ["--traces"] + traces + ["--requests", sink.requestsFile, "--start-time", MappingTests.startTime]).wait()
        #expect(check.status == 0, "\(check.output) \(check.errors)")
    }

    @Test(.timeLimit(.minutes(10)))
    func oteltapPrintsEverySpan() throws {
        let port = try Loopback.freePort()
        let tap = try Command(Project.python, ["-u", "-m", "oteltap", "--port", "\(port)"])
        defer { tap.kill() }
        try eventually("oteltap listens") { Loopback.answers(port) }
        let result = try Outrigger.backfill([Project.fixture("sample.jsonl"), "--endpoint", "http://127.0.0.1:\(port)"])
        #expect(result.status == 0, "\(result.errors)")
        // It prints while it receives, a line for each span, and does not end when asked to.
        try eventually("all spans are printed") { try tap.outputSoFar.split(separator: "\n").count { $0.contains("spanId") } >= 68 }
    }

    /// Phoenix stores and shows the traces, and `--verify` reads them back from it.
    @Test(.timeLimit(.minutes(4)))
    func phoenixShowsWhatWasSentAndVerifyProvesIt() throws {
        let (http, grpc) = (try Loopback.freePort(), try Loopback.freePort())
        let phoenix = try Command(
            Project.root.appendingPathComponent(".build-venv/bin/phoenix"), ["serve"],
            environment: [
                "PHOENIX_HOST": "127.0.0.1", "PHOENIX_PORT": "\(http)", "PHOENIX_GRPC_PORT": "\(grpc)",
                "PHOENIX_WORKING_DIR": try Scratch.folder().path, "PHOENIX_TELEMETRY_ENABLED": "false",
            ])
        defer { phoenix.kill() }
        try eventually("Phoenix listens", within: 120) { Loopback.answers(http) }
        let url = "http://127.0.0.1:\(http)"
        let arguments = [
            Project.fixture("sample.jsonl"), "--endpoint", url, "--capture", "full", "--verify", "phoenix=\(url)",
            "--verify-timeout", "60s", "--resource", "openinference.project.name=our project",
        ]
        let result = try Outrigger.backfill(arguments)
        #expect(result.status == 0, "\(result.errors)")
        #expect(try result.summary.number("verify.visible") == 68)
        #expect(try result.summary.number("verify.missing") == 0)

        // Looking for them where they are not must not pass.
        let elsewhere = try Outrigger.backfill(
            [Project.fixture("sample.jsonl"), "--endpoint", url, "--verify", "phoenix=\(url)", "--verify-timeout", "1s"])
        #expect(elsewhere.status == 1)
        #expect(try elsewhere.summary.number("verify.missing") == 68)
    }
}
