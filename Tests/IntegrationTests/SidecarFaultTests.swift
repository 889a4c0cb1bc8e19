import Foundation
import Testing

/// What a sidecar must bear as a whole: crowds, collectors and disks that fail, and agents behind TLS.
@Suite(.timeLimit(.minutes(10))) struct SidecarFaultTests {
    @Test("ten thousand connections that say nothing and a thousand open streams keep nobody waiting, and cost bounded memory")
    func crowd() throws {
        let collector = try StubCollector()
        let sidecar = try RunningSidecar(collector: collector.port, mode: "baseline")
        let result = try Project.support("live_crowd", [
            "--port", "\(sidecar.port)", "--admin", "\(sidecar.admin)", "--agent", "\(sidecar.agents[0].port)", "--streams", "1000",
        ]).wait()
        #expect(result.status == 0, "\(result.errors)")
        let streams = try Replay.parse(Data(result.output.utf8))
        #expect(try streams.number("streams") == 1000 && streams.number("ended") == 1000)
        #expect(try streams.number("beside") == 200)
        // Each stream holds two connections; the aim for a release build is 150 MB in all.
        #expect(try streams.number("with.process_resident_memory_bytes") < 200_000_000)

        let idle = try Project.support("live_crowd", [
            "--port", "\(sidecar.port)", "--admin", "\(sidecar.admin)", "--agent", "\(sidecar.agents[0].port)", "--idle", "10000",
        ]).wait()
        #expect(idle.status == 0, "\(idle.errors)")
        let crowd = try Replay.parse(Data(idle.output.utf8))
        #expect(try crowd.number("with.outrigger_connections") >= 10_000)
        #expect(try crowd.number("beside") == 200)
        #expect(try crowd.number("with.process_resident_memory_bytes") < 300_000_000)
        try eventually("all are gone") { try sidecar.metric("outrigger_connections") <= 1 }
        // Connections to the agent stay for a few seconds longer.
        try eventually("their descriptors are too") { try sidecar.metric("process_open_fds") < 200 }
        #expect(try sidecar.end().status == 0)
        // Streams are runs too.
        #expect(try collector.stats.unique_spans >= 1000 * 3)
    }

    @Test("a collector that is slow, refuses, breaks off and talks nonsense harms no request, and has every span in the end")
    func poorCollector() throws {
        let steps = [
            #"{"delay_ms": 1500, "ok": true}"#, #"{"status": 503, "repeat": 2}"#, #"{"close": "before"}"#,
            #"{"status": 429, "headers": {"Retry-After": "1"}}"#, #"{"close": "mid-body"}"#, #"{"delay_ms": 800, "status": 502}"#,
        ]
        let collector = try StubCollector(script: "[\(steps.joined(separator: ", "))]")
        let sidecar = try RunningSidecar(collector: collector.port, mode: "shadow")
        let load = try RunningSidecar.load(sidecar, ["--count", "300"])
        #expect(load.failures.isEmpty && load.answered == 300)
        try eventually("all copies are recorded") {
            try sidecar.metric("outrigger_shadow_copies_done_total") + sidecar.dropped("outrigger_shadow_copies_dropped_total") == 300
        }
        let copies = try sidecar.metric("outrigger_shadow_copies_done_total")
        try eventually("everything was delivered") {
            try sidecar.metric("outrigger_recorder_queue") == 0 && sidecar.metric("outrigger_export_waiting") == 0
        }
        #expect(try sidecar.metric("outrigger_export_retries_total") > 0)
        #expect(try sidecar.metric("outrigger_export_submitted_total") == sidecar.metric("outrigger_export_delivered_total"))
        #expect(try collector.stats.unique_spans == 300 * 6 + copies * 5)
        #expect(try sidecar.end().status == 0)
    }

    @Test("a disk that takes no more harms no request: spans wait in memory, and are told of")
    func fullDisk() throws {
        let port = try Loopback.freePort()
        let sidecar = try RunningSidecar(collector: port, mode: "baseline", fileLimit: 256)
        let load = try RunningSidecar.load(sidecar, ["--count", "1000"])
        #expect(load.failures.isEmpty && load.answered == 1000)
        try eventually("the spool is full, and all is accounted for") {
            try sidecar.metric("outrigger_spool_failing") == 1 && sidecar.metric("outrigger_export_submitted_total") == 1000 * 7
        }
        #expect(try sidecar.metric("outrigger_export_waiting") == 1000 * 7)
        #expect(try sidecar.command.errorsSoFar.contains("spans wait in memory"))
        // Nor was there room for the journal, which is told of, too.
        #expect(try sidecar.command.errorsSoFar.contains("a kill can cost the spans of the last answers"))
        #expect(try sidecar.dropped("outrigger_recorder_exchanges_unprotected_total") == 1000)
        let again = try RunningSidecar.load(sidecar, ["--count", "50"])
        #expect(again.failures.isEmpty && again.answered == 50)
        let end = try sidecar.end()
        #expect(end.status == 0)
        #expect(end.errors.contains("kept for the next start"))
    }

    @Test("agents behind TLS are trusted by the authorities that are named, and by no others")
    func tls() throws {
        let certificates = try Certificates()
        let pair = (certificates.path("server.pem"), certificates.path("server.key"))
        let collector = try StubCollector()
        let trusting = try RunningSidecar(collector: collector.port, mode: "canary", percent: "50%", tls: (pair.0, pair.1, certificates.path("ca.pem")))
        let load = try RunningSidecar.load(trusting, ["--count", "60"])
        #expect(load.failures.isEmpty && load.answered == 60)
        #expect(Set(load.by.keys) == ["baseline", "candidate"])
        #expect(try trusting.end().status == 0)

        let strict = try RunningSidecar(collector: collector.port, mode: "baseline", tls: (pair.0, pair.1, nil))
        let refused = try RunningSidecar.load(strict, ["--count", "3", "--clients", "1"])
        #expect(refused.failures.count == 3 && refused.failures.allSatisfy { $0.contains(" 502 ") }, "\(refused.failures)")
        #expect(refused.failures.allSatisfy { $0.contains("no TLS connection to the agent") }, "\(refused.failures)")
        _ = try strict.end()
        // Why is told to those who own the agent.
        let words = Data("its certificate is not trusted; name its authority with ca_file".utf8)
        let bodies = try collector.requests.compactMap { $0.body_b64.flatMap { Data(base64Encoded: $0) } }
        #expect(bodies.contains { $0.range(of: words) != nil })

        let config = try Scratch.file([
            "agents: {baseline: {url: \"https://127.0.0.1:1\", ca_file: nowhere.pem}}"
        ], name: "sidecar.yaml")
        let missing = try Outrigger.run(["serve", "--config", config])
        #expect(missing.status == 2 && missing.errors.contains("nowhere.pem"), "\(missing.errors)")
    }
}
