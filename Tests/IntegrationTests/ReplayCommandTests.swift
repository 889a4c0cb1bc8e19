import Foundation
import Testing

/// `outrigger replay` as a user of the Python sample calls it, and beyond.
@Suite struct ReplayCommandTests {
    @Test("does what the sample does: its rules, written once more, on generated traces", arguments: [1, 2, 3, 5])
    func sampleRules(seed: Int) throws {
        let check = try Project.support(
            "check_replay_rules", [Outrigger.executable.path, "--seed", "\(seed)", "--traces", "1500"]).wait()
        #expect(check.status == 0, "\(check.output)\(check.errors)")
    }

    @Test("finds every way in which the recorded candidate went wrong")
    func recordedCandidate() throws {
        let report = try Replay.run(["--traces", Fixture.v12, "--candidate", "recorded:\(Fixture.v14)", "--max-cost-tokens", "2500"])
        #expect(report.status == 1)
        let reasons = try report.reasonsByTrace
        #expect(reasons["air-001"] == ["wrong_arguments"])
        #expect(reasons["air-005"] == ["missing"])
        #expect(reasons["air-009"] == ["duplicated"])
        #expect(reasons["air-014"] == ["outcome_fail", "tool_misuse", "wrong_tool"])
        #expect(reasons["air-018"] == ["outcome_fail", "missing", "duplicated", "loop"])
        #expect(reasons["air-019"] == ["extra"])
        #expect(reasons["air-026"] == ["reordered"])
        #expect(reasons["air-040"] == ["no_run"])
        #expect(reasons["air-002"] == [])
        #expect(try report.json.number("total") == 40)
        #expect(try report.json.number("passed") + report.json.number("failed") == 40)
        #expect(try report.json.number("unpaired.total") == 1)
        #expect(try report.json.number("unpaired.candidate.no_run") == 1)
        #expect(report.json.value("unpaired.examples") as? [String] == ["air-040"])
        // What was said stands where something went wrong.
        let details = try #require(report.json["details"] as? [[String: Any]])
        for detail in details {
            let isTold = (detail["request"] as? String)?.isEmpty == false && detail.value("baseline.response") is String
            #expect(isTold == (detail["passed"] as? Bool == false), "\(detail)")
        }
    }

    @Test("finds the candidate's run by its id, wherever it stands", arguments: [0, 1, 2])
    func shuffled(seed: UInt64) throws {
        var generator = ShuffleGenerator(state: seed)
        let lines = try String(contentsOfFile: Fixture.v14, encoding: .utf8).split(separator: "\n").map(String.init)
        let shuffled = try Scratch.file(lines.shuffled(using: &generator))
        let flags = ["--traces", Fixture.v12, "--max-cost-tokens", "2500", "--candidate"]
        let inOrder = try Replay.run(flags + ["recorded:\(Fixture.v14)"])
        let report = try Replay.run(flags + ["recorded:\(shuffled)"])
        #expect(try report.reasonsByTrace == inOrder.reasonsByTrace)
    }

    @Test("pairs repeated ids in order, and reports what is missing on either side")
    func unmatched() throws {
        let traces = try Scratch.file([
            #"{"trace_id": "a", "outcome": "success", "latency_ms": 1}"#, #"{"trace_id": "a", "outcome": "success", "latency_ms": 2}"#,
            #"{"trace_id": "b", "outcome": "success"}"#, #"{"outcome": "success"}"#,
        ])
        let candidate = try Scratch.file([
            #"{"trace_id": "x", "outcome": "success"}"#, #"{"trace_id": "a", "outcome": "success", "latency_ms": 10}"#,
            #"{"trace_id": "a", "outcome": "success", "latency_ms": 20}"#, #"{"trace_id": "a", "outcome": "success"}"#, "{}",
        ])
        let report = try Replay.run(["--traces", traces, "--candidate", "recorded:\(candidate)"])
        let details = try #require(report.json["details"] as? [[String: Any]])
        #expect(details.map { ($0["candidate"] as? [String: Any])?["latency_ms"] as? Int } == [10, 20, nil, nil])
        #expect(details.map { $0["reason"] as? [String] } == [[], [], ["no_run"], ["no_run"]])
        #expect(try report.json.number("unmatched.candidate") == 3)
        #expect((report.json.value("unmatched.examples") as? [String])?.contains("x") == true)
    }

