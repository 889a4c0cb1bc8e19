import AgentRuns
import JSONDocuments
import Replay
import Testing

@testable import ReplayAgents

private let stub = Result { try StubAgent() }

@Suite(.timeLimit(.minutes(10)))
struct OpenAIAgentTests {
    private static let tools = """
        "tool_calls": [{"name": "read", "args": {"p": 1}}, {"name": "list"}], "tool_results": [{"result": {"x": [1]}}, {"result": "plain"}]
        """

    private func run(_ request: String, _ options: AgentPool.Options = .init(), model: String = "\"m\"") async throws -> ArmRun {
        try await withPool(options) { pool in
            let agent = try pool.live("http://127.0.0.1:\(try stub.get().port)/v1/chat/completions")
            return await agent.run(task(try trace(#"{"request": \#(request), "model": \#(model), \#(Self.tools)}"#)))
        }
    }

    private static func prompt(_ text: String) -> String { JSONDocument.string(text).text }

    private static let twoCalls = #"{"calls": [{"name": "read", "args": {"p": 1.0}}, {"name": "list"}, {"name": "list", "args": {"a": 1}}, {"name": "rm"}]}"#

    @Test(arguments: [
        prompt(twoCalls), #"[{"role": "system", "content": "be good"}, {"role": "user", "content": \#(prompt(twoCalls))}]"#,
        #"{"messages": [{"role": "user", "content": \#(prompt(twoCalls))}], "user": "u"}"#, twoCalls,
    ])
    func aModelIsAskedUntilItIsDone(_ request: String) async throws {
        let arm = try await run(request)
        #expect(arm.problem == nil)
        #expect(arm.run.callNames == ["read", "list", "list", "rm"])
        #expect(arm.run.toolCalls.map { $0.id.map { arm.run.string($0) } } == ["call-0", "call-1", "call-2", "call-3"])
        let response = try JSONDocument(parsing: arm.run.response.map { arm.run.string($0.text) } ?? "")
        #expect(response["tools"]?[0] == .string(#"{"x": [1]}"#))
        #expect(response["tools"]?[1] == .string("plain"))
        for place in [2, 3] {
            guard case .string(let refusal)? = response["tools"]?[place] else {
                Issue.record("no refusal")
                return
            }
            #expect(refusal.hasPrefix(#"{"error":"This is a replay"#))
        }
        #expect(response["names"] == .array([.string("read"), .string("list")]))
        #expect(response["model"] == .string("m") && response["stream"] == .bool(false))
        // Five rounds.
        #expect(arm.run.inputTokens == 500 && arm.run.outputTokens == 50 && arm.run.costTokens == .integer(550))
        #expect(arm.run.model.map { arm.run.string($0) } == "stub-1")
        #expect(arm.run.outcome == nil && !arm.run.statesNoOutcome && !arm.assumesSuccess)
        #expect(arm.tools?.matched == 2 && arm.tools?.refused == 2)
    }

    @Test(arguments: [("length", "length"), ("content_filter", "content_filter"), ("refusal", "refusal"), ("ok", nil)])
    func theOutcomeIsWhyTheModelStopped(_ mode: String, _ outcome: String?) async throws {
        let arm = try await run(Self.prompt(#"{"mode": "\#(mode)"}"#))
        #expect(arm.problem == nil && arm.run.outcome.map { arm.run.string($0) } == outcome && arm.run.response != nil)
    }

    @Test(arguments: [
        ("no_choices", RunProblem.Kind.badAnswer, "choices[0] is missing"), ("error", .agentError, "overloaded"),
        ("needs_key", .agentError, "status 401"), ("forever", .badAnswer, "after 32 rounds"),
        ("legacy", .badAnswer, "function_call is not answered"), ("object_calls", .badAnswer, "tool_calls must be an array, found object"),
        ("two_choices", .badAnswer, "2 choices"), ("repeated", .badAnswer, #""choices" is there twice"#),
    ])
    func whatGoesWrongIsTold(_ mode: String, _ kind: RunProblem.Kind, _ words: String) async throws {
        let arm = try await run(Self.prompt(#"{"mode": "\#(mode)", "calls": [{"name": "read"}]}"#))
        #expect(arm.problem?.kind == kind && arm.problem?.detail.contains(words) == true, "\(String(describing: arm.problem))")
        if mode == "forever" { #expect(arm.run.toolCalls.count == 32) }
    }

    @Test("tokens are summed where every round tells them, and a total is no less than its parts", arguments: [
        ("ok", 300, 330), ("small_total", 300, 330), ("one_usage", nil, nil),
    ] as [(String, Int64?, Int64?)])
    func tokens(_ mode: String, _ input: Int64?, _ total: Int64?) async throws {
        let arm = try await run(Self.prompt(#"{"mode": "\#(mode)", "calls": [{"name": "read"}, {"name": "list"}]}"#))
        #expect(arm.problem == nil && arm.run.callNames == ["read", "list"])
        #expect(arm.run.inputTokens == input && arm.run.costTokens == total.map { RecordedNumber.integer($0) })
    }

    @Test("text in parts is one text", arguments: [
        ("parts", #""a voucher""#),
        ("mixed_parts", #"[{"type": "text", "text": "a voucher"}, {"type": "image_url", "image_url": {"url": "data:,"}}]"#),
    ])
    func parts(_ mode: String, _ response: String) async throws {
        let arm = try await run(Self.prompt(#"{"mode": "\#(mode)"}"#))
        let expected = try JSONDocument(parsing: response)
        #expect(arm.run.responseDocument == expected)
        // What is text alone is searched as text.
        #expect((arm.run.response?.form == .string) == (mode == "parts"))
    }

    @Test func argumentsThatAreNoJSONAreAnsweredWithAnError() async throws {
        let arm = try await run(Self.prompt(#"{"mode": "bad_arguments", "calls": [{"name": "read"}]}"#))
        #expect(arm.problem == nil && arm.tools?.refused == 1)
        #expect(arm.run.toolCalls.first?.arguments?.form == .string)
    }

    @Test func keyModelAndToolsComeFromTheOptions() async throws {
        var options = AgentPool.Options()
        try options.setAPIKey(fromVariable: "KEY", environment: ["KEY": "sesame"])
        options.openAI.model = "other"
        options.openAI.tools = Array(#"[{"type": "function", "function": {"name": "given"}}]"#.utf8)
        let arm = try await run(Self.prompt(#"{"mode": "needs_key"}"#), options, model: "null")
        #expect(arm.problem == nil)
        let response = try JSONDocument(parsing: arm.run.response.map { arm.run.string($0.text) } ?? "")
        #expect(response["names"] == .array([.string("given")]) && response["model"] == .string("other"))
    }

    @Test("a release's prompt takes the place of the recorded ones, and its parameters are sent, except for what is ours")
    func systemPromptAndParameters() async throws {
        var options = AgentPool.Options()
        options.openAI.system = "be brief"
        options.openAI.parameters = Array(#"{"temperature": 0.2, "max_tokens": 700, "stream": true, "messages": [], "n": 9}"#.utf8)
        let messages = #"[{"role": "system", "content": "be good"}, {"role": "developer", "content": "x"}, {"role": "user", "content": \#(Self.prompt(#"{"mode": "echo"}"#))}]"#
        let arm = try await run(messages, options)
        let sent = try JSONDocument(parsing: arm.run.response.map { arm.run.string($0.text) } ?? "")
        #expect(sent["messages"]?[0] == .object(["role": .string("system"), "content": .string("be brief")]))
        #expect(sent["messages"]?[1]?["role"] == .string("user") && sent["messages"]?[2] == nil)
        #expect(sent["temperature"]?.text == "0.2" && sent["max_tokens"]?.text == "700")
        #expect(sent["stream"] == .bool(false) && sent["n"] == nil)
    }

    @Test func badOptionsAreUsageErrors() async throws {
        var options = AgentPool.Options()
        #expect(throws: AgentSpecification.UsageError.self) { try options.setAPIKey(fromVariable: "KEY", environment: [:]) }
        options.openAI.tools = Array("{}".utf8)
        try await withPool(options) { pool in
            _ = #expect(throws: AgentSpecification.UsageError.self) { _ = try pool.live("openai:http://localhost/x") }
        }
        options = .init()
        options.headers = [("X", "a\r\nB: c")]
        let unsendable = options
        await #expect(throws: AgentSpecification.UsageError.self) { _ = try await AgentPool(unsendable) }
    }
}
