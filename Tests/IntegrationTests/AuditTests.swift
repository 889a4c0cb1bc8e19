import Foundation
import Testing

/// `outrigger audit` as a user starts it.
@Suite(.timeLimit(.minutes(10)))
struct AuditTests {
    private let folder: URL
    private var ledger: String { folder.appendingPathComponent("ledger.db").path }
    private static let traces = Fixture.v12

    init() throws {
        folder = try Scratch.folder()
    }

    private func audit(_ arguments: [String], fileLimit: Int? = nil) throws -> Command.Result {
        try Outrigger.start(["audit"] + arguments, fileLimit: fileLimit).wait()
    }

    private func prepare() throws {
        #expect(try audit(["keys", ledger]).status == 0)
        let result = try audit(["import", ledger, Self.traces, "--capture", "full"])
        #expect(result.status == 0, "\(result.errors)")
    }

    private func entries(_ arguments: [String] = []) throws -> [[String: Any]] {
        let result = try audit(["list", ledger, "--format", "json", "--limit", "100000", "--oldest-first"] + arguments)
        #expect(result.status == 0, "\(result.errors)")
        return try result.output.split(separator: "\n").map {
            try #require(JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
    }

    @Test func importedCallsHaveTheirSpansIds() throws {
        try prepare()
        let spans = folder.appendingPathComponent("spans.jsonl").path
        #expect(try Outrigger.start(["backfill", Self.traces, "--output", spans]).wait().status == 0)
        var ids: Set<String> = []
        for line in try String(contentsOfFile: spans, encoding: .utf8).split(separator: "\n") {
            let request = try #require(JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            for resource in request["resourceSpans"] as? [[String: Any]] ?? [] {
                for scope in resource["scopeSpans"] as? [[String: Any]] ?? [] {
                    for span in scope["spans"] as? [[String: Any]] ?? [] where span["name"] as? String == "tool.call" || (span["name"] as? String)?.hasPrefix("execute_tool") == true {
                        ids.insert("\(span["traceId"] ?? "") \(span["spanId"] ?? "") \(span["startTimeUnixNano"] ?? "")")
                    }
                }
            }
        }
        let recorded = Set(try entries().map { "\($0["trace_id"] ?? "") \($0["span_id"] ?? "") \($0["time"] ?? "")" })
        #expect(recorded.count == 70)
        #expect(recorded == ids)
        // Again: all of it is there.
        let again = try audit(["import", ledger, Self.traces, "--json"])
        #expect(try again.summary["entries"] as? Int == 0 && again.summary["known_runs"] as? Int == 30)
    }

    /// A backfill records what it sends, with several workers at once; what it only tries out it does not record.
    @Test func aBackfillRecords() throws {
        let spans = folder.appendingPathComponent("spans.jsonl").path
        let arguments = ["backfill", Fixture.v12, "--output", spans, "--audit", ledger]
        let missing = try Outrigger.start(arguments).wait()
        #expect(missing.status == 2 && missing.errors.contains("outrigger audit keys"))
        #expect(try audit(["keys", ledger]).status == 0)
        #expect(try Outrigger.start(arguments + ["--dry-run"]).wait().status == 0)
        #expect(!FileManager.default.fileExists(atPath: ledger))
        let result = try Outrigger.start(arguments).wait()
        #expect(result.status == 0 && result.errors.contains("70 tool calls recorded"), "\(result.errors)")
        #expect(!result.errors.contains("in the ledger already"))
        #expect(try entries().count == 70)
        #expect(try audit(["verify", ledger]).status == 0)
        // What is there already is not recorded again, which everyone says.
        let again = try Outrigger.start(arguments).wait()
        #expect(again.errors.contains("the tool calls of 30 runs were in the ledger already") && again.errors.contains("--dataset"))
        let imported = try audit(["import", ledger, Fixture.v12, "--json"])
        #expect(try imported.summary["known_runs"] as? Int == 30)
        #expect(imported.errors.contains("30 runs were in the ledger already") && imported.errors.contains("--dataset"))
    }

