import Foundation
import Testing

/// What may befall a sidecar under load: kills at any moment, and a configuration that vanishes.
@Suite(.timeLimit(.minutes(10)), .serialized) struct SidecarKillTests {
    @Test("a sidecar killed thirty times under load loses no answer's spans")
    func kills() throws {
        let first = try RunningSidecar(collector: Loopback.freePort(), mode: "canary", percent: "50%")
        var sidecar = first
        let dead = try Loopback.freePort()
        var answered: Set<String> = []
        var recovered = 0
        var random = SystemRandomNumberGenerator()
        for round in 0..<30 {
            if round > 0 { sidecar = try RunningSidecar(like: sidecar, collector: dead) }
            let found = try sidecar.metric("outrigger_recorder_exchanges_recovered_total")
            recovered += found
            let load = try Project.support(
                "live_load", ["--port", "\(sidecar.port)", "--clients", "4", "--prefix", "k\(round)-", "--list", "--count", "20000"])
            try eventually("the load is on") { try sidecar.metric("outrigger_recorder_exchanges_total") > found + 20 }
            usleep(UInt32.random(in: 0..<300_000, using: &random))
            sidecar.command.kill()
            _ = try sidecar.command.wait()
            let ids = try #require(try load.wait().summary["ids"] as? [String])
            #expect(!ids.isEmpty)
            answered.formUnion(ids)
        }
        let collector = try StubCollector()
        sidecar = try RunningSidecar(like: sidecar, collector: collector.port)
        try eventually("everything was delivered", within: 120) { try sidecar.metric("outrigger_export_waiting") == 0 }
        #expect(try sidecar.end().status == 0)
        let check = try Project.support("check_answered", [collector.requestsFile]).wait()
        try #require(check.status == 0, "\(check.errors)")
        let arrived = Set(try #require(try check.summary["ids"] as? [String]))
        let missing = answered.subtracting(arrived)
        print("killed 30 times: \(answered.count) answered, \(missing.count) without spans; \(recovered) were found in the journal")
        #expect(missing.isEmpty)
        // Else the kills were too kind to show anything.
        #expect(recovered > 0)
    }

    @Test("a configuration may be swapped by a link, vanish, or be half written: requests go on, and good ones take effect")
    func configurationFile() throws {
        let sidecar = try RunningSidecar(collector: Loopback.freePort(), mode: "canary", percent: "100%")
        let files = FileManager.default
        let text = try String(contentsOfFile: sidecar.config, encoding: .utf8)
        let load = try Project.support("live_load", ["--port", "\(sidecar.port)", "--clients", "2"])
        // As a ConfigMap is mounted: the file is a link into a folder that is itself a link, which is replaced.
        let folder = URL(fileURLWithPath: sidecar.config).deletingLastPathComponent()
        func publish(_ version: String, _ text: String) throws {
            let place = folder.appendingPathComponent(version)
            try files.createDirectory(at: place, withIntermediateDirectories: true)
            try text.write(to: place.appendingPathComponent("sidecar.yaml"), atomically: false, encoding: .utf8)
            let link = folder.appendingPathComponent("..new")
            try files.createSymbolicLink(atPath: link.path, withDestinationPath: version)
            #expect(rename(link.path, folder.appendingPathComponent("..data").path) == 0)
        }
        try publish("..1", text + "\nresponse_headers: false\n")
        try files.removeItem(atPath: sidecar.config)
        usleep(1_500_000)
        #expect(try sidecar.arm(of: "x") == "candidate")
        try files.createSymbolicLink(atPath: sidecar.config, withDestinationPath: "..data/sidecar.yaml")
        try eventually("the linked one is in force") { try sidecar.arm(of: "x") == nil }
        try publish("..2", text)
        try eventually("the swapped one is in force") { try sidecar.arm(of: "x") == "candidate" }
        try publish("..3", String(text.prefix(text.count / 2)))
        try eventually("half a file is refused") { try sidecar.command.errorsSoFar.contains("the old one stays") }
        #expect(try sidecar.arm(of: "x") == "candidate")
        try publish("..4", text + "\n# " + String(repeating: "x", count: 32 << 20) + "\n")
        usleep(1_500_000)
        #expect(try sidecar.arm(of: "x") == "candidate")
        try publish("..5", text + "\nresponse_headers: false\n")
        try eventually("a good one takes effect again") { try sidecar.arm(of: "x") == nil }
        load.terminate()
        let report = try LoadReport(load.wait())
        #expect(report.failures.isEmpty && report.answered > 0, "\(report.failures.prefix(3))")
        #expect(try sidecar.end().status == 0)
    }
}