    @Test("lines that cannot be read are counted and told, and the others are judged")
    func rejectedLines() throws {
        let traces = try Scratch.file([
            #"{"trace_id": "a", "outcome": "success"}"#, #"{"trace_id": "b", "outcome": 5}"#, "nonsense",
            #"{"trace_id": "c", "outcome": "success"}"#,
        ])
        let report = try Replay.run(["--traces", traces])
        // The sample ends with a traceback there, which is 1 too.
        #expect(report.status == 1)
        #expect(try report.json.number("total") == 2 && report.json.number("failed") == 0)
        #expect(try report.json.number("rejected_lines.wrong_type") == 1)
        #expect(try report.json.number("rejected_lines.invalid_json") == 1)
        #expect(report.errors.contains(":2:") && report.errors.contains(":3:"))
    }

    @Test("wrong commands end with status 2 and say what to do", arguments: [
        (["--traces", "/nonexistent.jsonl"], "/nonexistent.jsonl"),
        ([], "--traces"),
        (["--traces", "FILE", "--candidate", "grpc://x"], "http://"),
        (["--traces", "FILE", "--candidate", "nonsense"], "recorded:FILE"),
        (["--traces", "FILE", "--candidate", "http://127.0.0.1:1/", "--agent-header", "authorization=env:OUTRIGGER_NO_SUCH"], "OUTRIGGER_NO_SUCH"),
        (["--traces", "FILE", "--candidate", "http://127.0.0.1:1/", "--tool-fallback", "/nonexistent"], "/nonexistent"),
        (["--traces", "FILE", "--candidate", "recorded:/nonexistent"], "/nonexistent"),
        (["--traces", "FILE", "--fail-on", "wrong_tol"], "wrong_tool"),
        (["--traces", "FILE", "--fail-on", ""], "or none to let all of them pass"), (["--traces", "FILE", "--fail-on", ","], "none to let"),
        (["--traces", "FILE", "--fail-on", "missing,"], "leaves a kind out"),
        (["--traces", "FILE", "--max-latency-ms", "nan"], "--max-latency-ms must be a number from 0 to 1e12"),
        (["--traces", "FILE", "--max-latency-ms", "inf"], "--max-latency-ms must be"),
        (["--traces", "FILE", "--max-latency-ms=-1"], "--max-latency-ms must be"),
        (["--traces", "FILE", "--max-cost-tokens", "nan"], "--max-cost-tokens must be a number from 0 to 1e15"),
        (["--traces", "FILE", "--run-timeout", "100000000h"], "below 277777h"),
        (["--traces", "FILE", "--report", "pdf=x"], "junit=FILE"),
        (["--traces", "FILE", "--link", "http://x/{trace}"], "{trace_id}"),
        (["--traces", "FILE", "--repeat", "0"], "--repeat"),
        (["--traces", "FILE", "--candidate-version", "/nonexistent.yaml"], "/nonexistent.yaml"),
        (["--traces", "FILE", "--report", "json=/nonexistent/x.json"], "/nonexistent/x.json"),
        (["--traces", "FILE", "--baseline-result", "/nonexistent.json"], "/nonexistent.json"),
        (["--traces", "/tmp"], "/tmp"), (["--nope"], "Unknown option '--nope'"), (["--traces", "FILE", "--limit", "x"], "--limit"),
    ] as [([String], String)])
    func usage(_ arguments: [String], _ words: String) throws {
        let result = try Outrigger.run(["replay", "--no-export"] + arguments.map { $0 == "FILE" ? Fixture.v12 : $0 })
        #expect(result.status == 2)
        #expect(result.errors.contains(words), "\(result.errors)")
        #expect(result.errors.split(separator: "\n").contains { $0.hasPrefix("error: ") }, "\(result.errors)")
        #expect(result.output.isEmpty)
    }

