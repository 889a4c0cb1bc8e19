import AgentRuns
import JSONDocuments
import Replay
import Testing

@testable import ReplayAgents

private let stub = Result { try StubAgent() }

@Suite(.timeLimit(.minutes(10)))
struct HTTPAgentTests {
    private func run(
        _ request: String, timeLimit: Duration = .seconds(600), options: AgentPool.Options = .init()
    ) async throws -> (arm: ArmRun, notices: AgentNotices) {
        try await withPool(options) { pool in
            let agent = try pool.live("http://127.0.0.1:\(try stub.get().port)/agent")
            return (await agent.run(try task(request, timeLimit: timeLimit)), pool.notices)
        }
    }

    @Test func aRunGetsItsToolsFromTheRecording() async throws {
        let (arm, notices) = try await run(
            #"{"calls": [{"name": "read", "args": {"path": "b"}}, {"name": "read", "args": {"path": "c"}}, {"name": "hack"}]}"#)
        #expect(arm.problem == nil)
        #expect(arm.run.callNames == ["read", "read", "hack"])
        #expect(arm.run.responseDocument?[0]?["error"] == .string("no such file"))
        #expect(arm.run.responseDocument?[1]?["result"] == .string("text of a"))
        #expect(arm.run.responseDocument?[2]?["success"] == .bool(false))
        #expect(arm.run.toolCalls[1].result?.duration == .integer(5))
        let tools = try #require(arm.tools)
        #expect(tools.matched == 1 && tools.matchedByName == 1 && tools.refused == 1 && tools.unasked == [2])
        #expect(arm.run.outcome.map { arm.run.string($0) } == "success")
        #expect(arm.run.costTokens == .integer(10))
        #expect(try #require(arm.run.latency).double > 0)
        #expect(arm.run.recordedID.map { arm.run.string($0) } == "t-1")
        #expect(!arm.assumesSuccess && arm.startTime != nil)
        #expect(notices.counts.isEmpty)
    }

    @Test func theRequestSaysAllThatTheProtocolPromises() async throws {
        var options = AgentPool.Options()
        options.headers = [("Authorization", "Bearer 123")]
        let (arm, _) = try await run(#"{"mode": "echo", "text": "hé"}"#, options: options)
        let response = try #require(arm.run.responseDocument)
        let body = try #require(response["body"])
        for (name, value) in [
            ("protocol", "outrigger/agent/1"), ("replay_id", "replay-1"), ("mode", "replay"), ("role", "candidate"), ("version", "v2"),
            ("trace_id", "t-1"), ("conversation_id", "c-1"), ("model", "m-1"),
        ] { #expect(body[name] == .string(value)) }
        #expect(body["request"]?["text"] == .string("hé"))
        #expect(body["allowed_tools"] == .array([.string("read"), .string("write")]))
        #expect(body["deadline_ms"]?.kind == .number)
        let headers = try #require(response["headers"])
        #expect(headers["traceparent"] == body["traceparent"])
        #expect(headers["baggage"] == .string("outrigger.role=candidate,outrigger.mode=replay"))
        #expect(headers["content-type"] == .string("application/json"))
        #expect(headers["authorization"] == .string("Bearer 123"))
    }

    struct Misbehaviour: Sendable, CustomTestStringConvertible {
        var request: String
        var kind: RunProblem.Kind
        var words: String
        var testDescription: String { request }

        init(_ request: String, _ kind: RunProblem.Kind, _ words: String) {
            self.request = request
            self.kind = kind
            self.words = words
        }

        static func raw(_ body: String, _ words: String, kind: RunProblem.Kind = .badAnswer) -> Misbehaviour {
            Misbehaviour(#"{"mode": "raw", "body": \#(JSONDocument.string(body).text)}"#, kind, words)
        }
    }

    @Test(arguments: [
        Misbehaviour(#"{"mode": "half_json"}"#, .badAnswer, "without its closing quote"),
        Misbehaviour(#"{"mode": "half_body"}"#, .transport, "broke"),
        Misbehaviour(#"{"mode": "huge_declared"}"#, .badAnswer, "more than 16777216 bytes"),
        Misbehaviour(#"{"mode": "nonsense"}"#, .badAnswer, "not JSON"),
        Misbehaviour(#"{"mode": "twice"}"#, .badAnswer, "more text after the value"),
        Misbehaviour(#"{"mode": "not_http"}"#, .badAnswer, "not HTTP"),
        // The client took it for an interim answer, and the process was gone.
        Misbehaviour(#"{"mode": "status_99"}"#, .badAnswer, "not HTTP"),
        Misbehaviour(#"{"mode": "status_500"}"#, .agentError, "out of order"),
        Misbehaviour(#"{"mode": "redirect"}"#, .badAnswer, "http://127.0.0.1:1/elsewhere"),
        Misbehaviour(#"{"mode": "closes"}"#, .transport, "3 tries"),
        Misbehaviour(#"{"mode": "raw", "body": "<html>", "content_type": "text/html"}"#, .badAnswer, "text/html"),
        .raw("[]", "must be an object"), .raw("{}", "response is missing"), .raw("", "no JSON value"),
        .raw(#"{"response": 1, "outcome": 2}"#, "outcome must be a string"),
        .raw(#"{"response": 1, "cost_tokens": "many"}"#, "cost_tokens must be a number"),
        .raw(#"{"response": 1, "cost_tokens": -1}"#, "cost_tokens is negative"),
        .raw(#"{"response": 1, "latency_ms": 1e999}"#, "latency_ms is out of range"),
        .raw(#"{"response": 1, "input_tokens": 1.5}"#, "input_tokens must be a whole number"),
        .raw(#"{"response": 1, "tool_calls": {}}"#, "tool_calls must be an array"),
        .raw(#"{"response": 1, "tool_calls": ["a", {"args": 1}]}"#, "tool_calls[1].name is missing"),
        .raw(#"{"response": 1, "tool_calls": [{"name": 1}]}"#, "tool_calls[0].name must be a string"),
        .raw(#"{"response": 1, "run_id": "x"}"#, "run_id"),
        .raw(#"{"response": 1, "outcome": "a", "outc\u006fme": "b"}"#, #""outcome" is there twice in the answer"#),
        .raw(#"{"response": 1, "tool_calls": ["rm"], "tool_calls": []}"#, #""tool_calls" is there twice in the answer"#),
        .raw(#"{"response": 1, "tool_calls": [{"name": "a", "name": "b"}]}"#, #""name" is there twice in tool_calls[0]"#),
        .raw(#"{"error": "no money"}"#, "no money", kind: .agentError),
        .raw(#"{"response": "# + String(repeating: "[", count: 100_000) + "}", "nested too deep"),
    ])
    func misbehaviourIsTold(_ case: Misbehaviour) async throws {
        let (arm, _) = try await run(`case`.request)
        let problem = try #require(arm.problem)
        #expect(problem.kind == `case`.kind)
        #expect(problem.detail.contains(`case`.words), "\(problem.detail)")
        #expect(problem.detail.utf8.count < 1000)
    }

    @Test func aHugeAnswerIsCutOff() async throws {
        let own = try StubAgent()
        try await withPool { pool in
            let agent = try pool.live("http://127.0.0.1:\(own.port)/agent")
            let arm = await agent.run(try task(#"{"mode": "huge"}"#))
            #expect(arm.problem == RunProblem(.badAnswer, "the answer has more than 16777216 bytes"))
            #expect(await agent.run(try task("{}")).problem == nil)
        }
        let stats = try #require(try await own.get("/_stats") as? [String: Int])
        #expect(try #require(stats["huge_sent"]) < 200_000_000)
    }

    @Test(arguments: ["hang", "hang_in_answer"])
    func silenceEndsWithTheTimeLimit(mode: String) async throws {
        let (arm, _) = try await run(#"{"mode": "\#(mode)"}"#, timeLimit: .milliseconds(200))
        #expect(arm.problem?.kind == .timeout)
    }

    @Test(arguments: ["hang", "hang_in_answer"])
    func cancellationEndsAtOnce(mode: String) async throws {
        try await withPool { pool in
            let agent = try pool.live("http://127.0.0.1:\(try stub.get().port)/agent")
            let hanging = try task(#"{"mode": "\#(mode)"}"#, timeLimit: .seconds(3600))
            let run = Task { await agent.run(hanging) }
            run.cancel()
            #expect(await run.value.problem?.kind == .cancelled)
        }
    }

    @Test func nobodyListens() async throws {
        try await withPool { pool in
            let agent = try pool.live("http://127.0.0.1:1/agent")
            let arm = await agent.run(try task("{}"))
            #expect(arm.problem?.kind == .transport && arm.problem?.detail.contains("3 tries") == true)
            #expect(pool.notices.counts == [.retry: 2])
        }
    }

    @Test func aTryThatCalledToolsIsTheRun() async throws {
        let (arm, notices) = try await run(#"{"mode": "flaky", "failures": 1, "calls": [{"name": "read", "args": {"path": "a"}}, {"name": "rm"}]}"#)
        let problem = try #require(arm.problem)
        #expect(problem.kind == .transport && problem.detail.hasSuffix("it had called tools by then, so it is not asked again"))
        #expect(arm.run.callNames == ["read", "rm"])
        #expect(arm.tools?.matched == 1 && arm.tools?.refused == 1)
        #expect(notices.counts.isEmpty)
    }

    @Test func theTimeOfAFailedTryCounts() async throws {
        let (arm, notices) = try await run(#"{"mode": "flaky", "failures": 1, "delay_ms": 300}"#)
        #expect(arm.problem == nil)
        #expect(try #require(arm.run.latency).double >= 300)
        #expect(notices.counts == [.retry: 1])
    }

    @Test func aSecondAnswerOnTheConnectionGoesToNobody() async throws {
        try await withPool { pool in
            let agent = try pool.live("http://127.0.0.1:\(try stub.get().port)/agent")
            let first = await agent.run(try task(#"{"mode": "twice_http"}"#))
            #expect(first.run.responseDocument == .string("one"))
            for _ in 0..<5 {
                let next = await agent.run(try task(#"{"mode": "echo"}"#))
                #expect(next.run.responseDocument?["body"] != nil, "\(String(describing: next.problem))")
            }
        }
    }

    @Test func callsAfterTheAnswerAreRefusedAndCounted() async throws {
        let own = try StubAgent()
        try await withPool { pool in
            let agent = try pool.live("http://127.0.0.1:\(own.port)/agent")
            let late = try task(#"{"mode": "calls_after_answer", "calls": [{"name": "read"}]}"#)
            let arm = await agent.run(late)
            #expect(arm.problem == nil)
            let results = try #require(try await own.get("/_late") as? [[String: Any]])
            #expect(results.first?["status"] as? Int == 410)
            #expect(pool.notices.lateCalls == [late.runID: 1])
        }
    }

    @Test func callsForAnotherRunAreRefusedAndCountWhereTheyCame() async throws {
        let own = try StubAgent()
        try await withPool { pool in
            let agent = try pool.live("http://127.0.0.1:\(own.port)/agent")
            let victim = try task(#"{"mode": "victim", "calls": [{"name": "read", "args": {"path": "a"}}]}"#)
            let culprit = try task(#"{"mode": "calls_other_run", "calls": [{"name": "read", "args": {"path": "a"}}]}"#)
            async let first = agent.run(victim)
            async let second = agent.run(culprit)
            let (reached, guilty) = await (first, second)
            #expect(guilty.run.responseDocument?[0]?["status"] == .integer(403))
            #expect(guilty.run.responseDocument?[1]?["status"] == .integer(403))
            #expect(guilty.run.toolCalls.isEmpty)
            #expect(reached.problem == nil && reached.run.callNames == ["read", "read", "read"])
            // They used up nothing of what is recorded.
            #expect(reached.tools?.matched == 1 && reached.tools?.refused == 2)
            #expect(pool.notices.counts == [.foreignCall: 2])
        }
    }

    @Test func theAnswersOwnWordsAreKept() async throws {
        let (arm, notices) = try await run(
            #"""
            {"answer": {"response": {"x": 1}, "latency_ms": 1e6, "input_tokens": 3, "output_tokens": 4, "model": "m-2", "version": "v3",
            "outcome": null, "tool_calls": ["a", {"name": "b", "args": {"x": 1}, "id": "7", "error": "e", "duration_ms": 2}]}}
            """#)
        #expect(arm.problem == nil)
        #expect(arm.run.latency == .real(1e6) && arm.run.inputTokens == 3 && arm.run.outputTokens == 4)
        #expect(arm.run.outcome == nil && arm.run.statesNoOutcome)
        #expect(arm.run.version.map { arm.run.string($0) } == "v3")
        #expect(arm.run.callNames == ["a", "b"] && arm.run.toolCalls[1].result?.success == false)
        #expect(arm.tools?.unasked == [0, 1, 2])
        #expect(notices.counts == [.listedCallsOnly: 1])
        #expect(notices.words == ["agents: 1 run whose tool calls are told by the answer alone; none was made at the tool endpoint"])
    }

    @Test func aLatencyThatTheTimeMeasuredBeliesDoesNotCount() async throws {
        let (arm, notices) = try await run(#"{"mode": "slow", "delay_ms": 1000, "answer": {"latency_ms": 3}}"#)
        #expect(try #require(arm.run.latency).double >= 1000)
        #expect(notices.counts == [.understatedLatency: 1])
        #expect(notices.words == ["agents: 1 run states less latency than was measured; the time measured counts"])
        let example = try #require(notices.examples.first)
        #expect(example.detail.hasPrefix("3.0 ms stated, ") && example.detail.hasSuffix(" ms measured"))
    }

    @Test func theTimeMeasuredIsKeptBesideTheTimeStated() async throws {
        let (arm, _) = try await run(#"{"mode": "slow", "delay_ms": 200, "answer": {"latency_ms": 1e6}}"#)
        #expect(arm.run.latency == .real(1e6))
        let measured = try #require(arm.measuredLatency)
        #expect(measured >= 200 && measured < 1e6)
    }

    @Test("a cost below its own parts counts as their sum", arguments: [
        (#""cost_tokens": 1, "input_tokens": 1000, "output_tokens": 20"#, 1020, 1), (#""cost_tokens": 1.5, "input_tokens": 2"#, 2, 1),
        (#""cost_tokens": 1, "input_tokens": 9223372036854775807, "output_tokens": 1"#, Int64.max, 1),
        (#""cost_tokens": 1020, "input_tokens": 1000, "output_tokens": 20"#, 1020, 0), (#""cost_tokens": 7"#, 7, 0),
        (#""cost_tokens": null, "input_tokens": 1000"#, nil, 0),
    ] as [(String, Int64?, Int)])
    func costs(_ fields: String, _ cost: Int64?, _ notes: Int) async throws {
        let (arm, notices) = try await run(#"{"answer": {\#(fields)}}"#)
        #expect(arm.problem == nil && arm.run.costTokens?.integer == cost)
        #expect(notices.counts[.understatedCost, default: 0] == notes)
    }

    @Test(arguments: [
        (0, 500, true), (0, 555, true), (0, 556, false), (3, 1000, false), (4000, 5000, true), (3999, 5000, false), (9000, 10, true),
    ] as [(Double, Double, Bool)])
    func theTransportExplainsSomeOfTheTime(_ stated: Double, _ measured: Double, _ isCredible: Bool) {
        #expect(LiveRun.isCredible(stated: stated, measured: measured) == isCredible)
    }

    struct Listed: Sendable, CustomTestStringConvertible {
        var list: String
        var names: [String]
        var notices: [AgentNotices.Kind: Int]
        var testDescription: String { list }
    }

    @Test("calls that the answer lists and nobody saw are judged after those that were seen", arguments: [
        Listed(list: #"["write"]"#, names: ["read", "read", "write"], notices: [.unseenCall: 1]),
        Listed(
            list: #"[{"name": "read", "args": {"n": 1e0, "path": "a"}}, {"name": "read", "args": {"path": "b"}}, {"name": "rm", "args": {}}]"#,
            names: ["read", "read", "rm"], notices: [.unseenCall: 1]),
        // Arguments that were not seen, and a name once too often.
        Listed(list: #"[{"name": "read", "args": {"path": "c"}}, "read", "read"]"#, names: ["read", "read", "read"], notices: [.unseenCall: 1]),
        Listed(list: #"["read", {"name": "read", "args": {"path": "b"}}, "read"]"#, names: ["read", "read", "read"], notices: [.unseenCall: 1]),
        // The same, and less.
        Listed(list: #"["read", "read"]"#, names: ["read", "read"], notices: [:]),
        Listed(list: #"["read", {"name": "read", "args": {"path": "a", "n": 1}}]"#, names: ["read", "read"], notices: [.listedCallsDiffer: 1]),
        Listed(list: "[]", names: ["read", "read"], notices: [.listedCallsDiffer: 1]),
    ])
    func listedCallsCountBesideThoseSeen(_ listed: Listed) async throws {
        let calls = #"[{"name": "read", "args": {"path": "a", "n": 1}}, {"name": "read", "args": {"path": "b"}}]"#
        let (arm, notices) = try await run(#"{"calls": \#(calls), "answer": {"tool_calls": \#(listed.list)}}"#)
        #expect(arm.problem == nil)
        #expect(arm.run.callNames == listed.names)
        #expect(notices.counts == listed.notices)
        #expect(arm.tools.map { $0.matched + $0.matchedByName + $0.refused } == 2)
    }

    @Test func aHundredRunsAtOnceKeepTheirToolsApart() async throws {
        var options = AgentPool.Options()
        options.concurrency = 100
        try await withPool(options) { pool in
            let agent = try pool.live("http://127.0.0.1:\(try stub.get().port)/agent")
            await withTaskGroup(of: (Int, ArmRun).self) { group in
                for i in 0..<100 {
                    group.addTask {
                        let text = #"{"request": {"calls": [{"name": "n", "args": {"i": \#(i)}}]}, "tool_calls": [{"name": "n", "args": {"i": \#(i)}}], "tool_results": [{"result": \#(i)}]}"#
                        guard let recording = try? trace(text) else { return (i, ArmRun(RunProblem(.noRun, ""))) }
                        return (i, await agent.run(task(recording)))
                    }
                }
                for await (i, arm) in group {
                    #expect(arm.problem == nil && arm.tools?.matched == 1)
                    #expect(arm.run.responseDocument?[0]?["result"] == .integer(i))
                }
            }
            #expect(pool.notices.counts.isEmpty)
        }
    }
}
