import Foundation
import Testing

/// The examples of Fixtures, run as the README says.
@Suite struct ExampleTests {
    /// From the folder that holds Fixtures, as the examples' own comments say.
    static func run(_ arguments: [String]) throws -> Command.Result {
        try Command(
            URL(fileURLWithPath: "/usr/bin/env"), ["-C", Project.root.path, Outrigger.executable.path] + arguments).wait()
    }

    @Test("the example agent answers on standard streams, and all that is said fits the schema", .timeLimit(.minutes(10)))
    func execAgent() throws {
        let log = try Scratch.folder().appendingPathComponent("messages").path
        let result = try Self.run([
            "replay", "--traces", "Fixtures/agents/traces.jsonl", "--no-export", "--candidate",
            "exec:python3 -B Tests/Support/check_agent_protocol.py tee \(log) python3 Fixtures/agents/exec_agent.py",
        ])
        #expect(result.status == 0, "\(result.output)\(result.errors)")
        #expect(result.output.contains("Passed:  10"))
        #expect(try Self.messages([log]) == ["request": 10, "answer": 10])
    }

    @Test("the example gates pass, and have nothing to note of themselves", .timeLimit(.minutes(10)), arguments: ["complete.yaml", "sample.yaml"])
    func gates(name: String) throws {
        let result = try Self.run(["gate", "--config", "Fixtures/gates/\(name)", "--no-export"])
        #expect(result.status == 0, "\(result.output)\(result.errors)")
        #expect(result.output.contains("Gate: PASS") && !result.output.contains("\nNotes\n"), "\(result.output)")
        #expect(result.errors.isEmpty, "\(result.errors)")
    }

    @Test("the example agent answers over HTTP, and all that is said fits the schema", .timeLimit(.minutes(10)))
    func httpAgent() throws {
        let agent = try PortProgram(["Fixtures/agents/http_agent.py", "0"])
        let log = try Scratch.folder().appendingPathComponent("messages").path
        let proxy = try PortProgram(["Tests/Support/check_agent_protocol.py", "proxy", log, "\(agent.port)"])
        let result = try Self.run([
            "replay", "--traces", "Fixtures/agents/traces.jsonl", "--no-export", "--candidate", "http://127.0.0.1:\(proxy.port)/run",
        ])
        #expect(result.status == 0, "\(result.output)\(result.errors)")
        #expect(result.output.contains("Passed:  10"))
        #expect(try Self.messages([log]) == ["request": 10, "answer": 10])
    }

    @Test("tool calls over the stream, evaluators and errors fit the schema too", .timeLimit(.minutes(10)))
    func otherMessages() throws {
        let folder = try Scratch.folder()
        func tee(_ name: String, _ program: String) -> String {
            "exec:python3 -B \(Project.root.path)/Tests/Support/check_agent_protocol.py tee \(folder.path)/\(name) "
                + "python3 \(Project.root.path)/\(program)"
        }
        let traces = try Scratch.file([
            #"{"trace_id": "a", "request": {"mode": "inline_tools", "calls": [{"name": "search", "args": {"q": 1}}, {"name": "none"}]}, "#
                + #""conversation_id": "c", "allowed_tools": ["search"], "tool_calls": [{"name": "search", "args": {"q": 1}}], "#
                + #""tool_results": [{"success": true, "result": [7], "duration_ms": 3}], "outcome": "success", "expected_outcome": "success"}"#,
            #"{"trace_id": "b", "request": {}, "outcome": "success"}"#,
        ])
        let gate = try Scratch.file([
            "evaluators: {e: {agent: '\(tee("scores", "Fixtures/agents/evaluator.py"))'}}",
            "checks: [{name: polite, score: {evaluator: e, at_least: 0}}]",
        ], name: "gate.yaml")
        let result = try Self.run([
            "gate", "--config", gate, "--traces", traces, "--no-export", "--json", "--candidate",
            tee("agent", "Tests/Support/stub_exec_agent.py"),
        ])
        #expect(try Replay.parse(Data(result.output.utf8)).number("total") == 2, "\(result.output)\(result.errors)")
        let counts = try Self.messages(["agent", "scores"].map { folder.appendingPathComponent($0).path })
        #expect(counts == ["request": 2, "answer": 2, "tool_call": 2, "tool_result": 2, "evaluation": 4, "score": 4])
    }

    @Test("an agent behind TLS is trusted by its authority, and only so", .timeLimit(.minutes(10)))
    func agentBehindTLS() throws {
        let certificates = try Certificates()
        let agent = try PortProgram(["Fixtures/agents/http_agent.py", "0", certificates.path("server.pem"), certificates.path("server.key")])
        func replay(_ authority: String?, _ scheme: String = "https") throws -> Command.Result {
            try Outrigger.run(
                ["replay", "--traces", Project.root.appendingPathComponent("Fixtures/agents/traces.jsonl").path, "--limit", "2",
                 "--no-export", "--candidate", "\(scheme)://127.0.0.1:\(agent.port)/run"],
                environment: authority.map { ["SSL_CERT_FILE": $0] } ?? [:])
        }
        let trusted = try replay(certificates.path("ca.pem"))
        #expect(trusted.status == 0, "\(trusted.output)\(trusted.errors)")
        let unknown = try replay(nil)
        #expect(unknown.status == 1)
        #expect(unknown.output.contains("certificate is not trusted") && unknown.output.contains("SSL_CERT_FILE"), "\(unknown.output)")
        #expect(!unknown.output.contains("BoringSSL"), "\(unknown.output)")
        let noFile = try replay("/nonexistent.pem")
        #expect(noFile.status == 2)
        #expect(noFile.errors.contains("/nonexistent.pem") && noFile.errors.contains("SSL_CERT_FILE"), "\(noFile.errors)")
    }

    /// How many messages of each kind the files hold, all of which fit the schema.
    private static func messages(_ files: [String]) throws -> [String: Int] {
        let schema = Project.root.appendingPathComponent("Fixtures/schemas/agent-protocol.schema.json").path
        let check = try Project.support("check_agent_protocol", ["check", schema] + files).wait()
        try #require(check.status == 0, "\(check.output)\(check.errors)")
        return try #require(JSONSerialization.jsonObject(with: Data(check.output.utf8)) as? [String: Int])
    }
}

/// A program of this repository that prints its port and serves until it is killed.
final class PortProgram {
    let port: Int
    private let command: Command

    /// - Parameter arguments: the program's path within the repository, and what follows.
    init(_ arguments: [String]) throws {
        let command = try Command(
            Project.python, ["-B", Project.root.appendingPathComponent(arguments[0]).path] + arguments.dropFirst())
        var port: Int?
        try eventually("\(arguments[0]) listens") {
            port = Int(try command.outputSoFar.split(separator: "\n").first ?? "")
            return port != nil
        }
        self.command = command
        self.port = try #require(port)
    }

    deinit { command.kill() }
}