    @Test("a report never takes the place of what is read, or of another report", arguments: [
        (["--report", "json=TRACES"], "the traces"), (["--report", "html=LINK"], "the traces"), (["--report", "junit=HARD"], "the traces"),
        (["--candidate", "recorded:OTHER", "--report", "json=OTHER"], "the candidate's recording"),
        (["--baseline-result", "EARLIER", "--report", "json=EARLIER"], "the earlier result"),
        (["--candidate-version", "RELEASE", "--report", "markdown=RELEASE"], "part of the candidate's release"),
        (["--candidate-version", "RELEASE", "--report", "markdown=PROMPT"], "part of the candidate's release"),
        (["--report", "json=NEW", "--report", "html=./NEW"], "--report json"), (["--json", "--report", "html=-"], "standard output"),
    ] as [([String], String)])
    func overwriting(_ arguments: [String], _ words: String) throws {
        let folder = try Scratch.folder()
        func path(_ name: String) -> String { folder.appendingPathComponent(name).path }
        func copy(_ from: String, _ name: String) throws { try FileManager.default.copyItem(atPath: from, toPath: path(name)) }
        try copy(Fixture.v12, "traces.jsonl")
        try copy(Fixture.v13, "other.jsonl")
        try copy(Project.root.appendingPathComponent("Fixtures/releases/airline-v13").path, "release")
        try FileManager.default.createSymbolicLink(atPath: path("link"), withDestinationPath: path("traces.jsonl"))
        try FileManager.default.linkItem(atPath: path("traces.jsonl"), toPath: path("hard"))
        _ = try Outrigger.run(["replay", "--no-export", "--traces", Fixture.v12, "--report", "json=\(path("earlier.json"))"])
        func contents() throws -> [String: Data] {
            let names = try FileManager.default.subpathsOfDirectory(atPath: folder.path).sorted()
            return try Dictionary(uniqueKeysWithValues: names.compactMap { name in
                var isFolder: ObjCBool = false
                _ = FileManager.default.fileExists(atPath: path(name), isDirectory: &isFolder)
                return isFolder.boolValue ? nil : (name, try Data(contentsOf: URL(fileURLWithPath: path(name))))
            })
        }
        let before = try contents()
        let places = [
            "TRACES": "traces.jsonl", "LINK": "link", "HARD": "hard", "OTHER": "other.jsonl", "EARLIER": "earlier.json",
            "RELEASE": "release/release.yaml", "PROMPT": "release/prompts/system.md", "./NEW": "./new", "NEW": "new",
        ]
        let flags = arguments.map { argument in
            places.sorted { $0.key.count > $1.key.count }.first { argument.hasSuffix($0.key) }
                .map { argument.dropLast($0.key.count) + path($0.value) } ?? argument
        }
        let result = try Outrigger.run(["replay", "--no-export", "--traces", path("traces.jsonl")] + flags)
        #expect(result.status == 2, "\(result.output)")
        #expect(result.errors.contains(words), "\(result.errors)")
        #expect(try contents() == before)
    }

    @Test("the gate files that we show work")
    func shownGates() throws {
        for name in ["sample", "complete"] {
            let gate = Project.root.appendingPathComponent("Fixtures/gates/\(name).yaml").path
            let result = try Outrigger.run(["gate", "--config", gate, "--no-export"])
            #expect(result.status == 0, "\(name): \(result.output)\(result.errors)")
        }
    }

    /// As the README says it.
    @Test("the agent that we show passes, and is found out where it is hasty", arguments: [("", 0), (" --hasty", 10)])
    func shownAgent(flag: String, failed: Int) throws {
        let agent = Project.root.appendingPathComponent("Fixtures/agents/airline.py").path
        let report = try Replay.run([
            "--traces", Fixture.v12, "--candidate", "exec:python3 \(agent)\(flag)", "--fail-on",
            "wrong_tool,missing,duplicated,extra", "--max-cost-tokens", "2500",
        ])
        #expect(try report.json.number("compared") == 40)
        #expect(try report.json.number("failed") == failed)
        #expect(try report.reasonsByTrace.values.allSatisfy { $0 == ["missing"] || $0 == [] })
    }

    @Test("a recording that says another version than it is credited to is told of, and so is a misspelt tool")
    func notes() throws {
        let gate = try Scratch.file(["checks:", "  - {name: no wipe, forbidden_tools: [isue_refund]}"], name: "gate.yaml")
        let result = try Outrigger.run([
            "gate", "--config", gate, "--no-export", "--traces", Fixture.v12, "--candidate", "recorded:\(Fixture.v13)",
            "--baseline-version", "v9", "--candidate-version", "v13",
        ])
        #expect(result.output.contains("the baseline's recording says version v12 (40), and is credited to v9"), "\(result.output)")
        #expect(!result.output.contains("the candidate's recording says"))
        #expect(result.output.contains("did you mean issue_refund?"))
    }

