import Foundation
import Testing

/// The audit ledger of a sidecar whose agents call tools: Tests/Support/tool_world.py plays, and the ledger is read afterwards.
@Suite(.timeLimit(.minutes(10)), .serialized) struct AuditGatewayTests {
    private let ledger: String

    init() throws {
        ledger = try Scratch.folder().appendingPathComponent("ledger.db").path
        #expect(try Outrigger.run(["audit", "keys", ledger]).status == 0)
    }

    private func play(_ scenario: String, rounds: Int, _ environment: [String: String] = [:]) throws -> [String: Any] {
        let arguments = [Outrigger.executable.path, try Scratch.folder().path, scenario, "\(rounds)"]
        let result = try Project.support(
            "tool_world", arguments, environment: environment.merging(["LEDGER": ledger]) { $1 }).wait()
        try #require(result.status == 0, "\(result.errors.suffix(2000))")
        let report = try result.summary
        #expect(report["problems"] as? [String] == [])
        return report
    }

    private struct Entry {
        var fields: [String: Any]

        subscript(_ name: String) -> String { fields[name] as? String ?? "" }
        var number: Int { fields["number"] as? Int ?? 0 }
        /// Kind, arm, tool, verdict and why, as far as they are known.
        var summary: String {
            ["kind", "arm", "tool", "verdict", "reason"].map { self[$0] }.filter { !$0.isEmpty }.joined(separator: " ")
        }
    }

    private func entries(_ filter: [String] = []) throws -> [Entry] {
        let result = try Outrigger.run(
            ["audit", "list", ledger, "--format", "json", "--limit", "1000000", "--oldest-first"] + filter)
        #expect(result.status == 0, "\(result.errors)")
        return try result.output.split(separator: "\n").map {
            Entry(fields: try #require(JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]))
        }
    }

    private func counts(_ entries: [Entry]) -> [String: Int] { Dictionary(grouping: entries, by: \.summary).mapValues(\.count) }

    private func verify() throws {
        let ours = try Outrigger.run(["audit", "verify", ledger])
        #expect(ours.status == 0, "\(ours.output) \(ours.errors)")
        let key = try String(contentsOfFile: ledger + ".public-key", encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
        let theirs = try Project.support(
            "verify_ledger", [ledger, "--public-key", key, "--checkpoints", ledger + ".checkpoints"]).wait()
        #expect(theirs.status == 0, "\(theirs.output) \(theirs.errors)")
    }

    @Test("each call that passed is an entry, a shadow's are replayed or refused, and its spans have the entries' ids")
    func shadow() throws {
        let collector = try StubCollector()
        let report = try play(
            "shadow", rounds: 8, ["COLLECTOR": collector.endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"])
        try verify()
        let entries = try entries()
        let found = counts(entries)
        #expect(found["call baseline lookup allowed"] == 8)
        #expect(found["intent baseline send allowed"] == 8)
        #expect(found["completion baseline send allowed"] == 8)
        #expect(found["call candidate lookup replayed"] == 8 && found["call candidate send replayed"] == 8)
        #expect(!found.keys.contains { $0.contains("candidate") && $0.contains("allowed") }, "\(found)")
        // Every refusal of a run that is known, over both of the gateway's ways in; those without a run's token are of nobody.
        let tried = try #require(report["tried"] as? [String: Int])
        let late = try #require(report["late"] as? [String: Int])
        #expect(found["refusal candidate send refused run_over"] ?? 0 >= late.values.reduce(0, +))
        let unanswered = found.filter { $0.key.hasPrefix("refusal candidate") && $0.key.hasSuffix("no_baseline_answer") }.values.reduce(0, +)
        #expect(unanswered >= tried["409 no_baseline_answer"] ?? .max)
        #expect(entries.first?.summary.hasPrefix("rollout_change") == true)

        // Each intent has its completion, of the same span and request.
        let completions = Dictionary(uniqueKeysWithValues: entries.filter { $0["kind"] == "completion" }.map { ($0.fields["refers"] as? Int ?? 0, $0) })
        for intent in entries where intent["kind"] == "intent" {
            let completion = try #require(completions[intent.number])
            #expect(completion["span_id"] == intent["span_id"] && completion["request_id"] == intent["request_id"])
            #expect(completion.number > intent.number && completion["outcome"] == "success")
        }

        // Of a trace a write is one line, with the shadow's beside it.
        let write = try #require(entries.first { $0["kind"] == "intent" })
        let shown = try Outrigger.run(["audit", "trace", ledger, write["trace_id"]]).output
        #expect(shown.contains("send intent, #") && shown.contains("send call replayed") && !shown.contains("completion"), "\(shown)")

        // The collector has the same ids, and the checkpoints.
        var spans: [String: String] = [:]
        var checkpoints: Set<String> = []
        for request in try collector.requests {
            let body = try #require(request.body_b64.flatMap { Data(base64Encoded: $0) })
            let message = try #require(JSONSerialization.jsonObject(with: body) as? [String: Any])
            for item in Self.items(message, "resourceSpans", "scopeSpans", "spans") where (item["name"] as? String)?.hasPrefix("tool.call") == true {
                spans[item["spanId"] as? String ?? ""] = item["traceId"] as? String
            }
            for item in Self.items(message, "resourceLogs", "scopeLogs", "logRecords") where item["eventName"] as? String == "outrigger.audit.checkpoint" {
                let attributes = item["attributes"] as? [[String: Any]] ?? []
                let line = attributes.first { $0["key"] as? String == "outrigger.audit.checkpoint" }?["value"] as? [String: String]
                checkpoints.insert(line?["stringValue"] ?? "")
            }
        }
        let calls = entries.filter { ["call", "intent"].contains($0["kind"]) }
        #expect(calls.count == 32)
        for call in calls { #expect(spans[call["span_id"]] == call["trace_id"], "\(call.summary)") }
        let filed = Set(try String(contentsOfFile: ledger + ".checkpoints", encoding: .utf8).split(separator: "\n").map(String.init))
        #expect(!checkpoints.isEmpty && checkpoints.isSubset(of: filed))
    }

    private static func items(_ message: [String: Any], _ path: String...) -> [[String: Any]] {
        path.reduce([message]) { found, name in found.flatMap { $0[name] as? [[String: Any]] ?? [] } }
    }

    @Test("killed at any moment under load, the chain is whole, and every write that reached the tool has its entry")
    func kills() throws {
        let rounds = ProcessInfo.processInfo.environment["OUTRIGGER_KILLS"].flatMap { Int($0) } ?? 12
        let report = try play("kill", rounds: rounds)
        try verify()
        let reached = try #require(report["reached"] as? [[String]])
        var intents: [String: Int] = [:]
        for entry in try entries(["--kind", "intent"]) {
            intents["\(entry["request_id"]) \(try Self.sorted(entry["arguments_content"]))", default: 0] += 1
        }
        let writes = reached.filter { $0[1] == "send" }
        #expect(writes.count > rounds * 5)
        for write in writes {
            let key = "\(write[0]) \(try Self.sorted(write[2]))"
            let left = intents[key, default: 0]
            #expect(left > 0, "the write \(key) reached the tool and has no entry")
            intents[key] = left - 1
        }
        let unanswered = intents.values.reduce(0, +)
        print("killed \(rounds) times: \(writes.count) writes reached the tool, \(unanswered) intents more did not")
    }

    private static func sorted(_ json: String) throws -> String {
        let value = try JSONSerialization.jsonObject(with: Data(json.utf8))
        return String(decoding: try JSONSerialization.data(withJSONObject: value, options: .sortedKeys), as: UTF8.self)
    }

    @Test("while the ledger cannot grow, writes are refused and reads go on; what was refused is told of afterwards")
    func full() throws {
        let report = try play("full", rounds: 1)
        let sound = ["lookup 200 ok": 3, "send 200 ok": 3]
        #expect(report["before"] as? [String: Int] == sound)
        #expect(report["full"] as? [String: Int] == ["lookup 200 ok": 3, "send 503 unrecorded": 3])
        #expect(report["after"] as? [String: Int] == sound)
        #expect(report["sends"] as? [String: Int] == ["before": 3, "after": 3], "no refused write reached the tool")
        try verify()
        let found = counts(try entries())
        #expect(found["intent baseline send allowed"] == 6 && found["call baseline lookup allowed"] == 9)
        #expect(found["refusal baseline send refused unrecorded"] == 3)
    }

    @Test("a second sidecar on the same ledger does not start, and a reader does not disturb the first")
    func second() throws {
        let agent = try Loopback.freePort()
        func configuration() throws -> String {
            try Scratch.file([
                "listen: 127.0.0.1:0", "admin: {listen: \"127.0.0.1:\(try Loopback.freePort())\"}",
                "agents: {baseline: {url: \"http://127.0.0.1:\(agent)\"}}", "telemetry: {enabled: false}", "audit: {file: \"\(ledger)\"}",
            ], name: "sidecar.yaml")
        }
        let first = try Outrigger.start(["serve", "--config", configuration()])
        try eventually("the first one listens") { try first.errorsSoFar.contains("telemetry  ") }
        let second = try Outrigger.run(["serve", "--config", configuration()])
        #expect(second.status == 2)
        #expect(second.errors.contains("is written by another process") && second.errors.contains("give each a ledger of its own"))
        try eventually("the start is recorded") { try entries(["--kind", "rollout_change"]).count == 1 }
        // What is to be taken away the sidecar takes away itself.
        let erased = try Outrigger.run(["audit", "erase", ledger, "--all", "--why", "nothing was kept"])
        #expect(erased.status == 1 && erased.errors.contains("nothing was erased"), "\(erased.errors)")
        let pruned = try Outrigger.run(["audit", "prune", ledger, "--before", "2100-01-01T00:00:00Z", "--why", "all of it"])
        #expect(pruned.status == 0 && pruned.output.contains("1 entries were removed"), "\(pruned.output) \(pruned.errors)")
        #expect(try entries().map { $0["kind"] } == ["pruning"])
        first.terminate()
        #expect(try first.wait().status == 0)
        try verify()
    }
}
