internal import AgentRuns

/// Reads an answer of OpenAI-style chat completions: of its first choice, as an agent sees it.
///
/// The results of the tools that it calls come with a later request, so the calls stay without.
enum ChatAnswer {
    static func read(_ fields: borrowing JSONFields, _ choices: Int, into live: inout LiveRun) {
        readModelAndUsage(fields, into: &live)
        guard let choice = fields.elements(of: choices).first else { return }
        guard let message = fields.member("message", of: choice), fields.isObject(message) else {
            return live.note("the first choice has no message")
        }
        live.run.response = fields.store(fields.member("content", of: message) ?? fields.member("refusal", of: message), in: &live.run)
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
                    id: fields.storeString(fields.member("id", of: place), in: &live.run), arguments: arguments, in: &live))
        }
    }

    static func readModelAndUsage(_ fields: borrowing JSONFields, into live: inout LiveRun) {
        if let model = fields.storeString(fields.member("model", of: 0), in: &live.run) { live.run.model = model }
        guard let usage = fields.member("usage", of: 0) else { return }
        live.run.inputTokens = fields.integer(fields.member("prompt_tokens", of: usage)) ?? live.run.inputTokens
        live.run.outputTokens = fields.integer(fields.member("completion_tokens", of: usage)) ?? live.run.outputTokens
        live.run.costTokens = fields.number(fields.member("total_tokens", of: usage)) ?? live.run.costTokens
    }

    /// Arguments come as text that should be JSON; what is not is kept as the text that it is.
    static func call(name: Text?, id: Text?, arguments: [UInt8]?, in live: inout LiveRun) -> ToolCall {
        if name == nil { live.note("a tool call has no name") }
        var call = ToolCall(name: name, id: id)
        guard let arguments, !arguments.isEmpty else { return call }
        let isJSON = arguments.withUnsafeBytes { text in
            var fields = JSONFields(text)
            return fields.parse()
        }
        if !isJSON { live.note("a tool call's arguments are not JSON") }
        let text = arguments.withUnsafeBytes { live.run.store($0) }
        call.arguments = Content(form: isJSON ? .json : .string, text: text)
        return call
    }
}
