import Foundation
import Testing

/// Tools, MCP servers and agents that do not behave: Tests/Support/tool_faults.py and tool_callers.py play them.
@Suite(.timeLimit(.minutes(10)), .serialized) struct ToolFaultTests {
    private static func play(_ program: String, _ arguments: [String] = [], _ environment: [String: String] = [:]) throws -> [String: Any] {
        let folder = try Scratch.folder().path
        let result = try Project.support(program, [Outrigger.executable.path, folder] + arguments, environment: environment).wait()
        try #require(result.status == 0, "\(result.errors.suffix(3000))")
        let report = try result.summary
        #expect(report["status"] as? Int == 0, "the sidecar's end")
        return report
    }

    private static func words(_ report: [String: Any], _ name: String) throws -> [String: String] {
        try #require(report[name] as? [String: String], "\(name) is missing: \(report)")
    }

    private static func expectCounted(_ report: [String: Any]) throws {
        let counted = try #require(report["counted"] as? [Double])
        #expect(counted[0] > 0 && counted[0] == counted[1], "calls made, and calls counted")
    }

    @Test("whatever a tool does, its caller is told what went wrong within the time, others notice nothing, and all is counted")
    func faults() throws {
        let collector = try StubCollector()
        let report = try Self.play(
            "tool_faults", [], ["COLLECTOR": collector.endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"])
        var expected: [String: String] = [:]
        for name in ["hang", "half", "drip", "m_hang", "m_hang_first", "m_slow_stream"] { expected[name] = "504 timeout" }
        for name in [
            "reset", "short", "broken", "image", "no_http", "nothing", "huge", "huge_head", "redirect", "packed", "deep", "m_nonsense",
            "m_other_id", "m_bad_result", "m_endless", "m_half_stream", "m_lost", "m_status", "m_dies", "status_99", "m_status_0",
        ] { expected[name] = "502 bad_answer" }
        for name in ["gone", "m_gone"] { expected[name] = "502 unreachable" }
        // What is beyond the length that was said is no part of the answer; an error is a tool's own.
        expected["long"] = "200 ok"
        expected["fails"] = "200 error"
        let http = try Self.words(report, "http")
        for (name, word) in expected { #expect(http[name] == word, "\(name)") }
        #expect(http.count == expected.count)
        let mcp = try Self.words(report, "mcp")
        for (name, word) in expected { #expect(mcp[name] == String(word.dropFirst(4)), "\(name) over MCP") }

        #expect(try Self.words(report, "oversized") == [
            "said": "413 too_large", "unsaid": "413 too_large", "mcp": "413 -32600", "endless": "stopped",
        ])
        #expect(report["others"] as? [String] == ["200 ok", "mcp ok"])
        #expect(report["listed"] as? Bool == true, "\(report["listed"] ?? "")")
        #expect(report["huge"] as? Bool == true, "an answer of 1 GiB is not read")
        try Self.expectCounted(report)
        #expect(report["active"] as? Double == 0)
        let failures = try #require(report["failures"] as? [String: Double])
        #expect(failures == ["timeout": 12, "bad_answer": 42, "unreachable": 4])
        #expect(try #require(report["peak_kib"] as? Int) < 400 << 10, "memory stays bounded")

        let statuses = try Self.callStatuses(collector)
        for (name, word) in expected where name != "long" {
            #expect(statuses[name] == [2, 2], "\(name) is an error in its spans: \(word)")
        }
        #expect(statuses["small"]?.allSatisfy { $0 == 2 } == true)
    }

    /// The status codes of `tool.call` spans by the tool.
    private static func callStatuses(_ collector: StubCollector) throws -> [String: [Int]] {
        func items(_ message: [String: Any], _ path: String...) -> [[String: Any]] {
            path.reduce([message]) { found, name in found.flatMap { $0[name] as? [[String: Any]] ?? [] } }
        }
        var found: [String: [Int]] = [:]
        for request in try collector.requests {
            let body = try #require(request.body_b64.flatMap { Data(base64Encoded: $0) })
            let message = try #require(JSONSerialization.jsonObject(with: body) as? [String: Any])
            for span in items(message, "resourceSpans", "scopeSpans", "spans") where (span["name"] as? String)?.hasPrefix("tool.call") == true {
                let name = items(span, "attributes").first { $0["key"] as? String == "gen_ai.tool.name" }?["value"] as? [String: String]
                found[name?["stringValue"] ?? "", default: []].append((span["status"] as? [String: Any])?["code"] as? Int ?? 0)
            }
        }
        return found
    }

    @Test("when a caller goes away or cancels, the tool hears of it, and the call is recorded with that")
    func gone() throws {
        let ledger = try Scratch.folder().appendingPathComponent("ledger.db").path
        #expect(try Outrigger.run(["audit", "keys", ledger]).status == 0)
        let report = try Self.play("tool_callers", ["gone"], ["LEDGER": ledger])
        #expect(report["cancelled"] as? String == "cancelled")
        #expect(report["failures"] as? [String: Double] == ["outrigger_tool_failures_total{type=\"cancelled\"}": 4])
        #expect(report["active"] as? Double == 0)
        try Self.expectCounted(report)
        let entries = try Outrigger.run(["audit", "list", ledger, "--kind", "completion", "--format", "json"])
        #expect(entries.output.split(separator: "\n").count { $0.contains(#""outcome":"cancelled""#) } == 4, "\(entries.output)")
    }

    @Test("tools are exchanged under load without a failed call that both configurations allow; a bad configuration changes nothing")
    func reload() throws {
        let report = try Self.play("tool_callers", ["reload", "24"])
        let after = try #require(report["after"] as? [String: Int])
        #expect(after == [
            "404 unknown_tool, 200 ok": 25, "bad: 404 unknown_tool, 200 ok": 30, "bad: 200 ok": 24, "200 ok, 404 unknown_tool": 24,
        ])
        let answers = try #require(report["answers"] as? [String])
        #expect(Set(answers) == ["both 200 ok", "add ok", "one 200 ok", "one 404 unknown_tool", "two 200 ok", "two 404 unknown_tool"])
        #expect(report["both"] as? Bool == true)
        try Self.expectCounted(report)
    }

    @Test("an arm of a release file is held to its allow-list and its schemas, as they were at the start, and shown them")
    func release() throws {
        let report = try Self.play("tool_callers", ["release"])
        let baseline = try #require(report["baseline"] as? [String: Any])
        let expected = [
            "lookup {\"q\": \"x\"}": "200 ok", "lookup {}": "422 bad_arguments", "lookup {\"q\": \"too long\"}": "422 bad_arguments",
            "lookup {\"q\": \"x\", \"n\": \"y\"}": "422 bad_arguments", "send {}": "403 not_allowed", "extra {}": "403 not_allowed",
        ]
        #expect(baseline.compactMapValues { $0 as? String } == expected)
        let listed = try #require(baseline["listed"] as? [String: [Any]])
        #expect(listed.keys.sorted() == ["lookup"])
        #expect(listed["lookup"]?.first as? String == "The release's own words." && listed["lookup"]?.last as? [String] == ["q"])
        #expect(report["reached"] as? [String] == ["/lookup"])
        #expect(report["changed"] as? [String] == ["200 ok", "403 not_allowed"])
        #expect(report["warned"] as? Bool == true)
        let candidate = try #require(report["candidate"] as? [String: Any])
        #expect(candidate.compactMapValues { $0 as? String } == [
            "lookup {\"q\": \"x\"}": "200 ok", "lookup {}": "200 ok", "lookup {\"q\": \"too long\"}": "200 ok",
            "lookup {\"q\": \"x\", \"n\": \"y\"}": "422 bad_arguments", "send {}": "200 ok", "extra {}": "200 ok",
        ])
    }
}
