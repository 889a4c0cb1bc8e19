import Foundation
import Testing

/// `serve --check`: whatever a start would refuse on this machine is refused, and nothing is made or left.
@Suite(.timeLimit(.minutes(10))) struct CheckTests {
    /// A configuration that cannot be started, and why not. FOLDER stands for a folder in which there is a file `junk`.
    struct Refusal: Sendable, CustomTestStringConvertible {
        /// Values of keys at the top, in place of sound ones.
        var keys: [String: String]
        var words: String
        var environment: [String: String] = [:]

        var testDescription: String { words }
    }

    private static let sound: [String: String] = [
        "listen": "127.0.0.1:0", "admin": "{listen: \"127.0.0.1:0\"}", "agents": "{baseline: {url: \"http://127.0.0.1:1\"}}",
        "telemetry": "{enabled: false}",
    ]

    private static func configuration(_ keys: [String: String], _ folder: String) throws -> String {
        let lines = sound.merging(keys) { $1 }.map { "\($0.key): \($0.value)".replacingOccurrences(of: "FOLDER", with: folder) }
        return try Scratch.file(lines.sorted(), name: "sidecar.yaml")
    }

    static let refusals: [Refusal] = [
        Refusal(keys: ["audit": "{file: FOLDER/ledger.db}"], words: "the key FOLDER/ledger.db.digest-key is missing; outrigger audit keys"),
        Refusal(keys: ["audit": "{file: FOLDER/ledger.db, digest_key: FOLDER/junk}"], words: "the key FOLDER/junk must hold 64 hex digits"),
        Refusal(keys: ["runs": "{file: FOLDER/junk}"], words: "FOLDER/junk is no run store"),
        Refusal(keys: ["runs": "{file: FOLDER/none/runs.db}"], words: "runs.file: the folder FOLDER/none does not exist; make it"),
        Refusal(keys: ["rollout": "{state_file: FOLDER/junk}"], words: "FOLDER/junk is no state of a rollout"),
        Refusal(
            keys: ["rollout": "{state_file: FOLDER/none/rollout.json}"],
            words: "rollout.state_file: the folder FOLDER/none does not exist; make it"),
        Refusal(keys: ["rollout": "{steps: [{percent: 50%, for: 1h}, {percent: 5%}]}"], words: "the steps must not go down: 5% comes after 50%"),
        Refusal(
            keys: ["telemetry": "{spool: {directory: FOLDER/none/spool}}"], words: "telemetry.spool: the folder FOLDER/none does not exist; make it"),
        Refusal(keys: ["telemetry": "{}"], words: "OTEL_CONFIG_FILE", environment: ["OTEL_CONFIG_FILE": "otel.yaml"]),
        Refusal(
            keys: ["admin": "{listen: \"127.0.0.1:0\", token_variable: OUTRIGGER_UNSET}"],
            words: "admin.token_variable names OUTRIGGER_UNSET, which is not set"),
        Refusal(keys: ["admin": "{listen: \"127.0.0.1:0\", token_file: FOLDER/none}"], words: "cannot read the token file FOLDER/none"),
        Refusal(
            keys: ["tools": "{listen: \"127.0.0.1:0\", upstreams: {a: {url: \"http://127.0.0.1:1\", headers: [{name: x, env: OUTRIGGER_UNSET}]}}}"],
            words: "tools.upstreams names the variable OUTRIGGER_UNSET, which is not set"),
        Refusal(
            keys: ["agents": "{baseline: {url: \"https://127.0.0.1:1\", ca_file: FOLDER/junk}}"],
            words: "FOLDER/junk holds no certificates that can be read"),
        // An address for documentation, which no machine has.
        Refusal(keys: ["listen": "192.0.2.1:8080"], words: "listen: this machine cannot listen on 192.0.2.1:8080: "),
        Refusal(
            keys: ["listen": "127.0.0.1:8081", "admin": "{listen: \"127.0.0.1:8081\"}"], words: "listen and admin.listen are the same address"),
    ]

    @Test("what a start refuses, a check refuses, with the remedy and without a trace", arguments: refusals)
    func refusal(_ refusal: Refusal) throws {
        let folder = try Scratch.folder().path
        try String(repeating: "junk ", count: 1000).write(toFile: folder + "/junk", atomically: true, encoding: .utf8)
        let config = try Self.configuration(refusal.keys, folder)
        let check = try Outrigger.run(["serve", "--check", "--config", config], environment: refusal.environment)
        #expect(check.status == 2 && check.output.isEmpty, "\(check.output)")
        #expect(check.errors.contains(refusal.words.replacingOccurrences(of: "FOLDER", with: folder)), "\(check.errors)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["junk"])
        let start = try Outrigger.start(["serve", "--config", config], environment: refusal.environment)
        try eventually("it is refused") { !start.process.isRunning }
        #expect(try start.wait().status == 2)
    }

    @Test("the example configurations are sound, and nothing is to be said against them")
    func examples() throws {
        let folder = Project.root.appendingPathComponent("Fixtures/config").path
        let names = try FileManager.default.contentsOfDirectory(atPath: folder)
        #expect(Set(names).isSuperset(of: ["sidecar.yaml", "tools.yaml"]))
        for name in names {
            let check = try Outrigger.run(["serve", "--check", "--config", "\(folder)/\(name)"])
            #expect(check.status == 0 && check.errors.isEmpty, "\(name): \(check.errors)")
            #expect(check.output.hasPrefix("\(folder)/\(name): ok\n"), "\(check.output)")
        }
    }

    @Test("a check says all that is missing at once")
    func several() throws {
        let folder = try Scratch.folder().path
        let config = try Self.configuration(
            ["audit": "{file: FOLDER/ledger.db}", "rollout": "{state_file: FOLDER/none/rollout.json}", "runs": "{file: FOLDER/none/runs.db}"], folder)
        let check = try Outrigger.run(["serve", "--check", "--config", config])
        #expect(check.status == 2)
        let lines = check.errors.split(separator: "\n").map(String.init)
        #expect(lines.count == 3 && lines[0].hasPrefix("error: the key \(folder)/ledger.db.digest-key is missing"), "\(check.errors)")
    }

    @Test("a check of a sound configuration makes nothing")
    func nothingMade() throws {
        let folder = try Scratch.folder().path
        #expect(try Outrigger.run(["audit", "keys", folder + "/ledger.db"]).status == 0)
        let before = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        let config = try Self.configuration(
            [
                "audit": "{file: FOLDER/ledger.db}", "rollout": "{state_file: FOLDER/rollout.json}", "runs": "{file: FOLDER/runs.db}",
                "telemetry": "{spool: {directory: FOLDER/spool}}",
            ], folder)
        let check = try Outrigger.run(["serve", "--check", "--config", config])
        #expect(check.status == 0 && check.errors.isEmpty, "\(check.errors)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == before)
    }

    @Test("a check says what the start says: addresses, the rollout as the state file has it, where spans go")
    func sameWords() throws {
        let dead = try Loopback.freePort()
        let first = try RunningSidecar(collector: dead, mode: "canary", percent: "10%")
        _ = try first.put(["percent": 37.5, "why": "more", "by": "a test"], revision: 1)
        _ = try first.end()
        let check = try Outrigger.run(["serve", "--check", "--config", first.config]).output.split(separator: "\n").map(String.init)
        for line in [
            "  listen     http://127.0.0.1:\(first.port)", "  admin      http://127.0.0.1:\(first.admin)",
            "  rollout    test: canary at 37.5%, revision 2",
        ] { #expect(check.contains(line), "\(line) in \(check)") }
        let banner = try RunningSidecar(like: first, collector: dead).end().errors
        // Where clients send their requests stands in the banner's first line.
        for line in check.dropFirst(2) { #expect(banner.contains(line + "\n"), "\(line) in \(banner)") }
    }

    @Test("the steps of the configuration are what a first start begins with")
    func steps() throws {
        let keys = [
            "agents": "{baseline: {url: \"http://127.0.0.1:1\"}, candidate: {url: \"http://127.0.0.1:2\"}}",
            "rollout": "{id: r, steps: [{percent: 5%, for: 1h}, {percent: 100%}]}",
        ]
        let check = try Outrigger.run(["serve", "--check", "--config", try Self.configuration(keys, "")])
        #expect(check.output.contains("  rollout    r: canary at 5%, step 1/2, revision 2 (in memory only"), "\(check.output)")
    }

    @Test("the addresses and files of the sidecar that runs are no reason to refuse what it is to read next")
    func running() throws {
        let sidecar = try RunningSidecar(collector: Loopback.freePort(), mode: "canary", percent: "10%")
        let check = try Outrigger.run(["serve", "--check", "--config", sidecar.config])
        #expect(check.status == 0, "\(check.errors)")
        #expect(try sidecar.end().status == 0)
    }
}
