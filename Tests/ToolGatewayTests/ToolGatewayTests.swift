import AgentRuns
import JSONDocuments
import LiveRuns
import Replay
import Testing
import ToolGateway

@Suite(.timeLimit(.minutes(10))) struct ToolGatewayTests {
    @Test("an allowed call reaches its tool, and is seen with its arguments, its result and its time")
    func allowed() async throws {
        let bench = Bench()
        let run = try bench.begin()
        #expect(await bench.call(run, "lookup", #"{"b": 1.0, "a": 2}"#) == "allowed true")
        #expect(bench.tools.calls == [#"baseline lookup {"b":1,"a":2}"#])
        let seen = try #require(run.observedCalls.first)
        #expect(seen.verdict == .allowed && seen.result?.success == true)
        #expect(seen.result?.content == Array(#"{"echo":{"a":2,"b":1}}"#.utf8))
        #expect((seen.result?.ended ?? 0) >= seen.started)
    }

    @Test(
        "what is refused never reaches a tool, and says why",
        arguments: [
            ("nothing", "{}", nil, "unknown_tool"), ("../lookup", "{}", nil, "unknown_tool"), ("send", "{}", nil, "not_allowed"),
            ("lookup", "\0", nil, "bad_arguments"), ("lookup", " \u{1}\n", nil, "bad_arguments"), ("lookup", "\u{B}", nil, "bad_arguments"),
            ("lookup", "[1]", nil, "bad_arguments"), ("lookup", "{", nil, "bad_arguments"), ("lookup", #"{"q": 7}"#, nil, "bad_arguments"),
            ("lookup", #"{"q": "\#(String(repeating: "x", count: 3000))"}"#, nil, "too_large"),
            ("lookup", "{}", "00-00000000000000010000000000000009-0000000000000001-01", "trace_mismatch"),
            ("lookup", "{}", "nonsense", "trace_mismatch"),
        ] as [(String, String, String?, String)])
    func refused(tool: String, arguments: String, trace: String?, reason: String) async throws {
        let bench = Bench { settings in
            settings.allowedForBaseline = ["lookup"]
            settings.tools["lookup"]?.maximumArguments = 2000
            settings.tools["lookup"]?.arguments = try? JSONSchema(
                JSONDocument(parsing: #"{"properties": {"q": {"type": "string"}}}"#))
        }
        let run = try bench.begin()
        #expect(await bench.call(run, tool, arguments, trace: trace) == "refused \(reason)")
        #expect(bench.tools.calls.isEmpty)
        #expect(run.observedCalls.map { $0.verdict.refusal } == [reason])
        #expect(bench.journal.ended == ["\(tool) \(reason)"])
        #expect(await bench.call(run, "lookup", "{}", trace: "00-00000000000000010000000000000001-0000000000000005-01") == "allowed true")
    }

    @Test("of a name that no tool has little is kept, in bytes", arguments: ["x", "é", "a" + String(repeating: "\u{301}", count: 1000)])
    func names(unit: String) async throws {
        let bench = Bench()
        let run = try bench.begin()
        let name = String(repeating: unit, count: 300)
        #expect(await bench.call(run, name, "{}") == "refused unknown_tool")
        let seen = try #require(run.observedCalls.first)
        #expect((197...200).contains(seen.name.utf8.count) && name.utf8.starts(with: seen.name.utf8))
    }

    @Test(
        "an arm is held to its release beside the configuration: both allow-lists, both schemas",
        arguments: [
            (RunRole.baseline, "lookup", #"{"q": "x", "n": 1}"#, "allowed true"), (.baseline, "send", "{}", "refused not_allowed"),
            (.baseline, "other", "{}", "refused not_allowed"), (.baseline, "lookup", #"{"q": "x"}"#, "refused bad_arguments"),
            (.baseline, "lookup", #"{"q": 1, "n": 1}"#, "refused bad_arguments"),
            (.candidate, "send", "{}", "allowed true"), (.candidate, "lookup", #"{"q": "x"}"#, "allowed true"),
        ] as [(RunRole, String, String, String)])
    func release(role: RunRole, tool: String, arguments: String, expected: String) async throws {
        let bench = Bench { settings in
            settings.tools["lookup"]?.arguments = try? JSONSchema(JSONDocument(parsing: #"{"properties": {"q": {"type": "string"}}}"#))
            settings.tools["other"] = ToolSettings()
            settings.allowedForBaseline = ["lookup", "other"]
            var lookup = ReleaseTools.Tool()
            lookup.arguments = try? JSONSchema(JSONDocument(parsing: #"{"required": ["n"]}"#))
            settings.releases[.baseline] = ReleaseTools(version: "v1", allowed: ["lookup", "send"], tools: ["lookup": lookup])
        }
        let run = try bench.begin(role, role == .baseline ? .live : .canary)
        #expect(await bench.call(run, tool, arguments) == expected)
        #expect(bench.tools.calls.isEmpty == expected.hasPrefix("refused"))
        let names = bench.gateway.tools(of: run.token.hex)?.names
        #expect(names == (role == .baseline ? ["lookup"] : ["lookup", "other", "send"]))
    }

    @Test("what the release says that it writes is a write, and what nobody speaks of is one")
    func effects() {
        var settings = Bench().runs.settings
        var tool = ReleaseTools.Tool()
        tool.effect = .read
        settings.releases[.candidate] = ReleaseTools(version: "v2", tools: ["send": tool, "new": tool])
        tool.effect = .write
        settings.releases[.baseline] = ReleaseTools(version: "v1", tools: ["lookup": tool])
        #expect(settings.effect(of: "lookup", for: .baseline) == .write && settings.effect(of: "lookup", for: .candidate) == .read)
        #expect(settings.effect(of: "send", for: .candidate) == .write && settings.effect(of: "new", for: .candidate) == .write)
    }

    @Test("nobody calls without the token of a run that is under way", arguments: [nil, "", "0", String(repeating: "0", count: 32), String(repeating: "a", count: 32)] as [String?])
    func unknownRun(token: String?) async throws {
        let bench = Bench()
        _ = try bench.begin()
        let reply = await bench.gateway.call(ToolRequest(token: token, tool: "lookup", arguments: nil))
        #expect(reply.summary == "refused unknown_run" && bench.tools.calls.isEmpty)
        #expect(bench.gateway.tools(of: token) == nil)
    }

    @Test("a late call is refused, and after the grace only")
    func late() async throws {
        let bench = Bench()
        let run = try bench.begin()
        bench.runs.end(run)
        #expect(await bench.call(run, "lookup") == "refused run_over")
        let lenient = Bench { $0.grace = .seconds(600) }
        let second = try lenient.begin()
        lenient.runs.end(second)
        #expect(await lenient.call(second, "lookup") == "allowed true")
    }

    @Test("the registry is bounded: it forgets runs that are over, and refuses new ones when none is")
    func bounded() async throws {
        let bench = Bench { $0.limits.runs = 3 }
        let first = try bench.begin()
        _ = try bench.begin()
        _ = try bench.begin()
        #expect(throws: Bench.NoRoom.self) { try bench.begin() }
        bench.runs.end(first)
        _ = try bench.begin()
        #expect(await bench.call(first, "lookup") == "refused unknown_run")
        #expect(bench.runs.counts.known == 3 && bench.runs.counts.refused == 1)
    }

    @Test("budgets, rates and the number of a run's calls are kept")
    func bounds() async throws {
        let bench = Bench { settings in
            settings.tools["lookup"]?.budget = 2
            settings.tools["send"]?.rate = ToolRate(calls: 3, per: .seconds(3600))
            settings.limits.callsPerRun = 7
        }
        let run = try bench.begin()
        for _ in 0..<2 { #expect(await bench.call(run, "lookup") == "allowed true") }
        #expect(await bench.call(run, "lookup") == "refused budget_spent")
        for _ in 0..<3 { #expect(await bench.call(run, "send") == "allowed true") }
        #expect(await bench.call(run, "send") == "refused rate_limited")
        #expect(await bench.call(run, "nothing") == "refused budget_spent", "the eighth call")
        #expect(bench.tools.calls.count == 5)
        let other = try bench.begin()
        #expect(await bench.call(other, "lookup") == "allowed true", "a budget is of one run")
        #expect(await bench.call(other, "send") == "refused rate_limited", "a rate is of all")
    }

    @Test("a rate may be of each run by itself, and what a rate holds back is not taken from a budget")
    func ratesOfRuns() async throws {
        let bench = Bench { settings in
            settings.tools["lookup"]?.runRate = ToolRate(calls: 2, per: .seconds(3600))
            settings.tools["lookup"]?.budget = 3
            settings.tools["send"]?.rate = ToolRate(calls: 1, per: .seconds(3600))
            settings.tools["send"]?.budget = 1
        }
        let (run, other) = (try bench.begin(), try bench.begin())
        for run in [run, other] {
            for _ in 0..<2 { #expect(await bench.call(run, "lookup") == "allowed true") }
            for _ in 0..<3 { #expect(await bench.call(run, "lookup") == "refused rate_limited") }
        }
        #expect(await bench.call(run, "send") == "allowed true")
        #expect(await bench.call(run, "send") == "refused budget_spent")
        for _ in 0..<2 { #expect(await bench.call(other, "send") == "refused rate_limited") }
    }

    @Test("a write that cannot be recorded is refused, and reads go on")
    func journal() async throws {
        let bench = Bench()
        let run = try bench.begin()
        #expect(await bench.call(run, "send") == "allowed true")
        bench.journal.isFull = true
        #expect(await bench.call(run, "send") == "refused unrecorded")
        #expect(await bench.call(run, "lookup") == "allowed true")
        #expect(bench.journal.begun == ["send"])
        #expect(bench.journal.ended == ["send allowed", "send unrecorded", "lookup allowed"])
        #expect(bench.tools.calls.count == 2 && bench.gateway.counts.journalFailures == 1)
    }

    @Test("after a rollback no candidate acts, calls under way are cancelled, and the baseline notices nothing")
    func fence() async throws {
        let bench = Bench()
        let (baseline, candidate) = (try bench.begin(), try bench.begin(.candidate, .canary))
        bench.tools.holds = true
        async let cancelled = bench.call(candidate, "send")
        async let kept = bench.call(baseline, "send")
        while bench.tools.calls.count < 2 { try await Task.sleep(for: .milliseconds(1)) }
        bench.runs.fence(below: 1)
        #expect(await cancelled == "refused rolled_back")
        #expect(await bench.call(candidate, "lookup") == "refused rolled_back")
        bench.tools.holds = false
        #expect(await kept == "allowed true")
        #expect(await bench.call(try bench.begin(.candidate, .canary, epoch: 0), "lookup") == "refused rolled_back", "decided before it")
        #expect(await bench.call(try bench.begin(.candidate, .canary, epoch: 1), "lookup") == "allowed true", "decided after it")
        #expect(bench.runs.counts.cancelled == 1)
    }
}

@Suite(.timeLimit(.minutes(10))) struct FenceTests {
    @Test("a call whose record takes longer than a rollback waits does not go out afterwards, and is recorded as cancelled")
    func stalled() async throws {
        let bench = Bench()
        let candidate = try bench.begin(.candidate, .canary)
        bench.journal.isStalled = true
        let calls = (0..<64).map { _ in Task { await bench.call(candidate, "send") } }
        while bench.journal.begun.count < 64 { try await Task.sleep(for: .milliseconds(1)) }
        bench.runs.fence(below: 1)
        bench.journal.isStalled = false
        for call in calls { #expect(await call.value == "refused rolled_back") }
        #expect(bench.tools.calls.isEmpty)
        #expect(bench.journal.ended == Array(repeating: "send rolled_back", count: 64))
    }
}

@Suite(.timeLimit(.minutes(10))) struct ShadowAnswerTests {
    @Test("a shadow is given what the baseline was answered, as it comes, and causes no call")
    func answered() async throws {
        let bench = Bench { $0.shadow.wait = .seconds(60) }
        let baseline = try bench.begin(keepsAnswers: true)
        let shadow = try bench.begin(.candidate, .shadow, shadowOf: baseline)
        async let waiting = bench.call(shadow, "send", #"{"to": "a", "n": 1}"#)
        #expect(await bench.call(baseline, "send", #"{"n": 1.0, "to": "a"}"#) == "allowed true")
        #expect(await waiting == "replayed true")
        #expect(bench.tools.calls.count == 1 && shadow.divergence == nil)
        #expect(shadow.observedCalls.map(\.verdict) == [.replayed])
        #expect(shadow.observedCalls[0].result?.content == baseline.observedCalls[0].result?.content)
    }

    @Test("a tool that gave the baseline no answer gives the shadow none, which is no difference", arguments: ["timeout", "unreachable", "bad_answer"])
    func noAnswer(kind: String) async throws {
        let bench = Bench()
        let baseline = try bench.begin(keepsAnswers: true)
        let shadow = try bench.begin(.candidate, .shadow, shadowOf: baseline)
        let arguments = #"{"fails": "\#(kind)"}"#
        let told = await bench.call(baseline, "lookup", arguments)
        #expect(told == "failed \(kind)")
        #expect(await bench.call(shadow, "lookup", arguments) == told)
        #expect(bench.tools.calls.count == 1 && shadow.divergence == nil && bench.gateway.counts.divergences.isEmpty)
        #expect(shadow.observedCalls.map(\.verdict) == [.replayed] && shadow.observedCalls[0].result?.success == false)
    }

    @Test("what the baseline did not do is refused, and the first divergence is kept")
    func refused() async throws {
        let bench = Bench { $0.shadow.matching = .strict }
        let baseline = try bench.begin(keepsAnswers: true)
        let shadow = try bench.begin(.candidate, .shadow, shadowOf: baseline)
        #expect(await bench.call(baseline, "lookup", #"{"q": 1}"#) == "allowed true")
        bench.runs.end(baseline)
        #expect(await bench.call(shadow, "lookup", #"{"q": 1}"#) == "replayed true")
        #expect(await bench.call(shadow, "lookup", #"{"q": 2}"#) == "refused no_baseline_answer")
        #expect(await bench.call(shadow, "send", "{}") == "refused no_baseline_answer")
        #expect(shadow.divergence == ToolDivergence(index: 1, tool: "lookup", kind: .otherArguments))
        #expect(bench.tools.calls.count == 1 && bench.gateway.counts.divergences == ["other_arguments": 1])
    }

    @Test(
        "matching is that of a replay",
        arguments: [
            (ToolMatching.strict, ["replayed true", "refused no_baseline_answer", "refused no_baseline_answer"]),
            (.lenient, ["replayed true", "replayed true", "replayed true"]),
            (.ordered, ["replayed true", "replayed true", "refused no_baseline_answer"]),
        ])
    func matching(matching: ToolMatching, expected: [String]) async throws {
        let bench = Bench { $0.shadow.matching = matching }
        let baseline = try bench.begin(keepsAnswers: true)
        for n in 1...2 { #expect(await bench.call(baseline, "lookup", "{\"q\": \(n)}") == "allowed true") }
        bench.runs.end(baseline)
        let shadow = try bench.begin(.candidate, .shadow, shadowOf: baseline)
        var replies: [String] = []
        for n in [1, 1, 9] { replies.append(await bench.call(shadow, "lookup", "{\"q\": \(n)}")) }
        // Lenient: the same, the same again, and the next unused of that name.
        #expect(replies == expected)
    }

    @Test("a shadow waits no longer than it may, and not at all once the baseline is done or the rollout rolled back")
    func bounds() async throws {
        let bench = Bench { $0.shadow.wait = .seconds(3600) }
        let baseline = try bench.begin(keepsAnswers: true)
        let shadow = try bench.begin(.candidate, .shadow, shadowOf: baseline)
        async let over = bench.call(shadow, "lookup")
        try await Task.sleep(for: .milliseconds(5))
        bench.runs.end(baseline)
        #expect(await over == "refused no_baseline_answer")
        let second = try bench.begin(keepsAnswers: true)
        let fenced = try bench.begin(.candidate, .shadow, shadowOf: second)
        async let cancelled = bench.call(fenced, "lookup")
        bench.runs.fence(below: 1)
        #expect(await cancelled == "refused rolled_back")
        let brief = Bench { $0.shadow.wait = .milliseconds(1) }
        let third = try brief.begin(keepsAnswers: true)
        #expect(await brief.call(try brief.begin(.candidate, .shadow, shadowOf: third), "lookup") == "refused no_baseline_answer")
        #expect(await brief.call(try brief.begin(.candidate, .shadow), "lookup") == "refused no_baseline_answer", "nobody's shadow")
    }

    @Test("all that wait are woken by one answer, and what comes between a look and the wait is not missed")
    func woken() async throws {
        let bench = Bench { $0.shadow.wait = .seconds(3600) }
        for round in 0..<200 {
            let baseline = try bench.begin(keepsAnswers: true)
            let shadow = try bench.begin(.candidate, .shadow, shadowOf: baseline)
            let replies = await withTaskGroup(of: String.self) { group in
                for n in 0..<4 {
                    group.addTask { await bench.call(shadow, "lookup", "{\"n\": \(n)}") }
                    group.addTask { await bench.call(baseline, "lookup", "{\"n\": \(n)}") }
                }
                return await group.reduce(into: [:]) { $0[$1, default: 0] += 1 }
            }
            #expect(replies == ["allowed true": 4, "replayed true": 4], "round \(round)")
            bench.runs.end(shadow)
            bench.runs.end(baseline)
        }
    }

    @Test("a shadow whose agent has gone waits no longer, and has not diverged")
    func gone() async throws {
        let bench = Bench { $0.shadow.wait = .seconds(3600) }
        let baseline = try bench.begin(keepsAnswers: true)
        let shadow = try bench.begin(.candidate, .shadow, shadowOf: baseline)
        let call = Task { await bench.call(shadow, "lookup") }
        while bench.gateway.counts.underWay == 0 { await Task.yield() }
        call.cancel()
        #expect(await call.value == "refused no_baseline_answer")
        #expect(shadow.divergence == nil && bench.gateway.counts.divergences.isEmpty && bench.gateway.counts.underWay == 0)
    }
}
