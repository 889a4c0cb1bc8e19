import Foundation
import FoundationNetworking
import Testing

/// Agents that run: `outrigger replay` with servers and processes of Tests/Support.
@Suite struct LiveReplayTests {
    /// One trace for each way in which an agent can behave; the stub does what the request says.
    private static let traces = [
        #"{"trace_id": "same", "request": {"calls": [{"name": "search", "args": {"q": 1}}], "answer": {"outcome": "success", "cost_tokens": 5}}, "tool_calls": [{"name": "search", "args": {"q": 1}}], "tool_results": [{"success": true, "result": [7]}], "outcome": "success"}"#,
        #"{"trace_id": "other", "request": {"calls": [{"name": "search", "args": {"q": 2}}], "answer": {"outcome": "success"}}, "tool_calls": [{"name": "search", "args": {"q": 1}}], "tool_results": [{"success": true, "result": [7]}], "outcome": "success"}"#,
        #"{"trace_id": "unasked", "request": {"answer": {"outcome": "success"}}, "tool_calls": [{"name": "search", "args": {"q": 1}}], "tool_results": [{"success": true, "result": [7]}], "outcome": "success"}"#,
        #"{"trace_id": "failed", "request": {"answer": {"outcome": "failure"}}, "outcome": "success"}"#,
        #"{"trace_id": "hangs", "request": {"mode": "hang"}, "outcome": "success"}"#,
    ]

    @Test("an agent over HTTP is judged by what it did, and its tools are answered from the recording")
    func http() throws {
        let agent = try StubAgentServer()
        let file = try Scratch.file(Self.traces + [
            #"{"trace_id": "half", "request": {"mode": "half_json"}, "outcome": "success"}"#,
            #"{"trace_id": "error", "request": {"mode": "status_500"}, "outcome": "success"}"#,
            #"{"trace_id": "closes", "request": {"mode": "closes"}, "outcome": "success"}"#,
            #"{"trace_id": "huge", "request": {"mode": "huge_declared"}, "outcome": "success"}"#,
        ])
        let report = try Replay.run(
            ["--traces", file, "--candidate", "http://127.0.0.1:\(agent.port)/run", "--run-timeout", "4s", "--concurrency", "8"])
        let reasons = try report.reasonsByTrace
        #expect(report.status == 1)
        #expect(reasons["same"] == [])
        #expect(reasons["other"] == ["wrong_arguments"])
        #expect(reasons["unasked"] == ["missing"])
        #expect(reasons["failed"] == ["outcome_fail"])
        #expect(reasons["hangs"] == ["timeout"])
        #expect(reasons["half"] == ["bad_answer"])
        #expect(reasons["error"] == ["agent_error"])
        #expect(reasons["closes"] == ["transport"])
        #expect(reasons["huge"] == ["bad_answer"])
        #expect(try report.json.number("total") == 9)
        #expect(try report.json.number("compared") == 4)
        let order = (report.json["details"] as? [[String: Any]])?.compactMap { $0["trace_id"] as? String }
        #expect(order == ["same", "other", "unasked", "failed", "hangs", "half", "error", "closes", "huge"])
    }

