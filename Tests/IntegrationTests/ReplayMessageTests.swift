import Foundation
import Testing

/// What `outrigger replay`, `gate` and `release` say to someone who made a small mistake.
@Suite struct ReplayMessageTests {
    private func output(_ arguments: [String]) throws -> String {
        let result = try Outrigger.run(arguments)
        return result.output + result.errors
    }

    @Test("a recording that is not there is named with where it is asked for, and what can be done", arguments: [
        ("traces: nope.jsonl", [], "gate.yaml: traces: ", "nope.jsonl: cannot open: No such file or directory (check the name)"),
        ("traces: V12\ncandidate: {agent: \"recorded:v1*.jsonl\"}", [], "gate.yaml: candidate: ", "only backfill expands patterns"),
        ("traces: V12", ["--candidate", "recorded:nope"], "error: nope: cannot open", "(check the name)"),
    ])
    func missingRecording(_ config: String, _ flags: [String], _ place: String, _ remedy: String) throws {
        let gate = try Scratch.file([config.replacingOccurrences(of: "V12", with: Fixture.v12)], name: "gate.yaml")
        let result = try Outrigger.run(["gate", "--config", gate, "--no-export"] + flags)
        #expect(result.status == 2 && result.errors.contains(place) && result.errors.contains(remedy), "\(result.errors)")
    }

    @Test("flags that do nothing to recordings are told of")
    func ignoredFlags() throws {
        let text = try output([
            "replay", "--traces", Fixture.v12, "--candidate", "recorded:\(Fixture.v13)", "--no-export", "--tool-match", "strict",
            "--run-timeout", "5s", "--link", "http://x/{trace_id}",
        ])
        #expect(text.contains("both arms are recordings, which --run-timeout, --tool-match does nothing to"), "\(text)")
        #expect(text.contains("--link shows nothing with --no-export"))
        let plain = try output(["replay", "--traces", Fixture.v12, "--candidate", "recorded:\(Fixture.v13)", "--no-export"])
        #expect(!plain.contains("does nothing to") && !plain.contains("--link"))
    }