    /// Both arms of a replay, beside each other.
    @Test func aReplayRecords() throws {
        #expect(try audit(["keys", ledger]).status == 0)
        let arguments = ["replay", "--traces", Fixture.v12, "--candidate", "recorded:\(Fixture.v13)", "--no-export", "--audit", ledger]
        let result = try Outrigger.start(arguments).wait()
        #expect(result.status <= 1, "\(result.errors)")
        let all = try entries()
        #expect(all.allSatisfy { $0["verdict"] as? String == "replayed" && $0["mode"] as? String == "replay" })
        #expect(Set(all.compactMap { $0["arm"] as? String }) == ["baseline", "candidate"])
        let trace = try #require(all.first?["trace_id"] as? String)
        let shown = try audit(["trace", ledger, trace]).output
        #expect(shown.contains("baseline") && shown.contains("candidate"))
        #expect(try audit(["verify", ledger]).status == 0)
        #expect(!result.errors.contains("in the audit ledger already"))
        // The same replay again is the same runs, and says so.
        let again = try Outrigger.start(arguments + ["--json"]).wait()
        #expect(again.status <= 1)
        #expect(try entries().count == all.count)
        for text in [again.output, again.errors] { #expect(text.contains("in the audit ledger already") && text.contains("--replay-id")) }
    }

    /// Replays of other recordings, or of other versions, are others: nothing of theirs is left out.
    @Test(arguments: [
        (["--candidate", "recorded:\(Fixture.v14)", "--candidate-version", "v14"], true),
        (["--candidate", "recorded:\(Fixture.v14)", "--candidate-version", "v13"], true),
        (["--candidate", "recorded:\(Fixture.v13)", "--candidate-version", "v14"], true),
        (["--candidate", "recorded:\(Fixture.v13)", "--candidate-version", "v13", "--baseline-version", "v12"], true),
        (["--candidate", "recorded:\(Fixture.v13)", "--candidate-version", "v13", "--baseline-version", "v1"], false),
        (["--candidate", "recorded:\(Fixture.v14)", "--candidate-version", "v14", "--replay-id", "nightly"], false),
    ] as [([String], Bool)])
    func replaysOfOthers(arms: [String], areOthers: Bool) throws {
        #expect(try audit(["keys", ledger]).status == 0)
        let name = arms.contains("nightly") ? ["--replay-id", "nightly"] : []
        let start = ["replay", "--traces", Fixture.v12, "--no-export", "--audit", ledger]
        let first = try Outrigger.start(start + ["--candidate", "recorded:\(Fixture.v13)", "--candidate-version", "v13"] + name).wait()
        #expect(first.status <= 1, "\(first.errors)")
        let before = try entries().count
        let second = try Outrigger.start(start + arms).wait()
        #expect(second.status <= 1, "\(second.errors)")
        let added = Set(try entries().dropFirst(before).compactMap { $0["arm"] as? String })
        let expected: Set<String> = areOthers ? ["baseline", "candidate"] : []
        #expect(added == expected)
        #expect(second.errors.contains("in the audit ledger already") == !areOthers, "\(second.errors)")
    }

    @Test func whatTheCommandsSay() throws {
        try prepare()
        #expect(try audit(["verify", ledger]).status == 0)
        #expect(try entries(["--tool", "issue_refund"]).count == 10)
        #expect(try entries(["--text", "Tom Berger"]).isEmpty == false)
        let table = try audit(["list", ledger, "--limit", "3"])
        #expect(table.output.split(separator: "\n").count == 4 && table.errors.contains("--after 68"))
        let csv = try audit(["list", ledger, "--format", "csv", "--limit", "2"]).output
        #expect(csv.hasPrefix("number,time,kind,") && csv.split(separator: "\r\n").count == 3)
        let first = try #require(try entries().first)
        let trace = try #require(first["trace_id"] as? String)
        #expect(try audit(["trace", ledger, trace]).output.contains("lookup_booking"))
        #expect(try audit(["trace", ledger, String(repeating: "f", count: 32)]).status == 1)
        #expect(try audit(["stats", ledger]).output.contains("█"))
        #expect(try audit(["diff", ledger]).output.contains("nothing"))
        #expect(try audit(["show", ledger, "1"]).output.contains("lookup_booking"))
        #expect(try audit(["show", ledger, "1000"]).status == 1)
        #expect(try audit(["import", ledger, Fixture.v13, "--role", "candidate"]).status == 0)
        #expect(try audit(["diff", ledger, "--arguments", "--json"]).status == 0)
        #expect(try audit(["verify", ledger, "--json"]).summary["good"] as? Bool == true)
        #expect(try audit(["erase", ledger, "--why", "x"]).status == 2, "nothing is named")
        #expect(try audit(["erase", ledger, "--trace", trace, "--why", "request 7"]).status == 0)
        #expect(try audit(["show", ledger, "1"]).output.contains("erased"))
        let export = folder.appendingPathComponent("export.jsonl").path
        #expect(try audit(["export", ledger, "-o", export]).status == 0)
        #expect(try audit(["export", ledger, "-o", ledger]).status == 2, "the ledger would be overwritten")
        #expect(try verifyWithPython(export) == 0 && verifyWithPython(ledger) == 0)
        #expect(try audit(["checkpoint", ledger]).output.contains("\"signature\":\""))
        #expect(try audit(["prune", ledger, "--before", "2030-01-01T00:00:00Z"]).status == 0)
        #expect(try audit(["verify", ledger]).status == 0)
        #expect(try entries().map { $0["kind"] as? String } == ["pruning"])
    }

    @Test(arguments: [("--since", "90s", 0), ("--since", "2h", 1), ("--since", "4d", 2), ("--until", "2d", 1), ("--until", "30m", 2)])
    func timesAreTakenAsHowLongAgo(flag: String, time: String, count: Int) throws {
        let lines = [3600.0, 3 * 86_400].map { ago in
            #"{"trace_id": "\#(ago)", "start_time": "\#(ISO8601DateFormatter().string(from: Date(timeIntervalSinceNow: -ago)))", "#
                + #""latency_ms": 10, "tool_calls": [{"name": "lookup", "args": {}}], "tool_results": [{"success": true, "result": 1}], "#
                + #""outcome": "success"}"#
        }
        #expect(try audit(["keys", ledger]).status == 0)
        let imported = try audit(["import", ledger, Scratch.file(lines)])
        #expect(imported.status == 0, "\(imported.errors)")
        #expect(try entries([flag, time]).count == count)
        let nothing = try audit(["prune", ledger, "--before", "5y"])
        #expect(nothing.status == 2 && nothing.errors.contains("--before"), "\(nothing.errors)")
    }

    private func verifyWithPython(_ path: String) throws -> Int32 {
        let key = try String(contentsOfFile: ledger + ".public-key", encoding: .utf8).trimmingCharacters(in: .newlines)
        return try Project.support("verify_ledger", [path, "--public-key", key]).wait().status
    }

    /// What no checkpoint covers yet is exported without a proof: it is told, and neither bad nor proven.
    @Test func whatAnExportCannotProve() throws {
        try prepare()
        let export = folder.appendingPathComponent("export.jsonl").path
        /// How many entries the verifier says are not proven; whether the export says so.
        func unproven(isTold: Bool) throws -> Int? {
            let result = try audit(["export", ledger, "-o", export, "--tool", "issue_refund"])
            #expect(result.status == 0 && result.errors.contains("entries exported: 10"), "\(result.errors)")
            let verified = try Project.support("verify_ledger", [export]).wait()
            #expect(verified.status == 0, "\(verified.output) \(verified.errors)")
            #expect(result.errors.contains("10 of them have no proof") == isTold)
            #expect(result.errors.contains("outrigger audit checkpoint \(ledger)") == isTold)
            return try verified.summary["unproven"] as? Int
        }
        #expect(try unproven(isTold: false) == 0)
        let cut = "import sqlite3,sys; d = sqlite3.connect(sys.argv[1]); d.execute('DELETE FROM checkpoints WHERE count > 1'); d.commit()"
        #expect(try Command(Project.python, ["-c", cut, ledger]).wait().status == 0)
        #expect(try unproven(isTold: true) == 10)
        #expect(try audit(["checkpoint", ledger]).status == 0)
        #expect(try unproven(isTold: false) == 0)
    }

    /// Where the output cannot be written, it is not the ledger that failed.
    @Test func anExportThatCannotBeWritten() throws {
        #expect(try audit(["keys", ledger]).status == 0)
        let big = folder.appendingPathComponent("big.jsonl")
        // More than is written at once, so that it fails while the ledger is read.
        try Data(Self.manyRuns(2000).utf8).write(to: big)
        #expect(try audit(["import", ledger, big.path]).status == 0)
        let result = try audit(["export", ledger, "-o", "/dev/full"])
        #expect(result.status == 2)
        #expect(result.errors.hasPrefix("error: cannot write /dev/full: "), "\(result.errors)")
    }

    @Test func aFindingEndsWithOne() throws {
        try prepare()
        let change = "import sqlite3,sys; d = sqlite3.connect(sys.argv[1]); d.execute(\"UPDATE entries SET tool = 'x' WHERE number = 9\"); d.commit()"
        #expect(try Command(Project.python, ["-c", change, ledger]).wait().status == 0)
        let result = try audit(["verify", ledger])
        #expect(result.status == 1 && result.output.contains("BAD (changed): entry 9"))
        #expect(try verifyWithPython(ledger) == 1)
    }

    @Test func keysAndLedgersThatAreMissing() throws {
        let missing = try audit(["import", ledger, Self.traces])
        #expect(missing.status == 2 && missing.errors.contains("outrigger audit keys"))
        #expect(try audit(["keys", ledger]).status == 0)
        #expect(try audit(["keys", ledger]).status == 2, "no key is overwritten")
        for suffix in [".digest-key", ".signing-key"] {
            let mode = try FileManager.default.attributesOfItem(atPath: ledger + suffix)[.posixPermissions] as? Int
            #expect(mode == 0o600)
        }
        #expect(try audit(["list", ledger]).status == 2)
        #expect(try audit(["prune", ledger, "--before", "2030-01-01T00:00:00Z"]).status == 2)
    }

    /// Two processes on one ledger: the second is refused, and told why; readers are not.
    @Test func aSecondWriterIsRefused() throws {
        try prepare()
        let input = Pipe()
        let first = try Outrigger.start(["audit", "import", ledger, "-", "--start-time", "0"], input: input.fileHandleForReading)
        let deadline = Date(timeIntervalSinceNow: 120)
        var second = try audit(["checkpoint", ledger])
        while second.status == 0, Date() < deadline { second = try audit(["checkpoint", ledger]) }
        #expect(second.status == 2 && second.errors.contains("is written by another process"), "\(second.errors)")
        #expect(try audit(["verify", ledger]).status == 0)
        #expect(try entries().count == 70)
        try input.fileHandleForWriting.write(contentsOf: Data("{\"trace_id\":\"late\",\"tool_calls\":[{\"name\":\"x\"}]}\n".utf8))
        try input.fileHandleForWriting.close()
        #expect(try first.wait().status == 0)
        #expect(try entries().count == 71)
    }

    /// Who may only read the folder reads the ledger as it is.
    @Test(.enabled(if: getuid() == 0)) func aReadOnlyFolder() throws {
        try prepare()
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { !$0.hasSuffix("-key") || $0.hasSuffix("public-key") }
        for file in files {
            try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: folder.appendingPathComponent(file).path)
        }
        let nobody = ["--reuid", "65534", "--regid", "65534", "--clear-groups", Outrigger.executable.path, "audit"]
        for command in ["verify", "list", "stats"] {
            let result = try Command(URL(fileURLWithPath: "/usr/bin/setpriv"), nobody + [command, ledger]).wait()
            #expect(result.status == 0, "\(command): \(result.errors)")
        }
        let writing = try Command(URL(fileURLWithPath: "/usr/bin/setpriv"), nobody + ["checkpoint", ledger]).wait()
        #expect(writing.status == 2, "\(writing.errors)")
    }

