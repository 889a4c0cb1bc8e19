import AgentRuns
import LiveRuns
import Testing

@Suite("Chat completions")
struct ChatAnswerTests {
    @Test("Message, calls, tokens and model are read")
    func whole() {
        let run = PlainRun(
            .sample(
                request: #"{"model":"asked","messages":[{"role":"user","content":"Hi"}]}"#,
                answer: """
                    {"id":"x","object":"chat.completion","model":"answering","choices":[{"index":0,"finish_reason":"tool_calls","message":
                    {"role":"assistant","content":null,"tool_calls":[
                    {"id":"c1","type":"function","function":{"name":"find","arguments":"{\\"q\\": \\"\\u00e9\\"}"}},
                    {"id":"c2","type":"function","function":{"name":"empty","arguments":""}},
                    {"id":"c3","type":"function","function":{"name":"blank","arguments":" "}},
                    {"id":"c4","type":"function","function":{"name":"object","arguments":{"a":1}}},
                    {"id":"c5","type":"function","function":{"name":"bare"}}]}}],
                    "usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}}
                    """))
        #expect(run.shape == .chat)
        #expect(run.response == nil)
        #expect(run.outcome == nil)
        #expect(
            run.calls == [
                .init("find", id: "c1", #"json {"q": "é"}"#), .init("empty", id: "c2"), .init("blank", id: "c3"),
                .init("object", id: "c4", #"json {"a":1}"#), .init("bare", id: "c5"),
            ])
        #expect(run.tokens == [15, 10, 5])
        #expect(run.model == "asked")
        #expect(run.answeringModel == "answering")
        #expect(run.problem == nil)
    }

    @Test("The request is its messages")
    func request() {
        let live = LiveRun(.sample(request: #"{"messages":[{"role":"user","content":"Hi"}],"model":"m"}"#, answer: #"{"choices":[]}"#))
        #expect(live.run.request.map { live.run.string($0.text) } == #"[{"role":"user","content":"Hi"}]"#)
        #expect(live.problem == "there is no choice")
        #expect(live.shape == .chat)
    }

    @Test(
        "How it ended is known where the model says",
        arguments: [
            (#""finish_reason":"stop","message":{"content":"a"}"#, "text a", nil),
            (#""finish_reason":"length","message":{"content":"a"}"#, "text a", "length"),
            (#""finish_reason":"content_filter","message":{"content":null}"#, nil, "content_filter"),
            (#""finish_reason":"stop","message":{"content":null,"refusal":"no"}"#, "text no", "refusal"),
            (#""message":{"content":""}"#, "text ", nil), (#""message":{"content":[{"type":"text"}]}"#, #"json [{"type":"text"}]"#, nil),
            (#""message":{"content":"","tool_calls":[{"function":{"name":"a"}}]}"#, nil, nil),
        ] as [(String, String?, String?)])
    func endings(choice: String, response: String?, outcome: String?) {
        let run = PlainRun(.sample(answer: #"{"choices":[{\#(choice)},{"message":{"content":"another"}}]}"#))
        #expect(run.response == response)
        #expect(run.outcome == outcome)
        #expect(run.problem == nil)
    }

    @Test(
        "What is wrong is noted, and the rest kept",
        arguments: [
            (#"{"choices":[1]}"#, "the first choice has no message", 0), (#"{"choices":[{"message":"x"}]}"#, "the first choice has no message", 0),
            (#"{"choices":[{"message":{"tool_calls":{}}}]}"#, "tool_calls is no array", 0),
            (#"{"choices":[{"message":{"tool_calls":[1,{"function":{"name":"a"}}]}}]}"#, "a tool call has no function", 1),
            (#"{"choices":[{"message":{"tool_calls":[{"function":{"name":1}}]}}]}"#, "a tool call has no name", 1),
            (#"{"choices":[{"message":{"tool_calls":[{"function":{"name":"a","arguments":"{"}}]}}]}"#, "a tool call's arguments are not JSON", 1),
        ])
    func wrong(answer: String, problem: String, calls: Int) {
        let run = PlainRun(.sample(answer: answer))
        #expect(run.shape == .chat)
        #expect(run.problem == problem)
        #expect(run.calls.count == calls)
    }

    @Test("Negative and half tokens are none")
    func tokens() {
        let run = PlainRun(
            .sample(answer: #"{"choices":[{"message":{"content":"a"}}],"usage":{"prompt_tokens":-1,"completion_tokens":1.5,"total_tokens":"3"}}"#))
        #expect(run.tokens == [nil, nil, nil])
    }
}
