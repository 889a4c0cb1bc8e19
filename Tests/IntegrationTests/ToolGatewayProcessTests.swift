import Foundation
import Testing

/// The tool gateway between real processes: agents, tools, an MCP server, and a sidecar before them all.
@Suite(.timeLimit(.minutes(10))) struct ToolGatewayProcessTests {
    private static func play(_ scenario: String, rounds: Int = 1) throws -> [String: Any] {
        let folder = try Scratch.folder().path
        let result = try Project.support("tool_world", [Outrigger.executable.path, folder, scenario, "\(rounds)"]).wait()
        try #require(result.status == 0, "\(result.errors.suffix(2000))")
        let report = try result.summary
        #expect((report["problems"] as? [String]) == [])
        return report
    }

    private static func counts(_ report: [String: Any], _ name: String) throws -> [String: Int] {
        try #require(report[name] as? [String: Int], "\(name) is missing")
    }

    @Test("a shadow that tries everything causes no request to any tool, and is given what the baseline was answered")
    func shadow() throws {
        let report = try Self.play("shadow", rounds: 48)
        #expect(try Self.counts(report, "user") == ["200": 48])
        #expect(try Self.counts(report, "upstream") == ["lookup": 48, "send": 48], "the baseline's, once each")
        #expect(try Self.counts(report, "evil")["upstream"] == 0)
        #expect(try Self.counts(report, "baseline") == ["200 ok": 96])
        #expect(try Self.counts(report, "same") == ["200 ok": 96])
        #expect(try Self.counts(report, "late") == ["410 run_over": 288])
        let tried = try Self.counts(report, "tried")
        #expect(tried.values.reduce(0, +) == 48 * 15)
        #expect(!tried.keys.contains { $0.hasPrefix("200") }, "\(tried)")
        let mcp = try Self.counts(report, "mcp")
        #expect(mcp.values.reduce(0, +) == 48 * 9)
        #expect(!mcp.keys.contains("tools/call ok"), "\(mcp)")
    }

    @Test("after each of 100 rollbacks under load no candidate acts, and the baseline notices nothing")
    func fence() throws {
        let report = try Self.play("fence", rounds: 100)
        let candidate = try Self.counts(report, "candidate")
        #expect(Set(candidate.keys) == ["200 ok", "403 rolled_back"], "\(candidate)")
        let baseline = try Self.counts(report, "baseline")
        #expect(Set(baseline.keys) == ["200 ok"], "\(baseline)")
        #expect(try Set(Self.counts(report, "user").keys) == ["200 baseline", "200 candidate"])
        let metrics = try #require(report["metrics"] as? [String])
        #expect(!metrics.contains("outrigger_tool_calls_cancelled_total 0"), "some were under way")
        #expect(metrics.contains("outrigger_tool_calls_active 0"))
    }

    @Test("the Python MCP client lists and calls tools through the gateway, and those of an MCP server answer")
    func mcp() throws {
        let report = try Self.play("mcp")
        let answer = try #require(report["answer"] as? [String: Any])
        #expect(answer["tools"] as? [String] == ["add", "boom", "garbage", "lookup", "send"])
        #expect(answer["schema"] as? [String] == ["a", "b"], "the MCP server's own")
        func call(_ name: String) throws -> (error: Bool?, text: String?) {
            let found = try #require(answer[name] as? [String: Any])
            return (found["error"] as? Bool, found["text"] as? String)
        }
        #expect(try call("add") == (false, "42"))
        #expect(try call("boom").error == true)
        #expect(try call("send").error == false)
        #expect(try call("extra") == (true, "the allow-list of the baseline does not have the tool extra"))
        #expect(try call("hidden") == (true, "there is no such tool here"))
        #expect(try Self.counts(report, "upstream") == ["add": 2, "boom": 1, "send": 1, "garbage": 1])
    }

    @Test("the configuration of the fixtures is sound, and what is wrong is named with its line")
    func configuration() throws {
        let path = Project.root.appendingPathComponent("Fixtures/config/tools.yaml").path
        let sound = try Outrigger.run(["serve", "--check", "--config", path])
        #expect(sound.status == 0, "\(sound.errors)")
        let lines = sound.output.split(separator: "\n").map(String.init)
        for line in [
            "  tools      http://127.0.0.1:8082 (2 tools)", "    lookup_order  read   http://127.0.0.1:9010/lookup_order",
            "    refund        write  MCP http://127.0.0.1:9011/mcp as issue_refund", "    the candidate may call lookup_order",
            "  audit      off", "  runs       off",
        ] { #expect(lines.contains(line), "\(line) in \(sound.output)") }
        let text = try String(contentsOfFile: path, encoding: .utf8)
            .replacingOccurrences(of: "candidate: [lookup_order]", with: "candidate: [lookup_ordr]")
            .replacingOccurrences(of: "effect: read  ", with: "effect: raed  ")
            .replacingOccurrences(of: "    refund:   ", with: "    re/fund:  ")
            .replacingOccurrences(of: "http://127.0.0.1:9010/lookup_order", with: "file:///etc/passwd")
        let refused = try Outrigger.run(["serve", "--check", "--config", try Scratch.file([text], name: "tools.yaml")])
        #expect(refused.status == 2)
        for words in ["raed", "re/fund is no name of a tool", "must start with http:// or https://", "there is no tool lookup_ordr"] {
            #expect(refused.errors.contains(words), "\(words) in \(refused.errors)")
        }
    }

    @Test("a check says what the tools are with the arms' releases, names no secret, and refuses a release that cannot be used")
    func check() throws {
        let folder = try Scratch.folder()
        func write(_ text: String, _ name: String) throws -> String {
            let file = folder.appendingPathComponent(name)
            try text.write(to: file, atomically: true, encoding: .utf8)
            return file.path
        }
        let release = """
            version: v7
            tools:
              - {name: lookup, effect: write, schema: {type: object}}
              - {name: elsewhere}
            allowed_tools: [lookup, elsewhere]
            """
        _ = try write(release, "release.yaml")
        let path = try write(
            """
            agents: {baseline: {url: "http://127.0.0.1:1", release: release.yaml}, candidate: {url: "http://127.0.0.1:2", version: v8}}
            audit: {file: \(folder.path)/ledger.db, capture: full}
            runs: {file: \(folder.path)/runs.db}
            tools:
              upstreams:
                lookup: {url: "http://127.0.0.1:3/x", effect: read, headers: [{name: authorization, env: SECRET_OF_A_TOOL}]}
                send: {mcp: "http://127.0.0.1:3/mcp"}
            """, "sidecar.yaml")
        #expect(try Outrigger.run(["audit", "keys", "\(folder.path)/ledger.db"]).status == 0)
        let sound = try Outrigger.run(["serve", "--check", "--config", path], environment: ["SECRET_OF_A_TOOL": "hunter2"])
        #expect(sound.status == 0, "\(sound.errors)")
        let lines = sound.output.split(separator: "\n").map(String.init)
        let digest = try Outrigger.run(["release", "digest", folder.appendingPathComponent("release.yaml").path]).output.prefix(19)
        for line in [
            "  baseline   http://127.0.0.1:1  (v7, \(digest)…)", "  candidate  http://127.0.0.1:2  (v8)",
            "    lookup  read, write in the release of the baseline  http://127.0.0.1:3/x  (authorization from $SECRET_OF_A_TOOL)",
            "    send    write  MCP http://127.0.0.1:3/mcp", "    the baseline may call lookup",
            "    the release v7 of the baseline has elsewhere, not configured here", "  audit      \(folder.path)/ledger.db, with contents",
            "  runs       \(folder.path)/runs.db",
        ] { #expect(lines.contains(line), "\(line) in \(sound.output)") }
        #expect(!sound.output.contains("hunter2"))

        _ = try write(release.replacingOccurrences(of: "{type: object}", with: "{type: objekt}"), "release.yaml")
        let refused = try Outrigger.run(["serve", "--check", "--config", path])
        #expect(refused.status == 2)
        #expect(refused.errors.contains("release.yaml:3: the schema of the tool lookup cannot be used"), "\(refused.errors)")
    }
}
