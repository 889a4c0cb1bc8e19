import AdminClient
import Delivery
import Demo
import Glibc
import JSONDocuments
import JSONText

/// The agents and the sidecar of the demo.
final class DemoStage: Sendable {
    let candidate: DemoAgent
    let sidecar: Sidecar
    private let baseline: DemoAgent
    private let running: Task<Int, Never>
    private let client: AdminClient

    /// The admin API's address.
    let admin: String

    /// - Throws: what keeps it from starting.
    init(_ talker: Talker) async throws {
        baseline = try await DemoAgent.start(.v12)
        candidate = try await DemoAgent.start(.v13)
        let path = try Self.write(
            """
            listen: 127.0.0.1:0
            admin: { listen: "127.0.0.1:0" }
            agents:
              baseline: { url: "\(baseline.url)", version: v12 }
              candidate: { url: "\(candidate.url)", version: v13 }
            rollout: { id: support-agent, mode: baseline }
            routing: { keys: [{ header: x-user-id }, request_id] }
            telemetry: { service_name: support-agent, agent_name: support }
            shutdown: { drain: 5s, flush: 2s }

            """)
        defer { unlink(path) }
        let file = ConfigurationFile(path)
        sidecar = try await Sidecar(try file.read(), from: file, talker)
        admin = "http://127.0.0.1:\(sidecar.adminPort)"
        client = AdminClient(url: admin, token: nil)
        running = Task { [sidecar] in await sidecar.runUntilStopped() }
    }

    func end() async {
        sidecar.requestStop()
        _ = await running.value
        await baseline.stop()
        await candidate.stop()
    }

    func set(_ members: [(String, JSONValue)], why: String) async throws {
        var revision: Int?
        if case .number(let number)? = try await client.send("GET", "/v1/rollout").document["revision"] { revision = number.intValue }
        _ = try await client.send("PUT", "/v1/rollout", .object(members + [("why", .text(why))]), ifMatch: revision)
    }

    /// - Returns: seconds until it was acknowledged.
    func rollBack(why: String) async throws -> Double {
        let begin = ContinuousClock.now
        _ = try await client.send("POST", "/v1/rollout/rollback", .object([("why", .text(why))]))
        return (ContinuousClock.now - begin) / .seconds(1)
    }

    /// Waits, for a few seconds at most, until the copies of so many requests have been compared or lost.
    func differingShadows(of requests: Int) async -> (compared: Int, different: Int) {
        for _ in 0..<100 where sidecar.comparisons(of: "tool_calls_match").values.reduce(0, +) < requests {
            if sidecar.isStopping { break }
            try? await Task.sleep(for: .milliseconds(50))
        }
        let found = sidecar.comparisons(of: "tool_calls_match")
        return (found.values.reduce(0, +), found["fail"] ?? 0)
    }

    /// What became of the spans.
    func telemetry() -> String {
        guard let counts = sidecar.delivery else { return "Spans and events are off, by the settings of the environment.\n" }
        guard counts.delivered == 0 else {
            return "\(Readable.count(counts.delivered)) spans and events are in the collector: look for the service support-agent.\n"
        }
        return """
            No collector took the \(Readable.count(counts.submitted)) spans and events. To see them, start one and run this again:
                docker run --rm -p 16686:16686 -p 4318:4318 jaegertracing/jaeger

            """
    }

    /// - Returns: the path of a new file that only its owner can read.
    private static func write(_ text: String) throws -> String {
        var name = Array("/tmp/outrigger-demo-XXXXXX".utf8CString)
        let descriptor = mkstemp(&name)
        let path = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        guard descriptor >= 0 else { throw UsageError("cannot write \(path): \(String(cString: strerror(errno)))") }
        defer { close(descriptor) }
        Terminal.write(text, to: descriptor)
        return path
    }
}
