internal import AgentRuns

/// Reads an answer of OpenAI-style chat completions: of its first choice, as an agent sees it.
///
/// The results of the tools that it calls come with a later request, so the calls stay without. As in a replay the outcome
/// stays unknown when the model just stops; an answer that was cut off or filtered has the finish reason as its outcome,
/// and a refusal `refusal`.
enum ChatAnswer {
    static func read(
        _ fields: borrowing JSONFields, _ choices: Int, arguments parser: inout JSONFields, into live: inout LiveRun
    ) {
        readModelAndUsage(fields, into: &live)
        guard let choice = fields.elements(of: choices).first else { return live.note("there is no choice") }
        guard let message = fields.member("message", of: choice), fields.isObject(message) else {
            return live.note("the first choice has no message")
        }
        if let reason = fields.member("finish_reason", of: choice) { live.run.outcome = outcome(reason, fields, &live) }
        readCalls(fields, message, arguments: &parser, into: &live)
        if let content = fields.member("content", of: message), live.run.toolCalls.isEmpty || !fields.isEmptyString(content) {
            live.run.response = fields.store(content, in: &live.run)
        } else if let refusal = fields.member("refusal", of: message), fields.isString(refusal) {
            live.run.response = fields.store(refusal, in: &live.run)
            live.run.outcome = live.run.outcome ?? live.run.store("refusal")
        }
    }

    private static func readCalls(
        _ fields: borrowing JSONFields, _ message: Int, arguments parser: inout JSONFields, into live: inout LiveRun
    ) {
        guard let calls = fields.member("tool_calls", of: message) else { return }
        guard fields.isArray(calls) else { return live.note("tool_calls is no array") }
        for place in fields.elements(of: calls) {
            guard live.run.toolCalls.count < AgentAnswer.maximumCalls else {
                return live.note("more than \(AgentAnswer.maximumCalls) tool calls")
            }
            guard let function = fields.member("function", of: place) else {
                live.note("a tool call has no function")
                continue
            }
            let arguments = fields.member("arguments", of: function).map { fields.bytes($0) }
            live.run.toolCalls.append(
                call(
                    name: fields.storeString(fields.member("name", of: function), in: &live.run),
                    id: fields.storeString(fields.member("id", of: place), in: &live.run), arguments: arguments, &parser, in: &live))
        }
    }

    static func readModelAndUsage(_ fields: borrowing JSONFields, into live: inout LiveRun) {
        if live.answeringModel == nil { live.answeringModel = fields.string(fields.member("model", of: 0)) }
        guard let usage = fields.member("usage", of: 0) else { return }
        live.run.inputTokens = fields.count(fields.member("prompt_tokens", of: usage)) ?? live.run.inputTokens
        live.run.outputTokens = fields.count(fields.member("completion_tokens", of: usage)) ?? live.run.outputTokens
        live.run.costTokens = fields.number(fields.member("total_tokens", of: usage)) ?? live.run.costTokens
    }

    /// The outcome that a finish reason tells; nil for one that tells none.
    static func outcome(_ reason: Int, _ fields: borrowing JSONFields, _ live: inout LiveRun) -> Text? {
        switch fields.string(reason) {
        case "length", "content_filter": fields.storeString(reason, in: &live.run)
        default: nil
        }
    }

    /// Arguments come as text that should be JSON; what is not is kept as the text that it is.
    static func call(
        name: Text?, id: Text?, arguments: [UInt8]?, _ parser: inout JSONFields, in live: inout LiveRun
    ) -> ToolCall {
        if name == nil { live.note("a tool call has no name") }
        var call = ToolCall(name: name, id: id)
        guard let arguments, arguments.contains(where: { $0 > 0x20 }) else { return call }
        let isJSON = arguments.withUnsafeBytes { parser.parse($0) }
        if !isJSON { live.note("a tool call's arguments are not JSON") }
        let text = arguments.withUnsafeBytes { live.run.store($0) }
        call.arguments = Content(form: isJSON ? .json : .string, text: text)
        return call
    }
}