    @Test("a process that dies harms no other run")
    func exec() throws {
        let program = Project.root.appendingPathComponent("Tests/Support/stub_exec_agent.py").path
        func trace(_ id: String, _ request: String) -> String {
            #"{"trace_id": "\#(id)", "request": \#(request), "tool_calls": [{"name": "search", "args": {"q": 1}}], "#
                + #""tool_results": [{"success": true, "result": [7]}], "outcome": "success"}"#
        }
        let file = try Scratch.file([
            trace("same", #"{"mode": "inline_tools", "calls": [{"name": "search", "args": {"q": 1}}]}"#),
            trace("other", #"{"mode": "inline_tools", "calls": [{"name": "search", "args": {"q": 2}}]}"#),
            trace("dies", #"{"mode": "dies"}"#), trace("unasked", "{}"),
            trace("again", #"{"mode": "inline_tools", "calls": [{"name": "search", "args": {"q": 1}}]}"#),
        ])
        let report = try Replay.run(
            ["--traces", file, "--candidate", "exec:python3 \(program)", "--run-timeout", "20s", "--concurrency", "2"])
        let reasons = try report.reasonsByTrace
        #expect(reasons["same"] == [] && reasons["again"] == [])
        #expect(reasons["other"] == ["wrong_arguments"])
        #expect(reasons["unasked"] == ["missing"])
        #expect(reasons["dies"] == ["agent_died"])
        #expect(try report.json.number("total") == 5)
    }

    @Test("a model behind chat completions has its tool calls answered until it is done")
    func chatCompletions() throws {
        let agent = try StubAgentServer()
        let file = try Scratch.file([
            #"{"trace_id": "a", "request": "{\"calls\": [{\"name\": \"search\", \"args\": {\"q\": 1}}]}", "tool_calls": [{"name": "search", "args": {"q": 1}}], "tool_results": [{"success": true, "result": [7]}], "outcome": "success"}"#
        ])
        let report = try Replay.run(
            ["--traces", file, "--candidate", "http://127.0.0.1:\(agent.port)/v1/chat/completions", "--model", "m"])
        #expect(try report.reasonsByTrace["a"] == [])
        #expect(try report.json.number("compared") == 1)
        // A model states no outcome, so nothing was expected of it that could fail.
        #expect(try report.json.number("with_expectation") == 0)
    }

    @Test("a model is asked as its release says, and only then credited to it", arguments: [nil, "another-model"] as [String?])
    func release(model: String?) throws {
        let agent = try StubAgentServer()
        let file = try Scratch.file([#"{"trace_id": "a", "request": "{\"mode\": \"echo\"}", "model": "recorded-model", "outcome": "success"}"#])
        let release = Project.root.appendingPathComponent("Fixtures/releases/airline-v13/release.yaml").path
        let result = try Outrigger.run([
            "replay", "--traces", file, "--candidate", "http://127.0.0.1:\(agent.port)/v1/chat/completions", "--candidate-version", release,
            "--no-export", "--json",
        ] + (model.map { ["--model", $0] } ?? []))
        let json = try Replay.parse(Data(result.output.utf8))
        let digest = json.value("candidate.digest") as? String
        #expect((digest?.hasPrefix("sha256:") == true) == (model == nil), "\(result.output)")
        let asked = try agent.get("/_asked")
        #expect(asked["model"] as? String == model ?? "gpt-4.1-2025-04-14")
        #expect(asked["temperature"] as? Double == 0.1)
        let messages = try #require(asked["messages"] as? [[String: Any]])
        #expect(messages.map { $0["role"] as? String } == ["system", "user"])
        #expect((messages[0]["content"] as? String)?.isEmpty == false)
        let tools = try #require(asked["tools"] as? [[String: Any]])
        let functions = tools.compactMap { $0["function"] as? [String: Any] }
        #expect(functions.contains { $0["name"] as? String == "issue_refund" && ($0["parameters"] as? [String: Any])?["type"] as? String == "object" })
        #expect((json["notes"] as? [String])?.contains { $0.contains("not credited to the release's digest") } == (model != nil))
    }

    @Test("an agent that is not there is told of once, before anything else")
    func nobody() throws {
        let port = try Loopback.freePort()
        let file = try Scratch.file(Self.traces)
        let result = try Outrigger.run([
            "replay", "--traces", file, "--candidate", "http://127.0.0.1:\(port)/run", "--agent-retries", "0", "--no-export", "--json",
        ])
        let notes = try Replay.parse(Data(result.output.utf8))["notes"] as? [String]
        #expect(notes?.first?.contains("the candidate gave no run at all (5 of 5)") == true, "\(notes ?? [])")
    }

    @Test("an agent that says another version than it is credited to is told of", arguments: [("v13", true), ("v14", false)])
    func version(_ said: String, _ isTold: Bool) throws {
        let agent = try StubAgentServer()
        let file = try Scratch.file([#"{"trace_id": "a", "request": {"answer": {"version": "\#(said)"}}, "outcome": "success"}"#])
        let result = try Outrigger.run([
            "gate", "--traces", file, "--candidate", "http://127.0.0.1:\(agent.port)/run", "--candidate-version", "v14", "--no-export",
        ])
        #expect(result.output.contains("the candidate's agent says version v13 (1), and is credited to v14") == isTold, "\(result.output)")
    }

    @Test("a model that calls tools for ever is asked as often as the flag allows")
    func rounds() throws {
        let agent = try StubAgentServer()
        let file = try Scratch.file([#"{"trace_id": "a", "model": "m", "request": "{\"mode\": \"forever\", \"calls\": [{\"name\": \"read\"}]}"}"#])
        let url = "http://127.0.0.1:\(agent.port)/v1/chat/completions"
        let flags = ["replay", "--traces", file, "--candidate", url, "--no-export", "--json", "--max-rounds"]
        let result = try Outrigger.run(flags + ["3"])
        #expect(result.output.contains("the model still called tools after 3 rounds"), "\(result.output)\(result.errors)")
        #expect(try Outrigger.run(flags + ["0"]).status == 2)
    }

    @Test("an evaluator that is broken makes the gate inconclusive, and a poor score makes it fail", arguments: [
        ("exec", nil, 3, "evaluator_failed"), ("http", nil, 3, "evaluator_failed"), ("http", #"{"score": 0.2}"#, 1, "check:good"), ("http", #"{"score": 0.9}"#, 0, "score 0.9"),
    ] as [(String, String?, Int32, String)])
    func evaluators(_ kind: String, _ verdict: String?, _ status: Int32, _ words: String) throws {
        let agent = try StubAgentServer()
        let url = kind == "exec" ? "exec:false" : "http://127.0.0.1:\(agent.port)/\(verdict == nil ? "nothing" : "evaluate")"
        let gate = try Scratch.file([
            "evaluators: {judge: {agent: \"\(url)\", timeout: 10s}}", "checks:", "  - {name: good, score: {evaluator: judge, at_least: 0.5}}",
        ], name: "gate.yaml")
        let request = verdict.map { #"{"verdict": \#($0)}"# } ?? "{}"
        let traces = try Scratch.file([#"{"trace_id": "a", "request": \#(request), "outcome": "success", "latency_ms": 5}"#])
        let candidate = try Scratch.file([#"{"trace_id": "a", "outcome": "success", "latency_ms": 4}"#], name: "candidate.jsonl")
        let result = try Outrigger.run([
            "gate", "--config", gate, "--traces", traces, "--candidate", "recorded:\(candidate)", "--no-export", "--json",
        ])
        #expect(result.status == status, "\(result.output)\(result.errors)")
        #expect(result.output.contains(words), "\(result.output)")
    }

    @Test("repetitions run each trace so often, and the gate tells what is flaky")
    func repetitions() throws {
        let agent = try StubAgentServer()
        let file = try Scratch.file([Self.traces[0], Self.traces[3]])
        let result = try Outrigger.run([
            "gate", "--traces", file, "--candidate", "http://127.0.0.1:\(agent.port)/run", "--repeat", "3", "--no-export", "--json",
        ])
        #expect(result.status == 1)
        let json = try Replay.parse(Data(result.output.utf8))
        #expect(try json.number("total") == 6)
        #expect(try json.number("repetitions") == 3)
        #expect(try json.number("gate.flakiness.repetitions") == 3)
    }

    @Test("a signal ends the runs under way and leaves a partial report")
    func interrupted() throws {
        let agent = try StubAgentServer()
        let file = try Scratch.file([Self.traces[0]] + Array(repeating: Self.traces[4], count: 20))
        let command = try Outrigger.start([
            "replay", "--traces", file, "--candidate", "http://127.0.0.1:\(agent.port)/run", "--no-export", "--json",
        ])
        try eventually("the runs are under way") { try agent.requests() >= 3 }
        command.terminate()
        let result = try command.wait()
        #expect(result.status == 1)
        let json = try Replay.parse(Data(result.output.utf8))
        #expect(json["partial"] is String)
        #expect(try json.number("total") <= 1)
    }

    @Test("both arms' live runs arrive as spans, linked")
    func spans() throws {
        let agent = try StubAgentServer()
        let collector = try StubCollector()
        let report = try Scratch.folder().appendingPathComponent("report.json").path
        let file = try Scratch.file(Self.traces)
        let url = "http://127.0.0.1:\(agent.port)/run"
        _ = try Outrigger.run([
            "replay", "--traces", file, "--baseline", url, "--candidate", url, "--run-timeout", "3s", "--endpoint", collector.endpoint,
            "--report", "json=\(report)",
        ])
        let check = try Project.support("check_replay_export", [collector.requestsFile, report]).wait()
        #expect(check.status == 0, "\(check.output)\(check.errors)")
    }
}

/// Tests/Support/stub_agent.py, which ends with its standard input.
final class StubAgentServer {
    let port: Int
    private let command: Command
    private let input = Pipe()

    init() throws {
        command = try Command(
            Project.python, ["-B", Project.root.appendingPathComponent("Tests/Support/stub_agent.py").path],
            input: input.fileHandleForReading)
        var port: Int?
        let command = command
        try eventually("the stub listens") {
            port = Int(try command.outputSoFar.split(separator: "\n").first ?? "")
            return port != nil
        }
        self.port = try #require(port)
    }

    deinit { command.kill() }

    /// How many requests came so far.
    func requests() throws -> Int { try get("/_stats").number("requests") }

    func get(_ path: String) throws -> [String: Any] {
        let url = try #require(URL(string: "http://127.0.0.1:\(port)\(path)"))
        return try #require(try JSONSerialization.jsonObject(with: try Data(contentsOf: url)) as? [String: Any])
    }
}
