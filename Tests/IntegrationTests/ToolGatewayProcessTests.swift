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
        #expect(try Set(Self.counts(report, "baseline").keys) == ["200 ok"])
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
}
