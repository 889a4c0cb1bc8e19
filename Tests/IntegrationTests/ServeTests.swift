import Foundation
import FoundationNetworking
import Testing

/// `outrigger serve` as a user starts it: real agents, a real collector, and the signals that end or disturb it.
@Suite(.timeLimit(.minutes(10))) struct ServeTests {
    @Test("requests are proxied, and each becomes spans in the collector")
    func spans() throws {
        let collector = try StubCollector()
        let sidecar = try RunningSidecar(collector: collector.port, mode: "shadow")
        let load = try RunningSidecar.load(sidecar, ["--count", "40", "--clients", "4"])
        #expect(load.failures.isEmpty)
        #expect(load.by == ["baseline": 40])
        try eventually("all copies are recorded") { try sidecar.metric("outrigger_shadow_copies_done_total") == 40 }
        let result = try sidecar.end()
        #expect(result.status == 0, "\(result.errors)")
        // Served: SERVER, agent.run, agent.step, tool.call, tool.result, CLIENT; a shadow has no SERVER.
        #expect(try collector.stats.unique_spans == 40 * 6 + 40 * 5)
        #expect(try collector.stats.duplicate_spans == 0)
        #expect(result.errors.contains("0 dropped"))
    }

    @Test("a killed sidecar's spans arrive when it is started again, after the collector was away all the time")
    func killed() throws {
        let sidecar = try RunningSidecar(collector: Loopback.freePort(), mode: "canary", percent: "50%")
        let load = try RunningSidecar.load(sidecar, ["--count", "500"])
        #expect(load.failures.isEmpty && load.answered == 500)
        try eventually("all is on disk") {
            try sidecar.metric("outrigger_recorder_queue") == 0 && sidecar.metric("outrigger_export_submitted_total") == 500 * 7
        }
        sidecar.command.kill()
        _ = try sidecar.command.wait()
        let collector = try StubCollector()
        let again = try RunningSidecar(like: sidecar, collector: collector.port)
        try eventually("everything was delivered") { try again.metric("outrigger_export_waiting") == 0 }
        #expect(try collector.stats.unique_spans == 500 * 6)
        let recovered = try again.metric("outrigger_export_recovered_total")
        #expect(recovered == 500 * 7)
        #expect(try again.end().status == 0)
    }

    @Test("a graceful end under load fails no request")
    func gracefulEnd() throws {
        let collector = try StubCollector()
        let sidecar = try RunningSidecar(collector: collector.port, mode: "canary", percent: "50%", shutdown: "{delay: 300ms, drain: 20s}")
        let load = try Project.support("live_load", ["--port", "\(sidecar.port)", "--admin", "\(sidecar.admin)", "--clients", "16"])
        try eventually("the load is on") { try sidecar.metric("outrigger_recorder_exchanges_total") > 300 }
        sidecar.command.terminate()
        let result = try sidecar.command.wait()
        #expect(result.status == 0, "\(result.errors)")
        let report = try LoadReport(load.wait())
        #expect(report.failures.isEmpty, "\(report.failures.prefix(5))")
        // One span of each request is the sidecar's SERVER span; what was answered has arrived.
        #expect(try collector.stats.unique_spans == report.answered * 6)
    }

    @Test("the rollout, and everyone's arm, survive a restart")
    func restart() throws {
        let collector = try StubCollector()
        let sidecar = try RunningSidecar(collector: collector.port, mode: "canary", percent: "10%")
        let state = try sidecar.put(["percent": 37.5, "why": "more", "by": "a test"], revision: 1)
        #expect(try state.number("revision") == 2)
        let before = try (0..<60).map { try sidecar.arm(of: "user-\($0)") }
        #expect(Set(before) == ["baseline", "candidate"])
        #expect(try sidecar.end().status == 0)
        let again = try RunningSidecar(like: sidecar, collector: collector.port)
        #expect(try again.rollout().value("percent") as? Double == 37.5)
        #expect(try (0..<60).map { try again.arm(of: "user-\($0)") } == before)
        _ = try again.end()
    }

    @Test("a bad configuration is refused with its lines, and one that turns bad leaves the old one in force")
    func configuration() throws {
        let bad = try Scratch.file(["listen: 127.0.0.1:0", "agents:", "  baseline: {url: ftp://x}", "rolout: {}"], name: "bad.yaml")
        let refused = try Outrigger.run(["serve", "--config", bad])
        #expect(refused.status == 2)
        #expect(refused.errors.contains("bad.yaml:3:") && refused.errors.contains("must start with http:// or https://"))
        #expect(refused.errors.contains("bad.yaml:4:1") && refused.errors.contains("did you mean rollout?"))

        let sidecar = try RunningSidecar(collector: Loopback.freePort(), mode: "canary", percent: "100%")
        #expect(try sidecar.arm(of: "x") == "candidate")
        let text = try String(contentsOfFile: sidecar.config, encoding: .utf8)
        try (text + "\nnonsense: true\n").write(toFile: sidecar.config, atomically: true, encoding: .utf8)
        try eventually("the change is noticed") { try sidecar.command.errorsSoFar.contains("unknown key \"nonsense\"") }
        #expect(try sidecar.arm(of: "x") == "candidate")
        try (text + "\nresponse_headers: false\n").write(toFile: sidecar.config, atomically: true, encoding: .utf8)
        try eventually("the new one is in force") { try sidecar.arm(of: "x") == nil }
        _ = try sidecar.end()
    }

    @Test("the rollout command looks, changes, and says why it cannot")
    func rolloutCommand() throws {
        let sidecar = try RunningSidecar(collector: Loopback.freePort(), mode: "shadow")
        func rollout(_ arguments: String...) throws -> Command.Result {
            try Outrigger.run(["rollout"] + arguments + ["--admin", "http://127.0.0.1:\(sidecar.admin)"])
        }
        #expect(try rollout("status").output == "test: shadow of 100%, revision 1\n")
        #expect(try rollout("set", "--mode", "canary", "--percent", "12.5", "--why", "try it", "--by", "ann").output == "test: canary at 12.5%, revision 2\n")
        let stays = ", and stays there until promote, rollback or set\n"
        #expect(
            try rollout("start", "5:10m", "50:1h", "100:1m", "--why", "go", "--by", "ann").output
                == "test: canary at 5%, step 1/3, revision 3\n  ▸ 5% for 10 min 0 s\n    50% for 1 h 0 min\n    100%\(stays)")
        let conflict = try rollout("rollback", "--why", "late", "--revision", "2")
        #expect(conflict.status == 1 && conflict.errors.contains("at revision 3 by now"))
        let senseless = try rollout("resume", "--why", "x")
        #expect(senseless.status == 1 && senseless.errors.contains("not paused"))
        let rolledBack = try rollout("rollback", "--why", "refunds look wrong", "--by", "bob", "--json")
        #expect(rolledBack.status == 0)
        #expect(try rolledBack.summary.value("mode") as? String == "baseline")
        let history = try rollout("history").output
        #expect(history.split(separator: "\n").count == 4 && history.contains("bob: refunds look wrong"))
        #expect(try rollout("set", "--percent", "5").status == 2, "why is missing")
        let mixed = try rollout("set", "--mode", "shadow", "--percent", "5", "--why", "copy some")
        #expect(mixed.status == 2 && mixed.errors.contains("--shadow-percent says how many"), "\(mixed.errors)")
        // After a rollback it is all or nothing: someone must have a reason, and is told what it was.
        #expect(try rollout("promote").status == 2, "why is missing")
        let stale = try rollout("promote", "--why", "late", "--revision", "3")
        #expect(stale.status == 1 && stale.errors.contains("at revision 4 by now"), "\(stale.errors)")
        let promoted = try rollout("promote", "--why", "it was the collector", "--by", "ann")
        #expect(promoted.output == "test: baseline, revision 4 → canary at 100%, revision 5\n", "\(promoted.errors)")
        #expect(try rollout("promote", "--why", "once more", "--json").summary.value("revision") as? Int == 6)
        let held = try rollout("start", "5", "50:1h", "--why", "hold", "--by", "ann").output
        #expect(held == "test: canary at 5%, step 1/2, revision 7\n  ▸ 5%\(stays)    50%\(stays)")
        _ = try sidecar.end()
    }

    @Test(
        "the rollout command refuses addresses that cannot be",
        arguments: ["http://127.0.0.1:99999", "http://127.0.0.1:99999999999999999999", "http://h:0", "http://h:-1", "http://:80", "http://", "ftp://h", ""])
    func noAddress(url: String) throws {
        let result = try Outrigger.run(["rollout", "status", "--admin", url])
        #expect(result.status == 2 && result.errors.contains("is no address of an admin API"), "\(result.errors)")
    }

    @Test("the rollout command says at once that nobody listens", arguments: ["127.0.0.1", "localhost", "[::1]"])
    func nobodyListens(host: String) throws {
        let url = "http://\(host):\(try Loopback.freePort())"
        let begin = ContinuousClock.now
        let nobody = try Outrigger.run(["rollout", "status", "--admin", url])
        #expect(nobody.status == 2)
        #expect(nobody.errors == "error: nobody listens at \(url); is the sidecar running? (--admin URL)\n")
        // Half of what the command allows for an answer: trying again until then was the fault.
        #expect(ContinuousClock.now - begin < .seconds(15))
    }

    @Test("the rollout command knows what else answers for what it is, and takes no agent's answer for the rollout", arguments: [
        ["status"], ["status", "--json"], ["history"], ["rollback", "--why", "x"], ["promote", "--why", "x"],
        ["set", "--percent", "5", "--why", "x"],
    ])
    func otherPorts(arguments: [String]) throws {
        let tools = try Loopback.freePort()
        let sidecar = try RunningSidecar(
            collector: Loopback.freePort(), mode: "shadow",
            more: ["tools: {listen: \"127.0.0.1:\(tools)\", upstreams: {a: {url: \"http://127.0.0.1:1\"}}}"])
        for (port, words) in [
            (sidecar.port, "is where clients send their requests, and not the admin API"),
            (sidecar.agents[0].port, "but not as a sidecar's admin API does"), (tools, "but not as a sidecar's admin API does"),
        ] {
            let result = try Outrigger.run(["rollout"] + arguments + ["--admin", "http://127.0.0.1:\(port)"])
            #expect(result.status == 2 && result.output.isEmpty, "\(result.output)")
            #expect(result.errors.contains("http://127.0.0.1:\(port) ") && result.errors.contains(words), "\(result.errors)")
            #expect(result.errors.contains("--admin URL (admin.listen"), "\(result.errors)")
        }
        #expect(try sidecar.rollout().value("revision") as? Int == 1)
        _ = try sidecar.end()
    }

    @Test("two sidecars cannot share a state")
    func lock() throws {
        let sidecar = try RunningSidecar(collector: Loopback.freePort(), mode: "baseline")
        let config = try String(contentsOfFile: sidecar.config, encoding: .utf8)
            .replacingOccurrences(of: "127.0.0.1:\(sidecar.port)", with: "127.0.0.1:0")
            .replacingOccurrences(of: "127.0.0.1:\(sidecar.admin)", with: "127.0.0.1:0")
        let result = try Outrigger.run(["serve", "--config", try Scratch.file([config], name: "second.yaml")])
        #expect(result.status == 2)
        #expect(result.errors.contains("in use by another"))
        _ = try sidecar.end()
    }

    @Test("an arm that is left alone is told of, and so is its return")
    func leftAlone() throws {
        // Nobody listens there yet.
        let port = try Loopback.freePort()
        let baseline = try LiveAgent("baseline")
        let listen = (client: try Loopback.freePort(), admin: try Loopback.freePort())
        let config = try Scratch.file([
            "listen: 127.0.0.1:\(listen.client)", "admin: {listen: \"127.0.0.1:\(listen.admin)\"}", "agents:",
            "  baseline: {url: \"http://127.0.0.1:\(baseline.port)\"}",
            "  candidate: {url: \"http://127.0.0.1:\(port)\", circuit_breaker: {failures: 2, open_for: 1s}}",
            "rollout: {id: test, mode: canary, percent: 100%}", "telemetry: {enabled: false}",
        ], name: "alone.yaml")
        let command = try Outrigger.start(["serve", "--config", config])
        try eventually("it listens") { try command.errorsSoFar.contains("listens on") }
        try eventually("the candidate is given up") {
            _ = try Loopback.get(listen.client, "/run")
            return try command.errorsSoFar.contains(
                "the candidate failed too often (circuit_breaker) and is left alone: requests that it should have are answered by the baseline")
        }
        let candidate = try LiveAgent("candidate", ["--port", "\(port)"])
        try eventually("the candidate is asked again") {
            _ = try Loopback.get(listen.client, "/run")
            return try command.errorsSoFar.contains("the candidate is asked again")
        }
        #expect(candidate.port == port)
        command.terminate()
        #expect(try command.wait().status == 0)
    }

    @Test("what needs a restart is told as long as the file and what runs differ, and no longer")
    func needsRestart() throws {
        let sidecar = try RunningSidecar(collector: Loopback.freePort(), mode: "baseline")
        let text = try String(contentsOfFile: sidecar.config, encoding: .utf8)
        let other = text.replacingOccurrences(of: "listen: 127.0.0.1:\(sidecar.port)", with: "listen: 127.0.0.1:\(try Loopback.freePort())")
        func reload(_ text: String, times: Int) throws -> Int {
            try text.write(toFile: sidecar.config, atomically: true, encoding: .utf8)
            try eventually("it is read again") { try sidecar.command.errorsSoFar.components(separatedBy: "was read again").count == times + 1 }
            return try sidecar.command.errorsSoFar.components(separatedBy: "needs a restart to take effect: listen").count - 1
        }
        #expect(try reload(other, times: 1) == 1)
        #expect(try reload(other + "\n# still\n", times: 2) == 2)
        #expect(try reload(text + "\n# back\n", times: 3) == 2)
        _ = try sidecar.end()
    }

    @Test("a port that is taken is named")
    func portTaken() throws {
        let agent = try LiveAgent("agent")
        let config = try Scratch.file(
            ["listen: 127.0.0.1:\(agent.port)", "admin: {listen: \"127.0.0.1:0\"}", "agents: {baseline: {url: \"http://127.0.0.1:1\"}}",
             "telemetry: {enabled: false}"], name: "taken.yaml")
        let result = try Outrigger.run(["serve", "--config", config])
        #expect(result.status == 2)
        #expect(result.errors.contains("cannot listen on 127.0.0.1:\(agent.port)"))
    }

    @Test("the configuration of the fixtures is sound")
    func fixture() throws {
        let result = try Outrigger.run(["serve", "--check", "--config", Project.root.appendingPathComponent("Fixtures/config/sidecar.yaml").path])
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.output.contains("candidate  http://127.0.0.1:9002  (v13)"))
    }

    @Test("a start without a state file says what that means, and one with a release file what stands in it")
    func banner() throws {
        let sidecar = try RunningSidecar(collector: Loopback.freePort(), mode: "baseline")
        #expect(try !sidecar.command.errorsSoFar.contains("in memory only: no rollout.state_file"))
        let text = try String(contentsOfFile: sidecar.config, encoding: .utf8)
        _ = try sidecar.end()
        let release = Project.root.appendingPathComponent("Fixtures/releases/airline-v13/release.yaml").path
        let digest = try Outrigger.run(["release", "digest", release]).output.prefix(19)
        try text.replacingOccurrences(of: "state_file:", with: "shadow_percent: 50%} #")
            .replacingOccurrences(of: "version: v2", with: "release: \"\(release)\"")
            .write(toFile: sidecar.config, atomically: true, encoding: .utf8)
        let again = try RunningSidecar(like: sidecar, collector: Loopback.freePort())
        let banner = try again.end().errors
        #expect(banner.contains("in memory only: no rollout.state_file"))
        // An arm that names a release file is told by what stands in the file.
        #expect(banner.contains("  (v1)\n") && banner.contains("  (v13, \(digest)…)\n"), "\(banner)")
    }

    @Test("what only looks like this machine is no reason to do without a token", arguments: [
        ("127.evil.example", false), ("127.0.0.1.evil.example", false), ("0.0.0.0", false), ("127.0.0.2", true), ("LocalHost", true), ("[::1]", true),
    ])
    func adminAddress(host: String, isSound: Bool) throws {
        let config = try Scratch.file(
            ["admin: {listen: \"\(host):8081\"}", "agents: {baseline: {url: \"http://127.0.0.1:1\"}}", "telemetry: {enabled: false}"],
            name: "admin.yaml")
        let result = try Outrigger.run(["serve", "--check", "--config", config])
        #expect(result.status == (isSound ? 0 : 2), "\(result.errors)")
        #expect(isSound || result.errors.contains("the admin API would be open to the network"))
    }

    @Test("a collector's URL that cannot be is named with its line", arguments: [
        ("http://127.0.0.1:99999", "the port must be a number from 1 to 65535"), ("http://127.0.0.1:0/otlp", "the port must be"),
        ("ftp://collector", "must start with http:// or https://"), ("http://me:secret@collector", "credentials do not belong into the URL"),
        ("https://collector:4318/otlp/", nil), ("http://[::1]:4318", nil),
    ] as [(String, String?)])
    func endpoint(url: String, problem: String?) throws {
        let config = try Scratch.file(["agents: {baseline: {url: \"http://127.0.0.1:1\"}}", "telemetry: {endpoint: \"\(url)\"}"], name: "endpoint.yaml")
        let result = try Outrigger.run(["serve", "--check", "--config", config])
        #expect(result.status == (problem == nil ? 0 : 2), "\(result.errors)")
        if let problem { #expect(result.errors.contains("endpoint.yaml:2:") && result.errors.contains(problem), "\(result.errors)") }
    }

    @Test("what only starting up needed is given back, and what is needed again comes back")
    func startupPages() throws {
        let collector = try StubCollector()
        let sidecar = try RunningSidecar(collector: collector.port, mode: "baseline")
        /// Kilobytes.
        func memory(_ name: String) throws -> Int {
            let status = try String(contentsOfFile: "/proc/\(sidecar.command.process.processIdentifier)/status", encoding: .utf8)
            let line = try #require(status.split(separator: "\n").first { $0.hasPrefix(name + ":") })
            return try #require(line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) })
        }
        try eventually("less is resident than was at most") { try memory("VmRSS") < memory("VmHWM") * 3 / 4 }
        let load = try RunningSidecar.load(sidecar, ["--count", "40", "--clients", "4"])
        #expect(load.failures.isEmpty && load.answered == 40)
        #expect(try sidecar.end().status == 0)
    }
}
