import Foundation
import Testing

/// Input that is wrong, cut off, hostile or huge: a clear word about each, and the rest goes on.
@Suite struct BadInputTests {
    struct Case: CustomTestStringConvertible {
        var name: String
        /// Bytes of the file.
        var content: [UInt8]
        var runs: Int
        var rejected: [String: Int] = [:]
        var warnings: [String] = []
        var told: String?
        var flags: [String] = []
        var testDescription: String { name }

        init(
            _ name: String, _ content: String, runs: Int, rejected: [String: Int] = [:], warnings: [String] = [],
            told: String? = nil, flags: [String] = []
        ) {
            self.init(name, Array(content.utf8), runs: runs, rejected: rejected, warnings: warnings, told: told, flags: flags)
        }

        init(
            _ name: String, _ content: [UInt8], runs: Int, rejected: [String: Int] = [:], warnings: [String] = [],
            told: String? = nil, flags: [String] = []
        ) {
            self.name = name
            self.content = content
            self.runs = runs
            self.rejected = rejected
            self.warnings = warnings
            self.told = told
            self.flags = flags
        }
    }

    static let good = #"{"trace_id":"good","start_time":1750000000,"latency_ms":5}"#
    static let cases: [Case] = [
        Case("an empty file", "", runs: 0),
        Case("only blank lines", "\n  \n\r\n\t\n", runs: 0),
        Case("a cut-off last line", good + "\n" + good.prefix(30), runs: 1, rejected: ["invalid_json": 1], told: ":2:"),
        Case("a last line without its line break", good, runs: 1),
        Case("a byte order mark", "\u{FEFF}" + good + "\n", runs: 1),
        Case("CRLF", good + "\r\n" + good + "\r\n", runs: 2),
        Case("invalid UTF-8", Array(good.utf8) + [10] + Array(#"{"outcome":""#.utf8) + [0xC3, 0x28] + Array("\"}\n".utf8) + Array(good.utf8),
             runs: 2, rejected: ["invalid_utf8": 1], told: ":2:13"),
        Case("10,000 nested arrays", #"{"request":"# + String(repeating: "[", count: 10_000) + String(repeating: "]", count: 10_000) + "}\n" + good,
             runs: 1, rejected: ["too_deep": 1], told: "nested too deep"),
        Case("200,000 open brackets", String(repeating: "[", count: 200_000) + "\n" + good, runs: 1, rejected: ["too_deep": 1]),
        Case("repeated keys", #"{"outcome":"a","outcome":"b","start_time":1}"#, runs: 1, warnings: ["repeated_field"]),
        Case("NUL characters", #"{"trace_id":"x","request":"a\u0000b","start_time":1,"tool_calls":[{"name":"t\u0000u"}]}"#, runs: 1),
        Case("a NUL in the id", #"{"trace_id":"x\u0000y","start_time":1}"# + "\n" + good, runs: 1, rejected: ["nul_in_trace_id": 1]),
        Case("lone surrogates", #"{"outcome":"\ud83d","start_time":1}"#, runs: 1, warnings: ["lone_surrogate_replaced"]),
        Case("numbers beyond all bounds", #"{"cost_tokens":99999999999999999999999,"latency_ms":1e999,"start_time":1}"#, runs: 1,
             warnings: ["latency_invalid"]),
        Case("a negative latency", #"{"latency_ms":-5,"start_time":1}"#, runs: 1, warnings: ["latency_invalid"]),
        Case("a line over the limit", #"{"request":""# + String(repeating: "x", count: 5_000) + "\"}\n" + good, runs: 1,
             rejected: ["line_too_long": 1], told: "--max-line-bytes", flags: ["--max-line-bytes", "4k"]),
        Case("lines of zeros, as a crash leaves them", [UInt8](repeating: 0, count: 3000) + [10] + Array(good.utf8), runs: 1,
             rejected: ["invalid_json": 1]),
        Case("terminal escapes in the input", "{\"a\u{1B}[31m\": 1}\n" + good, runs: 1, rejected: ["invalid_json": 1]),
    ]

    @Test(.timeLimit(.minutes(10)), arguments: cases)
    func isRejectedOrReadAndCounted(_ test: Case) throws {
        let file = try Scratch.file(test.content)
        let rejects = try Scratch.folder().appendingPathComponent("rejects").path
        let output = try Scratch.folder().appendingPathComponent("spans.otlp").path
        let result = try Outrigger.backfill([file, "--output", output, "--reject-file", rejects] + test.flags)
        let summary = try result.summary
        #expect(result.status == (test.rejected.isEmpty ? 0 : 1), "\(result.errors)")
        #expect(try summary.number("lines.runs") == test.runs)
        #expect(summary.value("lines.rejected_by_reason") as? [String: Int] == test.rejected)
        for warning in test.warnings { #expect(summary.value("warnings.\(warning)") != nil, "\(summary)") }
        if let told = test.told { #expect(result.errors.contains(told), "\(result.errors)") }
        #expect(!result.errors.contains("\u{1B}"), "no escape sequence from the input reaches the terminal")
        try expectNumbersAddUp(summary)

        // What was rejected is in the reject file, byte for byte, and nothing else is.
        let copies = try Data(contentsOf: URL(fileURLWithPath: rejects))
        let lines = test.content.split(separator: 10).filter { line in copies.range(of: Data(line)) != nil }
        #expect(lines.count == test.rejected.values.reduce(0, +))
    }

    /// Longer than any buffer, and, with the limit raised, read whole.
    @Test(.timeLimit(.minutes(10)), arguments: [false, true])
    func aLineOf100MB(_ isAllowed: Bool) throws {
        let path = try Scratch.folder().appendingPathComponent("runs.jsonl")
        try Data((Self.good + "\n").utf8).write(to: path)
        let file = try FileHandle(forWritingTo: path)
        try file.seekToEnd()
        try file.write(contentsOf: Data(#"{"trace_id":"big","start_time":1,"request":""#.utf8))
        for _ in 0..<100 { try file.write(contentsOf: Data(repeating: 0x78, count: 1 << 20)) }
        try file.write(contentsOf: Data(("\"}\n" + Self.good + "\n").utf8))
        try file.close()
        let result = try Outrigger.backfill([path.path, "--dry-run"] + (isAllowed ? ["--max-line-bytes", "200M"] : []))
        #expect(try result.summary.number("lines.runs") == (isAllowed ? 3 : 2))
        #expect(try result.summary.number("lines.rejected") == (isAllowed ? 0 : 1))
    }

    @Test func strictEndsAtTheFirstBadLine() throws {
        let file = try Scratch.file([Self.good, "nonsense", Self.good])
        let collector = try StubCollector()
        let result = try Outrigger.backfill([file, "--strict", "--endpoint", collector.endpoint])
        #expect(result.status == 1)
        #expect(try result.summary.number("spans.accepted") == 2, "the line before the bad one is sent")
        try expectNumbersAddUp(try result.summary)
        #expect(result.errors.contains("line 2"), "\(result.errors)")
    }

    @Test(arguments: ["--output", "--reject-file", "--state"])
    func anInputIsNeverWrittenTo(_ flag: String) throws {
        let file = try Scratch.file([Self.good])
        let before = try Data(contentsOf: URL(fileURLWithPath: file))
        let result = try Outrigger.backfill([file, "--dry-run", flag, file])
        #expect(result.status == 2)
        #expect(result.errors.contains("overwritten"), "\(result.errors)")
        #expect(try Data(contentsOf: URL(fileURLWithPath: file)) == before)
    }

    @Test(.timeLimit(.minutes(10)))
    func aNamedPipeIsReadWhole() throws {
        let pipe = try Scratch.folder().appendingPathComponent("pipe").path
        try #require(mkfifo(pipe, 0o600) == 0)
        let writer = try Command(URL(fileURLWithPath: "/bin/sh"), ["-c", #"cat "$0" > "$1""#, Project.fixture("sample.jsonl"), pipe])
        let result = try Outrigger.backfill([pipe, "--dry-run"])
        #expect(try writer.wait().status == 0)
        #expect(result.status == 0, "\(result.errors)")
        #expect(try result.summary.number("lines.runs") == 8)
    }

    /// A writer that ends at once met nobody if the pipe was opened twice, and the second reader waited for ever.
    @Test(arguments: ["replay", "gate"])
    func aNamedPipeIsReplayedWhole(command: String) throws {
        for _ in 0..<5 {
            let pipe = try Scratch.folder().appendingPathComponent("pipe").path
            try #require(mkfifo(pipe, 0o600) == 0)
            let writer = try Command(URL(fileURLWithPath: "/bin/sh"), ["-c", #"cat "$0" > "$1""#, Project.fixture("sample.jsonl"), pipe])
            let result = try Outrigger.run([command, "--traces", pipe, "--no-export", "--json"])
            #expect(try writer.wait().status == 0)
            #expect(try Replay.parse(Data(result.output.utf8)).number("total") == 8, "\(result.errors)")
        }
    }

    /// Nobody writes to it yet, or whoever does says nothing.
    @Test(arguments: ["replay", "backfill"], [false, true])
    func aSilentPipeHoldsUpNoSignal(command: String, hasWriter: Bool) throws {
        let pipe = try Scratch.folder().appendingPathComponent("pipe").path
        try #require(mkfifo(pipe, 0o600) == 0)
        let running = try Outrigger.start(
            command == "replay" ? ["replay", "--traces", pipe, "--no-export", "--json"] : ["backfill", pipe, "--dry-run", "--json"])
        let files = "/proc/\(running.process.processIdentifier)/fd"
        try eventually("the pipe is open") {
            let numbers = (try? FileManager.default.contentsOfDirectory(atPath: files)) ?? []
            return numbers.contains { (try? FileManager.default.destinationOfSymbolicLink(atPath: "\(files)/\($0)")) == pipe }
        }
        let writer = hasWriter ? Glibc.open(pipe, O_WRONLY | O_NONBLOCK | O_CLOEXEC) : -1
        defer { if hasWriter { close(writer) } }
        #expect(hasWriter == (writer >= 0))
        running.terminate()
        let result = try running.wait()
        #expect(result.status == 1, "\(result.errors)")
        let report = try Replay.parse(Data(result.output.utf8))
        #expect(try report.number(command == "replay" ? "total" : "lines.total") == 0)
    }

    /// The recording was not read, so nothing is missing from it.
    @Test(arguments: ["recorded", "exec:cat"])
    func aSignalWhileACandidateIsLookedForFailsNoTrace(baseline: String) throws {
        let pipe = try Scratch.folder().appendingPathComponent("pipe").path
        try #require(mkfifo(pipe, 0o600) == 0)
        let running = try Outrigger.start([
            "gate", "--traces", Project.fixture("sample.jsonl"), "--baseline", baseline, "--candidate", "recorded:\(pipe)", "--no-export", "--json",
        ])
        let files = "/proc/\(running.process.processIdentifier)/fd"
        try eventually("the pipe is open") {
            let numbers = (try? FileManager.default.contentsOfDirectory(atPath: files)) ?? []
            return numbers.contains { (try? FileManager.default.destinationOfSymbolicLink(atPath: "\(files)/\($0)")) == pipe }
        }
        running.terminate()
        let result = try running.wait()
        #expect(result.status == 3, "\(result.output)\(result.errors)")
        let report = try Replay.parse(Data(result.output.utf8))
        #expect(try report.number("total") == 0 && report["partial"] is String)
    }

    @Test func aRunOfAbsurdlyManyCallsIsRejected() throws {
        let calls = Array(repeating: #""""#, count: 10_001).joined(separator: ",")
        let file = try Scratch.file([#"{"start_time":1,"tool_calls":[\#(calls)]}"#, Self.good])
        let result = try Outrigger.backfill([file, "--dry-run"])
        #expect(try result.summary.number("lines.rejected_by_reason.too_many_tool_calls") == 1)
        #expect(try result.summary.number("lines.runs") == 1)
    }

    @Test func unusableInputsAreConfigurationErrors() throws {
        let folder = try Scratch.folder().path
        #expect(try Outrigger.backfill(["\(folder)/none.jsonl"]).status == 2)
        let directory = try Outrigger.backfill([folder])
        #expect(directory.status == 2)
        #expect(directory.errors.contains("*.jsonl"), "it says how to name the files: \(directory.errors)")
        let pattern = try Outrigger.backfill(["\(folder)/*.jsonl"])
        #expect(pattern.status == 2)
        #expect(pattern.errors.contains("no file matches"))
    }

    @Test(.enabled(if: getuid() != 0, "root may read everything"))
    func aFileWithoutReadPermissionIsNamed() throws {
        let file = try Scratch.file([Self.good])
        try FileManager.default.setAttributes([.posixPermissions: 0], ofItemAtPath: file)
        let result = try Outrigger.backfill([file])
        #expect(result.status == 2)
        #expect(result.errors.contains("read permission"))
    }

    @Test func patternsAndSeveralFilesAreOneCollection() throws {
        let folder = try Scratch.folder()
        for name in ["a", "b"] { try Data((Self.good + "\n").utf8).write(to: folder.appendingPathComponent("\(name).jsonl")) }
        let collector = try StubCollector()
        let result = try Outrigger.backfill(["\(folder.path)/*.jsonl", "--endpoint", collector.endpoint])
        #expect(result.status == 0)
        // The same recorded id in both files is two traces.
        #expect(try collector.stats.unique_spans == 4)
    }

    @Test func standardInputWithoutTimesIsAConfigurationError() throws {
        let pipe = Pipe()
        try pipe.fileHandleForWriting.write(contentsOf: Data(#"{"trace_id":"a"}"#.utf8))
        try pipe.fileHandleForWriting.close()
        let result = try Outrigger.run(["backfill", "-", "--dry-run"], input: pipe.fileHandleForReading)
        #expect(result.status == 2)
        #expect(result.errors.contains("--start-time"))
    }

    @Test func aDamagedGzipKeepsWhatCameBefore() throws {
        let file = try Scratch.file(Array(repeating: Self.good, count: 5_000))
        #expect(try Command(URL(fileURLWithPath: "/usr/bin/env"), ["gzip", "-1", file]).wait().status == 0)
        let whole = try Data(contentsOf: URL(fileURLWithPath: file + ".gz"))
        let cut = try Scratch.file(whole.prefix(whole.count * 2 / 3), name: "cut.gz")
        let result = try Outrigger.backfill([cut, "--dry-run"])
        #expect(result.status == 1)
        #expect(try result.summary.number("lines.runs") > 0)
        #expect(result.errors.contains("end in the middle"), "\(result.errors)")
    }

    @Test(.timeLimit(.minutes(10)))
    func aFileThatShrinksWhileItIsReadIsReported() throws {
        let path = try Scratch.file(Array(repeating: Self.good, count: 60_000))
        // The collector holds the first requests back, so the reader waits in the middle of the file.
        let collector = try StubCollector(script: #"[{"ok":true,"delay_ms":1500,"repeat":8}]"#)
        let command = try Outrigger.start(
            ["backfill", "--json", path, "--endpoint", collector.endpoint, "--connections", "1", "--workers", "1"])
        try eventually("a request arrives") { try collector.stats.requests >= 1 || !command.process.isRunning }
        let file = try #require(FileHandle(forWritingAtPath: path))
        try file.truncate(atOffset: 100)
        try file.close()
        let result = try command.wait()
        #expect(result.status == 1)
        #expect(result.errors.contains("became shorter"), "\(result.errors)")
        try expectNumbersAddUp(try result.summary)
    }
}
