import AgentRuns
import LiveRuns
import Testing

@Suite("Answers of the agent protocol")
struct AgentAnswerTests {
    @Test("All that it may say is read")
    func whole() {
        let run = PlainRun(
            .sample(
                request: #"{"request":"Where is it?","model":"asked","conversation_id":"c"}"#,
                answer: """
                    {"response":{"text":"There \\u00e9"},"outcome":"success","cost_tokens":12.5,"input_tokens":3,"output_tokens":4,
                     "model":"m","version":"v2","latency_ms":1,"unknown":[1],"tool_calls":["bare",
                     {"name":"find","id":"c1","args":{"a": 1},"success":true,"result":"ok","duration_ms":20},
                     {"name":"book","args":"text","error":"full","duration_ms":30.5},{"name":"late"},
                     {"name":"none","result":null},{"name":"said","success":false,"result":{"x":1}}]}
                    """))
        #expect(run.shape == .agent)
        #expect(run.response == #"json {"text":"There \u00e9"}"#)
        #expect(run.outcome == "success")
        #expect(run.tokens == [12.5, 3, 4])
        #expect(run.model == "m")
        #expect(
            run.calls == [
                .init("bare"), .init("find", id: "c1", #"json {"a": 1}"#, success: true, result: "text ok", duration: 20),
                .init("book", "text text", success: false, error: "text full", duration: 30.5), .init("late"),
                .init("none", success: true), .init("said", success: false, result: #"json {"x":1}"#),
            ])
        #expect(run.problem == nil)
        #expect(run.failure == nil)
    }

    @Test("What the request says is read, and the run's times are the agent's")
    func request() {
        let live = LiveRun(
            .sample(request: #"{"request":"Hi","model":"m","conversation_id":"c","allowed_tools":["a",1,"b"]}"#, answer: "{}"))
        #expect(live.run.request.map { live.run.string($0.text) } == "Hi")
        #expect(live.run.conversationID.map { live.run.string($0) } == "c")
        #expect(live.run.allowedTools?.map { live.run.string($0) } == ["a", "b"])
        #expect(live.run.latency == .real(250))
        #expect(live.run.recordedID.map { live.run.string($0) } == "req-1")
    }

    @Test(
        "null stands for no response and no outcome",
        arguments: [
            (#"{"response":null}"#, false), (#"{"response":null,"outcome":null}"#, true), (#"{"response":"a","outcome":7}"#, false),
        ])
    func nothing(answer: String, statesNoOutcome: Bool) {
        let live = LiveRun(.sample(answer: answer))
        #expect(live.shape == .agent)
        #expect(live.run.outcome == nil)
        #expect(live.run.statesNoOutcome == statesNoOutcome)
    }

    @Test(
        "An agent that says that it failed has failed; of a refusal nothing is known",
        arguments: [
            (#"{"error":"no seat"}"#, 200, "agent_error: no seat"), (#"{"error":{"message":"no seat","code":1}}"#, 200, "agent_error: no seat"),
            (#"{"error":[1]}"#, 200, "agent_error: [1]"), (#"{"response":"a","error":"b"}"#, 200, "agent_error: b"),
            (#"{"response":"a","error":null}"#, 200, nil), (#"{"error":"bad"}"#, 400, nil), (#"{"error":{"message":"bad"}}"#, 500, nil),
        ] as [(String, Int, String?)])
    func failure(answer: String, status: Int, expected: String?) {
        let run = PlainRun(.sample(answer: answer, status: status))
        #expect(run.failure == expected)
        #expect((run.shape == .unknown) == (status >= 400))
    }

    @Test(
        "Of an answer with wrong types the rest is kept, and it is noted",
        arguments: [
            (#""outcome":5"#, "outcome is not what it must be"), (#""cost_tokens":"many""#, "cost_tokens is not what it must be"),
            (#""cost_tokens":-1"#, "cost_tokens is not what it must be"), (#""input_tokens":-1"#, "input_tokens is not what it must be"),
            (#""input_tokens":1.5"#, "input_tokens is not what it must be"), (#""output_tokens":true"#, "output_tokens is not what it must be"),
            (#""model":{}"#, "model is not what it must be"), (#""version":1"#, "version is not what it must be"),
            (#""tool_calls":{}"#, "tool_calls is no array"), (#""tool_calls":[7]"#, "a tool call has no name"),
            (#""tool_calls":[{"name":1}]"#, "a tool call has no name"), (#""tool_calls":[{}]"#, "a tool call has no name"),
            (#""tool_calls":[{"name":"a","success":"yes"}]"#, "success is not what it must be"),
            (#""tool_calls":[{"name":"a","result":1,"duration_ms":-1}]"#, "duration_ms is not what it must be"),
            (#""tool_calls":[{"name":"a","id":1}]"#, "id is not what it must be"),
        ])
    func wrongTypes(field: String, problem: String) {
        let run = PlainRun(.sample(answer: #"{"response":"kept",\#(field)}"#))
        #expect(run.shape == .agent)
        #expect(run.response == "text kept")
        #expect(run.problem == problem)
    }

    @Test("10,000 calls are kept")
    func manyCalls() {
        for count in [10_000, 10_001] {
            let calls = Array(repeating: #""t""#, count: count).joined(separator: ",")
            let run = PlainRun(.sample(answer: #"{"response":1,"tool_calls":[\#(calls)]}"#))
            #expect(run.calls.count == 10_000)
            #expect(run.problem == (count == 10_000 ? nil : "more than 10000 tool calls"))
        }
    }

    @Test("Durations that do not fit into the run are left out, all of them", arguments: [(250, true), (251, false), (1e300, true)])
    func durations(first: Double, fits: Bool) {
        let live = LiveRun(
            .sample(
                answer: #"{"response":1,"tool_calls":[{"name":"a","result":1,"duration_ms":\#(first)},{"name":"b","result":1,"duration_ms":0}]}"#))
        #expect(live.ignoresDurations == !fits)
        #expect(live.run.toolCalls.allSatisfy { ($0.result?.duration != nil) == fits })
    }
}

@Suite("Answers of no known shape")
struct UnknownAnswerTests {
    @Test(
        "The run has its times and nothing that was not said",
        arguments: [
            ("<p>hello</p>", "text/html", nil), ("", "application/json", nil), ("{}", nil, nil), ("{\"a\":1}\n{\"a\":2}", "application/x-ndjson", nil),
            ("{\"a\":1}\n{\"a\":2}", "application/jsonl", nil), ("hello", "text/plain", nil), ("data: hello\n\n", "text/event-stream", nil),
            ("{\"response", "application/json", "the answer is said to be JSON, and is not"),
            ("\u{0}\u{0}", "application/json", "the answer is said to be JSON, and is not"),
            ("{\"response\":1} 2", "application/problem+json; charset=utf-8", "the answer is said to be JSON, and is not"),
        ] as [(String, String?, String?)])
    func nothing(answer: String, type: String?, problem: String?) {
        let live = LiveRun(.sample(answer: answer, type: type))
        #expect(live.shape == .unknown)
        #expect(live.problem == problem)
        #expect(live.run.response == nil)
        #expect(live.run.latency == .real(250))
    }

    @Test("JSON of another form is the response", arguments: ["[1,2]", "{\"a\":1}", "7", "true", "\"text\""])
    func json(answer: String) {
        let live = LiveRun(.sample(answer: answer, type: "application/vnd.api+json"))
        #expect(live.shape == .unknown)
        #expect(live.problem == nil)
        #expect(live.run.response.map { live.run.string($0.text) } == (answer == "\"text\"" ? "text" : answer))
    }

    @Test("A failure without an answer has a run")
    func noAnswer() {
        var exchange = Exchange.sample(answer: "")
        exchange.response = nil
        exchange.failure = .init(type: "connect_failed", message: "refused")
        #expect(PlainRun(exchange) == PlainRun(.sample(answer: "", type: nil)))
    }

    @Test("The sidecar's own answer says nothing of the agent")
    func ownAnswer() {
        var exchange = Exchange.sample(answer: #"{"response":"not the agent's"}"#, status: 200)
        exchange.failure = .init(type: "overloaded", message: "")
        exchange.times.firstByte = nil
        #expect(LiveRun(exchange).run.response == nil)
    }

    @Test("A cut answer is said to be cut")
    func cut() {
        let bytes = Array(#"{"response":"#.utf8)
        #expect(LiveRun(.sample(answer: bytes, isTruncated: true)).problem == "the answer is longer than what is kept of it, and is not read")
        #expect(LiveRun(.sample(answer: bytes, isComplete: false)).problem == "the answer is cut off, and is not read")
    }

    @Test("A clock that is set back makes a run of a nanosecond")
    func clock() {
        var exchange = Exchange.sample(answer: "{}")
        exchange.times = .init(received: 100, sent: 50, firstByte: 20, ended: 10)
        #expect(LiveRun(exchange).run.latency == .real(1e-6))
        #expect(exchange.times.inOrder == .init(received: 100, sent: 100, firstByte: 100, ended: 101))
    }
}
