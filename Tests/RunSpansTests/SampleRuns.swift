import AgentRuns

extension AgentRun {
    /// A run with this many calls, each with a result.
    static func with(calls: Int, latency: RecordedNumber? = .integer(350)) -> AgentRun {
        var run = AgentRun()
        run.latency = latency
        for k in 0..<calls { run.addCall("tool\(k)", result: ToolResult(success: true)) }
        return run
    }

    mutating func addCall(_ name: String?, arguments: Content? = nil, result: ToolResult? = nil) {
        toolCalls.append(ToolCall(name: name.map { store($0) }, arguments: arguments, result: result))
    }

    mutating func string(_ text: String) -> Content { Content(form: .string, text: store(text)) }
    mutating func json(_ text: String) -> Content { Content(form: .json, text: store(text)) }

    /// A run with every field, whose content says `private` everywhere.
    static func full() -> AgentRun {
        var run = AgentRun()
        run.recordedID = run.store("t-001")
        run.request = run.string("private request")
        run.response = run.json(#"{ "answer" : "private response", "n": 1.50 }"#)
        run.allowedTools = [run.store("search")]
        run.outcome = run.store("done")
        run.expectedOutcome = run.store("done")
        run.latency = .real(350.5)
        run.costTokens = .integer(42)
        run.inputTokens = 30
        run.outputTokens = 12
        run.agent = run.store("helper")
        run.version = run.store("v2")
        run.conversationID = run.store("conv")
        run.model = run.store("m-1")
        let arguments = run.json(#"{"q": "private argument"}"#)
        let result = run.json(#"["private result", 2]"#)
        run.addCall("search", arguments: arguments, result: ToolResult(success: true, content: result))
        run.toolCalls[0].id = run.store("call-1")
        let error = run.string("private error")
        let failed = run.string("private failure")
        run.addCall("remove", arguments: run.string("private text"), result: ToolResult(success: false, content: failed, error: error))
        return run
    }

    static func random(using random: inout SeededGenerator) -> AgentRun {
        var run = AgentRun()
        run.latency = .randomMilliseconds(using: &random)
        for k in 0..<Int.random(in: 0...40, using: &random) {
            switch Int.random(in: 0..<4, using: &random) {
            case 0: run.addCall(nil)
            case 1: run.addCall("tool\(k)", result: ToolResult(success: Bool.random(using: &random)))
            default: run.addCall("tool\(k)", result: ToolResult(success: true, duration: .randomMilliseconds(using: &random)))
            }
        }
        return run
    }
}

extension RecordedNumber {
    /// Often such as need care: nothing, zero, not a duration.
    fileprivate static func randomMilliseconds(using random: inout SeededGenerator) -> RecordedNumber? {
        switch Int.random(in: 0..<8, using: &random) {
        case 0: nil
        case 1: .integer(0)
        case 2: .integer(-5)
        case 3: .real(.infinity)
        case 4: .integer(86_400_000)
        case 5: .real(Double.random(in: 0...0.00001, using: &random))
        default: .real(Double.random(in: 0...5000, using: &random))
        }
    }
}