    @Test("a signal ends it with a partial report that says so", arguments: [SIGINT, SIGTERM])
    func interrupted(signal: Int32) throws {
        let pipe = Pipe()
        let report = try Scratch.folder().appendingPathComponent("report.json").path
        let command = try Outrigger.start(
            ["replay", "--traces", "-", "--no-export", "--report", "json=\(report)"], input: pipe.fileHandleForReading)
        let lines = (0..<20_000).map { #"{"trace_id": "t-\#($0)", "outcome": "success"}"# + "\n" }.joined()
        try pipe.fileHandleForWriting.write(contentsOf: Data(lines.utf8))
        // The reader asks for a stop between traces, so one more must come after the signal.
        kill(command.process.processIdentifier, signal)
        try eventually("the command heard the signal") { try command.errorsSoFar.contains("ending the replay") }
        // No more than fits into the pipe: the command may have ended by now, and nobody would take it out.
        try pipe.fileHandleForWriting.write(contentsOf: Data((#"{"trace_id": "last", "outcome": "success"}"# + "\n").utf8))
        try pipe.fileHandleForWriting.close()
        let result = try command.wait()
        #expect(result.status == 1)
        #expect(result.output.contains("artial"), "\(result.output.suffix(500))")
        let json = try Replay.parse(try Data(contentsOf: URL(fileURLWithPath: report)))
        #expect((json["partial"] as? String)?.contains("signal") == true)
        #expect(try json.number("total") <= 20_000)
    }

    @Test("compares with an earlier result")
    func earlier() throws {
        let folder = try Scratch.folder()
        let before = folder.appendingPathComponent("before.json").path
        _ = try Outrigger.run(
            ["replay", "--traces", Fixture.v12, "--candidate", "recorded:\(Fixture.v13)", "--max-cost-tokens", "2500", "--no-export",
             "--report", "json=\(before)"])
        let report = try Replay.run(
            ["--traces", Fixture.v12, "--candidate", "recorded:\(Fixture.v14)", "--max-cost-tokens", "2500", "--baseline-result", before])
        let broken = try #require(report.json.value("comparison.broken") as? [String])
        let all: Set = ["air-001", "air-005", "air-009", "air-014", "air-018", "air-019", "air-025", "air-026", "air-040"]
        #expect(Set(broken) == all.subtracting(try Replay.failed(before)))
        #expect(try report.json.number("comparison.only_before") == 0)
    }

    @Test("the real runs of two trials, against each other", .enabled(if: Project.realRuns.count == 2))
    func realRuns() throws {
        let report = try Replay.run(["--traces", Project.realRuns[0], "--candidate", "recorded:\(Project.realRuns[1])", "--max-cost-tokens", "1e9"])
        #expect(try report.json.number("total") == 50)
        #expect(try report.json.number("compared") == 50)
        #expect(try report.json.number("identical") < 50)
        #expect(try report.json.number("unmatched.candidate") == 0)
    }
}

@Suite struct GateCommandTests {
    @Test("the sample gate passes v13, fails v14, and finds one arm against itself inconclusive", arguments: [
        (["--candidate", "recorded:FILE13"], 0, "pass"),
        ([], 0, "pass"),
        (["--candidate", "recorded:FILE14", "--candidate-version", "v14"], 1, "fail"),
        (["--candidate", "recorded"], 3, "inconclusive"),
        (["--candidate", "recorded", "--allow-inconclusive"], 0, "inconclusive"),
        (["--min-runs", "41"], 3, "inconclusive"),
        (["--limit", "3"], 3, "inconclusive"),
    ] as [([String], Int32, String)])
    func sampleGate(_ flags: [String], _ status: Int32, _ verdict: String) throws {
        let flags = flags.map { $0.replacingOccurrences(of: "FILE13", with: Fixture.v13).replacingOccurrences(of: "FILE14", with: Fixture.v14) }
        let result = try Outrigger.run(["gate", "--config", Fixture.gate, "--no-export", "--json"] + flags)
        #expect(result.status == status, "\(result.errors)")
        let json = try Replay.parse(Data(result.output.utf8))
        #expect(json["verdict"] as? String == verdict)
    }

    @Test("an empty set of traces is inconclusive")
    func empty() throws {
        let traces = try Scratch.file([])
        let result = try Outrigger.run(["gate", "--traces", traces, "--candidate", "recorded:\(traces)", "--no-export"])
        #expect(result.status == 3)
        #expect(result.output.contains("INCONCLUSIVE"))
    }

    @Test("a gate file with mistakes is refused with the line, the place and the nearest key")
    func badFile() throws {
        let file = try Scratch.file(["traces: x.jsonl", "thresholds:", "  max_faild: 1"], name: "gate.yaml")
        let result = try Outrigger.run(["gate", "--config", file, "--no-export"])
        #expect(result.status == 2)
        #expect(result.errors.contains("gate.yaml:3") && result.errors.contains("max_failed"), "\(result.errors)")
    }
}

@Suite struct ReplayExportTests {
    @Test("both arms arrive linked, with their evaluations, as an independent decoder reads them", arguments: [
        [], ["--protocol", "http/json"], ["--compression", "gzip", "--batch-spans", "7"], ["--capture", "full"],
    ])
    func arrives(_ flags: [String]) throws {
        let collector = try StubCollector()
        let report = try Scratch.folder().appendingPathComponent("report.json").path
        let result = try Outrigger.run(
            ["gate", "--config", Fixture.gate, "--candidate", "recorded:\(Fixture.v14)", "--endpoint", collector.endpoint,
             "--report", "json=\(report)"] + flags)
        #expect(result.status == 1)
        let check = try Project.support("check_replay_export", [collector.requestsFile, report]).wait()
        #expect(check.status == 0, "\(check.output)\(check.errors)")
    }

    @Test("the same recordings give the same ids, and others, another version or another replay id give others")
    func stableIDs() throws {
        let flags = ["--traces", Fixture.v12, "--candidate", "recorded:\(Fixture.v13)"]
        func ids(_ more: [String]) throws -> [String] {
            let collector = try StubCollector()
            let report = try Replay.run(flags + more + ["--endpoint", collector.endpoint], exports: true)
            let details = try #require(report.json["details"] as? [[String: Any]])
            return details.compactMap { ($0["candidate"] as? [String: Any])?["trace_id"] as? String }
        }
        let first = try ids([])
        #expect(first.count == 40 && Set(first).count == 40)
        #expect(try ids([]) == first)
        let copy = try Scratch.file(try Data(contentsOf: URL(fileURLWithPath: Fixture.v13)), name: "airline-v13.jsonl")
        #expect(try ids(["--candidate", "recorded:\(copy)"]) == first, "in another folder")
        #expect(Set(try ids(["--candidate", "recorded:\(Fixture.v14)"])).isDisjoint(with: first))
        #expect(Set(try ids(["--candidate-version", "v13"])).isDisjoint(with: first))
        #expect(Set(try ids(["--baseline-version", "v12"])).isDisjoint(with: first))
        #expect(Set(try ids(["--replay-id", "other"])).isDisjoint(with: first))
    }

    @Test("without a collector the replay still ends with its verdict and says what was not exported")
    func noCollector() throws {
        let port = try Loopback.freePort()
        let result = try Outrigger.run(
            ["replay", "--traces", Fixture.v12, "--max-cost-tokens", "9999", "--endpoint", "http://127.0.0.1:\(port)", "--retry-max", "0ms", "--json"])
        #expect(result.status == 0)
        let json = try Replay.parse(Data(result.output.utf8))
        #expect(try json.number("export.spans.accepted") == 0)
        #expect(try json.number("export.spans.unsent") == json.number("export.spans.built"))
        #expect(try json.number("export.spans.built") > 0)
        #expect((json.value("export.problem") as? String)?.contains("127.0.0.1:\(port)") == true)
    }
}

enum Fixture {
    static let v12 = Project.fixture("airline-v12.jsonl")
    static let v13 = Project.fixture("airline-v13.jsonl")
    static let v14 = Project.fixture("airline-v14.jsonl")
    static let gate = Project.root.appendingPathComponent("Fixtures/gates/sample.yaml").path
}

/// `outrigger replay` with its report for machines.
struct Replay {
    var status: Int32
    var json: [String: Any]
    var errors: String

    static func run(_ arguments: [String], exports: Bool = false) throws -> Replay {
        let result = try Outrigger.run(["replay", "--json"] + (exports ? [] : ["--no-export"]) + arguments)
        return Replay(status: result.status, json: try parse(Data(result.output.utf8)), errors: result.errors)
    }

    static func parse(_ data: Data) throws -> [String: Any] {
        try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
    }

    /// Ids of the traces that failed in a report.
    static func failed(_ file: String) throws -> Set<String> {
        let details = try parse(Data(contentsOf: URL(fileURLWithPath: file)))["details"] as? [[String: Any]] ?? []
        return Set(details.filter { $0["passed"] as? Bool == false }.compactMap { $0["trace_id"] as? String })
    }

    var reasonsByTrace: [String: [String]] {
        get throws {
            let details = try #require(json["details"] as? [[String: Any]])
            return Dictionary(details.map { ($0["trace_id"] as? String ?? "", $0["reason"] as? [String] ?? []) }) { $1 }
        }
    }
}

/// Shuffles the same way each time.
private struct ShuffleGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state ^ state >> 29
    }
}