    @Test func nothingInAnEntryReachesTheTerminal() throws {
        let traces = folder.appendingPathComponent("hostile.jsonl")
        let line = #"{"trace_id":"t\u001b[31m1","agent":"=cmd()","request":"x","start_time":"2026-01-01T00:00:00Z","tool_calls":[{"name":"\u001b]0;owned\u0007","args":{"a":"\u001b[2J"}}],"tool_results":[{"success":true,"result":"\u202e"}]}"#
        try Data((line + "\n").utf8).write(to: traces)
        #expect(try audit(["keys", ledger]).status == 0)
        #expect(try audit(["import", ledger, traces.path, "--capture", "full"]).status == 0)
        for command in [["list", ledger], ["show", ledger, "1"], ["stats", ledger], ["verify", ledger], ["list", ledger, "--format", "json"]] {
            let output = try audit(command).output
            #expect(!output.isEmpty && !output.utf8.contains(0x1B) && !output.utf8.contains(0x07), "\(command)")
        }
        #expect(try audit(["list", ledger, "--format", "csv"]).output.contains(",'=cmd(),"))
    }

    /// The disk is full: what was recorded stays good, and the rest is recorded once there is room.
    @Test func aFullDisk() throws {
        #expect(try audit(["keys", ledger]).status == 0)
        let big = folder.appendingPathComponent("big.jsonl")
        try Data(Self.manyRuns(2000).utf8).write(to: big)
        let full = try audit(["import", ledger, big.path, "--batch", "50"], fileLimit: 300)
        #expect(full.status == 1, "\(full.errors)")
        #expect(full.errors.contains("ledger"))
        #expect(try audit(["verify", ledger]).status == 0)
        #expect(try audit(["import", ledger, big.path]).status == 0)
        #expect(try entries().count == 4000)
        #expect(try audit(["verify", ledger]).status == 0)
    }

