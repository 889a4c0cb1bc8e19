import Foundation
import Testing

/// `outrigger correlate` on the stores of real sidecars and replays, with the ids that their collector has.
@Suite(.timeLimit(.minutes(10))) struct CorrelateTests {
    private func correlate(_ arguments: String...) throws -> Command.Result { try Outrigger.run(["correlate"] + arguments) }

    /// A store that is not there yet.
    private func newStore() throws -> String { try Scratch.folder().appendingPathComponent("runs.db").path }

    /// Whether the collector has a span of this trace under this id.
    private func has(_ collector: StubCollector, _ run: [String: Any]) throws -> Bool {
        let trace = try #require(run["trace_id"] as? String)
        let span = try #require(run["span_id"] as? String)
        return String(decoding: try Loopback.get(collector.port, "/api/traces/\(trace)"), as: UTF8.self).contains(span)
    }

    @Test("a request's shadow stands beside what was served, while the store is written, under the collector's ids")
    func shadow() throws {
        let collector = try StubCollector()
        let store = try newStore()
        let sidecar = try RunningSidecar(collector: collector.port, mode: "shadow", more: ["runs: {file: \(store), capture: full}"])
        let load = try RunningSidecar.load(sidecar, ["--count", "40", "--clients", "4", "--prefix", "r"])
        #expect(load.failures.isEmpty)
        try eventually("all are stored") { try sidecar.metric("outrigger_runs_stored_total") == 80 }
        let found = try correlate("--runs", store, "--request", "r7", "--json")
        #expect(found.status == 0, "\(found.errors)")
        let pairs = try #require(found.summary["pairs"] as? [[String: Any]])
        let pair = try #require(pairs.first)
        #expect(pairs.count == 1)
        #expect(pair.value("baseline.role") as? String == "baseline" && pair.value("baseline.mode") as? String == "live")
        #expect(pair.value("candidate.role") as? String == "candidate" && pair.value("candidate.mode") as? String == "shadow")
        #expect(pair.value("baseline.release_version") as? String == "v1" && pair.value("candidate.release_version") as? String == "v2")
        #expect(pair.value("candidate.status") as? Int == 200)
        // Each agent answers with its own name, and calls the same tool.
        #expect(pair["differences"] as? [String] == ["response"])
        #expect(pair.value("candidate.response") as? String == "candidate")
        try eventually("the collector has both") {
            try has(collector, pair.value("baseline") as? [String: Any] ?? [:]) && has(collector, pair.value("candidate") as? [String: Any] ?? [:])
        }
        let trace = try #require(pair.value("candidate.trace_id") as? String)
        let text = try correlate("--runs", store, "--trace", trace, "--link", "http://jaeger/trace/{trace_id}").output
        #expect(text.contains("baseline v1") && text.contains("candidate v2"), "\(text)")
        #expect(text.contains("http://jaeger/trace/\(trace)"))
        let all = try correlate("--runs", store, "--since", "10m", "--json").summary
        let group = try #require((all["groups"] as? [[String: Any]])?.first)
        #expect(try group.number("pairs") == 40 && group.number("differences.response") == 40 && group.number("alike") == 0)
        #expect(try group.number("without_baseline") == 0 && group.number("candidate.runs") == 40)
        #expect((group["listed"] as? [Any])?.count == 20)
        #expect(try group.number("unlisted") == 20)
        #expect(try correlate("--runs", store, "--request", "r70").status == 1)
        #expect(try sidecar.end().status == 0)
    }

    @Test("a canary's arms are counted as cohorts, also where nothing is exported")
    func canary() throws {
        let store = try newStore()
        let sidecar = try RunningSidecar(
            collector: Loopback.freePort(), mode: "canary", percent: "50%", more: ["runs: {file: \(store)}"],
            environment: ["OTEL_SDK_DISABLED": "true"])
        let load = try RunningSidecar.load(sidecar, ["--count", "200", "--clients", "4", "--prefix", "r"])
        try eventually("all are stored") { try sidecar.metric("outrigger_runs_stored_total") == 200 }
        let found = try correlate("--runs", store, "--since", "10m", "--json").summary
        let cohorts = try #require(found["cohorts"] as? [[String: Any]])
        let cohort = try #require(cohorts.first)
        #expect(cohorts.count == 1 && cohort["rollout_id"] as? String == "test")
        #expect(try cohort.number("baseline.runs") == load.by["baseline"] && cohort.number("candidate.runs") == load.by["candidate"])
        let single = try correlate("--runs", store, "--request", "r3", "--json").summary
        let run = try #require((single["runs"] as? [[String: Any]])?.first)
        #expect(run["exported"] as? Bool == false)
        // No contents without being asked for.
        #expect(run["response"] is NSNull)
        #expect(try correlate("--runs", store, "--request", "r3").output.contains("canary of rollout test revision 1"))
        // A second process may not write it.
        let config = try String(contentsOfFile: sidecar.config, encoding: .utf8)
            .replacingOccurrences(of: "127.0.0.1:\(sidecar.port)", with: "127.0.0.1:0")
            .replacingOccurrences(of: "127.0.0.1:\(sidecar.admin)", with: "127.0.0.1:0")
            .replacingOccurrences(of: "rollout.json", with: "other.json").replacingOccurrences(of: "/spool", with: "/other")
        let second = try Outrigger.run(["serve", "--config", try Scratch.file([config], name: "second.yaml")])
        #expect(second.status == 2 && second.errors.contains("is written by another process"), "\(second.errors)")
        #expect(try sidecar.end().status == 0)
    }

    @Test("a killed sidecar's answered runs are in the store when it is started again, once each")
    func killed() throws {
        let collector = try StubCollector()
        let store = try newStore()
        let sidecar = try RunningSidecar(
            collector: collector.port, mode: "canary", percent: "50%", more: ["runs: {file: \(store)}"],
            // What is not exported is kept, too.
            environment: ["OTEL_TRACES_SAMPLER": "always_off"])
        let load = try Project.support("live_load", ["--port", "\(sidecar.port)", "--clients", "8", "--prefix", "k", "--list"])
        try eventually("the load is on") { try sidecar.metric("outrigger_recorder_exchanges_total") > 300 }
        sidecar.command.kill()
        _ = try sidecar.command.wait()
        let report = try LoadReport(load.wait())
        #expect(report.ids.count >= 300)
        let again = try RunningSidecar(like: sidecar, collector: collector.port)
        try eventually("what was found is recorded") { try again.metric("outrigger_recorder_queue") == 0 }
        #expect(try again.end().status == 0)
        // Of a canary's cohort all runs are there; an answer that the client did not read whole may be one more.
        let cohorts = try #require(try correlate("--runs", store, "--since", "10m", "--json").summary["cohorts"] as? [[String: Any]])
        let runs = try cohorts.reduce(0) { try $0 + $1.number("baseline.runs") + $1.number("candidate.runs") }
        #expect((report.ids.count...(report.ids.count + 8)).contains(runs), "\(runs) runs, \(report.ids.count) answered")
        for id in [report.ids.first, report.ids.last] {
            let id = try #require(id)
            let found = try correlate("--runs", store, "--request", id, "--json").summary
            #expect((found["runs"] as? [Any])?.count == 1, "\(id): \(found)")
        }
    }

    @Test("old runs go also from the store of a sidecar to which no requests come")
    func quiet() throws {
        let store = try newStore()
        let sidecar = try RunningSidecar(
            collector: Loopback.freePort(), mode: "baseline", more: ["runs: {file: \(store), max_age: 1s}"],
            environment: ["OTEL_SDK_DISABLED": "true"])
        _ = try RunningSidecar.load(sidecar, ["--count", "20", "--clients", "1"])
        try eventually("all are stored") { try sidecar.metric("outrigger_runs_stored_total") == 20 }
        #expect(try sidecar.end().status == 0)
        let again = try RunningSidecar(like: sidecar, collector: Loopback.freePort())
        try eventually("they go") { try again.metric("outrigger_runs_removed_total") > 0 }
        #expect(try again.metric("outrigger_runs_stored_total") == 0)
        #expect(try again.end().status == 0)
    }

    @Test("a store that cannot grow costs its runs, which are counted, and no request")
    func full() throws {
        let collector = try StubCollector()
        let store = try newStore()
        let sidecar = try RunningSidecar(
            collector: collector.port, mode: "baseline", fileLimit: 256, more: ["runs: {file: \(store)}"])
        let load = try RunningSidecar.load(sidecar, ["--count", "1500", "--clients", "4"])
        #expect(load.failures.isEmpty && load.answered == 1500)
        try eventually("all are accounted for") {
            try sidecar.metric("outrigger_runs_stored_total") + sidecar.metric("outrigger_runs_lost_total") == 1500
        }
        #expect(try sidecar.metric("outrigger_runs_lost_total") > 0)
        let end = try sidecar.end()
        #expect(end.errors.contains("the run store \(store) ") && end.errors.contains("runs are missing from it, and requests go on"), "\(end.errors)")
    }

    @Test("both arms of a replay are stored under the ids that the collector has")
    func replay() throws {
        let collector = try StubCollector()
        let store = try newStore()
        let replay = try Outrigger.run([
            "replay", "--traces", Project.fixture("airline-v12.jsonl"), "--candidate",
            "recorded:\(Project.fixture("airline-v14.jsonl"))", "--endpoint", collector.endpoint, "--runs", store, "-q",
        ])
        #expect(replay.status == 1, "\(replay.errors)")
        let all = try correlate("--runs", store, "--since", "10m", "--mode", "replay", "--limit", "100", "--json").summary
        let group = try #require((all["groups"] as? [[String: Any]])?.first)
        #expect(try group.number("pairs") == 39)
        let listed = try #require(group["listed"] as? [[String: Any]])
        #expect(listed.count == 39)
        for pair in listed {
            #expect(try has(collector, pair.value("baseline") as? [String: Any] ?? [:]))
            #expect(try has(collector, pair.value("candidate") as? [String: Any] ?? [:]))
        }
        let wrong = try #require(
            listed.first { (($0["tool_changes"] as? [[String: Any]]) ?? []).contains { $0["kind"] as? String == "wrong_arguments" } })
        let name = try #require(wrong.value("candidate.recorded_id") as? String)
        let text = try correlate("--runs", store, "--run", name).output
        #expect(text.contains("wrong_arguments") && text.contains("failed: "), "\(text)")
        // Contents were not asked for.
        let file = try #require(FileManager.default.contents(atPath: store))
        #expect(file.range(of: Data("sorry".utf8)) == nil)
    }

    @Test("a replay tells of runs that its store could not hold any more")
    func removed() throws {
        let store = try newStore()
        func replay(_ id: String) throws -> Command.Result {
            try Outrigger.run(
                [
                    "replay", "--traces", Project.fixture("airline-v12.jsonl"), "--candidate", "recorded:\(Project.fixture("airline-v14.jsonl"))",
                    "--replay-id", id, "--runs", store,
                ], environment: ["OTEL_SDK_DISABLED": "true"])
        }
        #expect(try !replay("first").output.contains("had to go"))
        let script = "import sqlite3,sys; d = sqlite3.connect(sys.argv[1]); d.execute('UPDATE runs SET stored = 1'); d.commit()"
        #expect(try Command(Project.python, ["-c", script, store]).wait().status == 0)
        let second = try replay("second")
        #expect(second.output.contains("79 runs had to go, all of them of earlier replays"), "\(second.output) \(second.errors)")
    }

    @Test("no number in a recording or a store ends the command, and those that no run has are told of as not known")
    func hostile() throws {
        let traces = try Scratch.file(["1e999", "-1e999", "-2.5", "7"].enumerated().map { i, cost in
            #"{"trace_id":"t-\#(i)","request":"x","response":"y","outcome":"resolved","cost_tokens":\#(cost),"tool_calls":[{"name":"a"}]}"#
        })
        let store = try newStore()
        let replay = try Outrigger.run(
            ["replay", "--traces", traces, "--candidate", "recorded:\(traces)", "--runs", store, "-q"], environment: ["OTEL_SDK_DISABLED": "true"])
        #expect(replay.status != 2, "\(replay.errors)")
        let all = try correlate("--runs", store, "--since", "1h")
        #expect(all.status == 0 && !all.output.contains("-2."), "\(all.output)")
        let group = try #require((try correlate("--runs", store, "--since", "1h", "--json").summary["groups"] as? [[String: Any]])?.first)
        #expect(try group.number("pairs") == 4 && group.value("candidate.mean_tokens") as? Double == 7)
        for change in [
            "divergence_index = 9223372036854775807, divergence_tool = 'x', divergence_kind = 'y'", "omitted_calls = 9223372036854775807",
            "mode = 'canary', omitted_calls = 9223372036854775807, rollout_revision = -9223372036854775807 - 1", "cost_tokens = 1e308",
            "duration = CASE role WHEN 'baseline' THEN 1 ELSE 9223372036854775807 END",
        ] {
            let script = "import sqlite3,sys; d = sqlite3.connect(sys.argv[1]); d.execute('UPDATE runs SET ' + sys.argv[2]); d.commit()"
            #expect(try Command(Project.python, ["-c", script, store, change]).wait().status == 0)
            for query in [["--since", "1h"], ["--since", "1h", "--json"], ["--run", "t-0"], ["--run", "t-0", "--json"]] {
                let told = try Outrigger.run(["correlate", "--runs", store] + query)
                #expect(told.status == 0, "\(change) \(query): \(told.errors)")
            }
        }
    }

    @Test(
        "what cannot be meant is refused", arguments: [
            (["--since", "1h"], "missing expected argument"), (["--runs", "nowhere.db", "--since", "1h"], "cannot open the run store"),
            (["--runs", "README.md", "--since", "1h"], "no run store"), (["--runs", "README.md"], "say what to look for"),
            (["--runs", "x", "--request", "a", "--since", "1h"], "say what to look for"),
            (["--runs", "x", "--request", "a", "--until", "1h"], "go with --since"), (["--runs", "x", "--since", "yesterday"], "invalid"),
            (["--runs", "x", "--since", "1h", "--link", "nowhere"], "{trace_id}"),
        ] as [([String], String)])
    func refused(arguments: [String], message: String) throws {
        let result = try Outrigger.run(["correlate"] + arguments)
        #expect(result.status == 2 && result.errors.lowercased().contains(message), "\(result.errors)")
    }
}