    @Test("a recording of another version than the release file's is no evidence for it; one of another than a label's is told of", arguments: [
        (["--candidate-version", "RELEASE"], 3), (["--candidate-version", "v13"], 0),
    ] as [([String], Int32)])
    func foreignRecording(_ flags: [String], _ status: Int32) throws {
        let release = Project.root.appendingPathComponent("Fixtures/releases/airline-v13/release.yaml").path
        let lines = try String(contentsOfFile: Fixture.v13, encoding: .utf8).replacingOccurrences(of: #""version": "v13""#, with: #""version": "v99""#)
        let other = try Scratch.file(Array(lines.utf8), name: "other.jsonl")
        let result = try Outrigger.run(
            ["gate", "--config", Fixture.gate, "--no-export", "--candidate", "recorded:\(other)"] + flags.map { $0 == "RELEASE" ? release : $0 })
        #expect(result.status == status, "\(result.output)\(result.errors)")
        #expect(result.output.contains("the candidate's recording says version v99 (40), and is credited to v13"), "\(result.output)")
        #expect(result.output.contains("foreign_release") == (status == 3), "\(result.output)")
    }

    @Test("secrets that agents and evaluators say in errors are in no report", arguments: ["error", "score"])
    func secretErrors(_ kind: String) throws {
        let secret = "sk-abcdefghijklmnopqrstuvwxyz0123456789ABCD"
        let script = try Scratch.file([
            "while read -r line; do", #"  id=${line#*'"run_id":"'}"#, #"  id=${id%%'"'*}"#,
            #"  echo "{\"type\":\"$1\",\"run_id\":\"$id\",\"error\":\"mail ana.lima@example.com key \#(secret)\"}""#, "done",
        ], name: "agent.sh")
        let gate = try Scratch.file(
            kind == "error" ? ["allow_inconclusive: false"] : [
                "evaluators: {judge: {agent: \"exec:sh \(script) score\", timeout: 20s}}",
                "checks: [{name: good, score: {evaluator: judge, at_least: 0.5}}]",
            ], name: "gate.yaml")
        let candidate = kind == "error" ? "exec:sh \(script) result" : "recorded:\(Fixture.v13)"
        let folder = try Scratch.folder()
        let forms = ["json", "junit", "markdown", "html"]
        func path(_ form: String) -> String { folder.appendingPathComponent(form).path }
        let result = try Outrigger.run(
            ["gate", "--config", gate, "--traces", Fixture.v12, "--candidate", candidate, "--limit", "4", "--no-export", "--report", "github"]
                + forms.flatMap { ["--report", "\($0)=\(path($0))"] },
            environment: ["GITHUB_STEP_SUMMARY": path("summary")])
        let told = try forms.map { try String(contentsOfFile: path($0), encoding: .utf8) } + [result.output, String(contentsOfFile: path("summary"), encoding: .utf8)]
        for text in told { #expect(!text.contains("sk-abc") && !text.contains("ana.lima"), "\(text)") }
        #expect(result.output.contains("[REDACTED:api_key]"), "\(result.output)\(result.errors)")
        let words = kind == "error" ? "gave no run at all (4 of 4)" : "evaluator_failed"
        #expect(result.output.contains(words), "\(result.output)\(result.errors)")
    }

    @Test("a recorded run is read once, however often it is to be repeated", arguments: [
        (["--repeat", "5"], [], "which --repeat does nothing to"), ([], ["run: {repeat: 5}"], "which repeat: 5 of the gate file does nothing to"),
        (["--repeat", "1"], [], nil), ([], ["run: {repeat: 1}"], nil),
    ] as [([String], [String], String?)])
    func repeatedRecordings(_ flags: [String], _ lines: [String], _ note: String?) throws {
        let gate = try Scratch.file(["allow_inconclusive: false"] + lines, name: "gate.yaml")
        let result = try Outrigger.run(
            ["gate", "--config", gate, "--traces", Fixture.v12, "--candidate", "recorded:\(Fixture.v13)", "--no-export", "--json"] + flags)
        let json = try Replay.parse(Data(result.output.utf8))
        #expect(try json.number("total") == 40)
        #expect(!result.output.contains("pass_hat_k"), "\(result.output.prefix(3000))")
        let notes = json["notes"] as? [String] ?? []
        #expect(notes.contains { $0.contains("does nothing to") } == (note != nil), "\(notes)")
        if let note { #expect(notes.contains { $0.contains(note) }, "\(notes)") }
    }

    @Test("no input is a command to GitHub's runner, which looks for ##[ anywhere in a line", arguments: [
        ["--json"], ["--report", "json=-"], ["--report", "json=/dev/stdout"], ["--report", "junit=-"], ["--report", "markdown=-"], ["--report", "github"], [],
    ])
    func runnerCommands(_ flags: [String]) throws {
        let id = "a##[error]b"
        let traces = try Scratch.file([###"{"trace_id": "\###(id)", "request": "##[stop-commands]x", "outcome": "##[x]", "tool_calls": ["##[y]"]}"###])
        let result = try Outrigger.run([
            "replay", "--traces", traces, "--no-export", "--candidate", "exec:echo '##[set-output name=x]y' >&2; exit 1",
        ] + flags, environment: ["GITHUB_STEP_SUMMARY": ""])
        #expect(result.status == 1, "\(result.errors)")
        #expect(!result.output.contains("##[") && !result.errors.contains("##["), "\(result.output)\(result.errors)")
        #expect(result.errors.contains("## [set-output name=x]y"), "\(result.errors)")
        guard flags.contains(where: { $0.contains("json") }) else { return }
        let details = try Replay.parse(Data(result.output.utf8))["details"] as? [[String: Any]]
        #expect(details?.first?["trace_id"] as? String == id)
    }

    @Test("that only some of the traces were replayed is told", arguments: [(3, true), (40, true), (41, false)])
    func limit(count: Int, isTold: Bool) throws {
        let text = try output([
            "replay", "--traces", Fixture.v12, "--candidate", "recorded:\(Fixture.v13)", "--no-export", "--limit", "\(count)",
        ])
        #expect(text.contains("only the first \(count) traces were replayed (--limit)") == isTold, "\(text)")
    }

    @Test("a time limit needs its unit", arguments: ["10", "ten", "-5s", "0s", "5x"])
    func unit(_ time: String) throws {
        let result = try Outrigger.run(["replay", "--traces", Fixture.v12, "--no-export", "--run-timeout=\(time)"])
        #expect(result.status == 2 && result.errors.contains("--run-timeout"), "\(result.errors)")
    }

    @Test("a file that cannot be opened has no line")
    func missingFile() throws {
        let result = try Outrigger.run(["gate", "--config", "/nonexistent.yaml", "--no-export"])
        #expect(result.status == 2)
        #expect(result.errors.contains("/nonexistent.yaml: cannot open"), "\(result.errors)")
    }

    @Test("calls that the candidate's release would have refused are told of")
    func schemas() throws {
        let releases = Project.root.appendingPathComponent("Fixtures/releases").path
        let text = try output(["replay", "--traces", Fixture.v12, "--no-export", "--candidate-version", "\(releases)/airline-v13/release.yaml"])
        #expect(!text.contains("does not fit its schema") && !text.contains("do not fit its schema"), "\(text)")
        let traces = try Scratch.file([
            #"{"trace_id": "a", "tool_calls": [{"name": "issue_refund", "args": {"reference": "NB424P", "amount": 700, "currency": "EUR"}}], "outcome": "success"}"#
        ])
        let told = try output(["replay", "--traces", traces, "--no-export", "--candidate-version", "\(releases)/airline-v13/release.yaml"])
        #expect(told.contains("1 call of issue_refund does not fit its schema in the release v13, so that a sidecar's tool gateway would refuse it"), "\(told)")
    }

    @Test("an agent that nobody runs is told as that")
    func refused() throws {
        let port = try Loopback.freePort()
        let text = try output([
            "replay", "--traces", Fixture.v12, "--limit", "1", "--no-export", "--candidate", "http://127.0.0.1:\(port)/run",
        ])
        #expect(text.contains("nobody listens there (Connection refused); is the agent running?"), "\(text)")
    }

    @Test("a chat URL that is not whole is told as that")
    func chatURL() throws {
        let agent = try PortProgram(["Fixtures/agents/http_agent.py", "0"])
        let text = try output([
            "replay", "--traces", Fixture.v12, "--limit", "1", "--no-export", "--candidate", "openai:http://127.0.0.1:\(agent.port)/v1",
            "--model", "m",
        ])
        #expect(text.contains("status 404") && text.contains("/v1/chat/completions"), "\(text)")
    }

    @Test("a result that nobody can read is an error", arguments: [["--json"], []])
    func closedOutput(_ flags: [String]) throws {
        let command = ([Outrigger.executable.path, "replay", "--traces", Fixture.v12, "--no-export"] + flags).joined(separator: " ")
        let result = try Command(URL(fileURLWithPath: "/bin/sh"), ["-c", "exec \(command) >&-"]).wait()
        #expect(result.status == 2, "\(result.errors)")
        #expect(result.errors.contains("Bad file descriptor"), "\(result.errors)")
    }

    @Test("lint tells a file that cannot be read as JSON too")
    func lint() throws {
        let result = try Outrigger.run(["release", "lint", "--json", "/nonexistent.yaml"])
        #expect(result.status == 2)
        let finding = try Replay.parse(Data(result.output.utf8))
        #expect(finding["file"] as? String == "/nonexistent.yaml" && finding["severity"] as? String == "error")
    }

    @Test("gate files say none and p50, and a missing key hides no known ones", arguments: [
        ("fail_on: none", nil), ("compare: {latency_ms: {statistic: p50}}", nil),
        ("slices: [{match: {tags: [a]}, max_failed: 1}]", "slices[0]: name is missing"),
        ("checks: [{name: a, score: {evaluator: x, at_least: 1}}]", "no evaluator is defined"),
    ])
    func gateFile(_ line: String, _ problem: String?) throws {
        let gate = try Scratch.file([line], name: "gate.yaml")
        let result = try Outrigger.run([
            "gate", "--config", gate, "--traces", Fixture.v12, "--candidate", "recorded:\(Fixture.v13)", "--no-export",
        ])
        #expect((result.status == 2) == (problem != nil), "\(result.errors)")
        if let problem { #expect(result.errors.contains(problem), "\(result.errors)") }
        #expect(!result.errors.contains("unknown key"), "\(result.errors)")
    }

    @Test("reports replace neither a ledger nor its keys, a run store or the step summary", arguments: [
        (["--audit", "X", "--report", "json=X"], "part of the audit ledger"), (["--audit", "X", "--report", "json=X.digest-key"], "part of the audit ledger"),
        (["--runs", "X", "--report", "html=X"], "part of the run store"), (["--report", "github", "--report", "json=X"], "the step summary"),
        (["--json", "--report", "github"], "both write to standard output"),
        (["--json", "--report", "markdown=/dev/stdout"], "both write to standard output"),
        (["--report", "html=/dev/fd/1", "--report", "json=/dev/stdout"], "both write to standard output"),
        (["--report", "json="], "name a file after the equals sign"),
    ])
    func overwriting(_ flags: [String], _ words: String) throws {
        let file = try Scratch.folder().appendingPathComponent("file").path
        for suffix in ["", ".digest-key"] { try Data("mine".utf8).write(to: URL(fileURLWithPath: file + suffix)) }
        let result = try Outrigger.run(
            ["replay", "--traces", Fixture.v12, "--no-export"] + flags.map { $0.replacingOccurrences(of: "X", with: file) },
            environment: ["GITHUB_STEP_SUMMARY": file])
        #expect(result.status == 2 && result.errors.contains(words), "\(result.errors)")
        for suffix in ["", ".digest-key"] { #expect(try String(contentsOfFile: file + suffix, encoding: .utf8) == "mine") }
    }

    @Test("a signal ends the reading of a line that does not end, and is never a pass", .timeLimit(.minutes(5)), arguments: [
        [], ["--allow-inconclusive"],
    ])
    func endlessLine(_ flags: [String]) throws {
        let command = try Outrigger.start(
            ["gate", "--traces", "/dev/zero", "--candidate", "recorded:\(Fixture.v13)", "--no-export"] + flags)
        // It has caught the signal's number once the handler is installed: until then it ends by the signal, as any process.
        try eventually("it catches signals") {
            let status = try String(contentsOfFile: "/proc/\(command.process.processIdentifier)/status", encoding: .utf8)
            let caught = status.split(separator: "\n").first { $0.hasPrefix("SigCgt:") }.flatMap { UInt64($0.dropFirst(7).drop { $0.isWhitespace }, radix: 16) }
            return (caught ?? 0) & (1 << 14) != 0
        }
        command.terminate()
        let result = try command.wait()
        #expect(result.status == 3, "\(result.errors)")
        #expect((result.output + result.errors).contains("ended by a signal"), "\(result.output)")
    }
}