    private static func manyRuns(_ count: Int) -> String {
        (0..<count).map { i in
            #"{"trace_id":"run-\#(i)","start_time":\#(1_700_000_000 + i),"tool_calls":[{"name":"a","args":{"n":\#(i)}},{"name":"b"}],"tool_results":[{"success":true},{"success":false}]}"#
                + "\n"
        }.joined()
    }

    /// Killed at any moment: the chain verifies, and what was said to be durable is there.
    @Test func killedAtAnyMoment() throws {
        #expect(try audit(["keys", ledger]).status == 0)
        let big = folder.appendingPathComponent("big.jsonl")
        try Data(Self.manyRuns(20_000).utf8).write(to: big)
        var generator = SystemRandomNumberGenerator()
        var acknowledged = 0
        for round in 0..<40 {
            // Not seldom it ends by itself near the end; what it imports next has other ids.
            let command = try Outrigger.start(["audit", "import", ledger, big.path, "--batch", "20", "--progress", "--dataset", "d\(round / 10)"])
            // Of each dataset something is promised, however slow the machine is.
            if round % 10 == 0 { try eventually("a batch is acknowledged") { try command.outputSoFar.contains("\n") } }
            usleep(.random(in: 5_000...250_000, using: &generator))
            command.kill()
            let result = try command.wait()
            // A last line without its end is no promise.
            let lines = result.output.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
            acknowledged = max(acknowledged, lines.last.flatMap { Int($0) } ?? 0)
            let verified = try audit(["verify", ledger, "--json"])
            // Killed before there was a ledger at all.
            guard FileManager.default.fileExists(atPath: ledger), verified.status != 2 || acknowledged > 0 else { continue }
            #expect(verified.status == 0, "round \(round): \(verified.output) \(verified.errors)")
            #expect(try verified.summary["entries"] as? Int ?? 0 >= acknowledged, "round \(round)")
        }
        let last = try audit(["verify", ledger])
        #expect(acknowledged > 0 && last.status == 0, "\(last.errors)")
        #expect(try verifyWithPython(ledger) == 0)
    }
}
