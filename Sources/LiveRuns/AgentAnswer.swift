internal import AgentRuns

/// Reads an answer of the agent protocol. See Fixtures/schemas/agent-protocol.schema.json.
///
/// In a replay an answer with a field of the wrong type is refused; a live one has been given to the user already, so what
/// can be read of it is kept, and the rest is noted.
enum AgentAnswer {
    /// More calls of one run are not kept.
    static let maximumCalls = 10_000

    static func read(_ fields: borrowing JSONFields, into live: inout LiveRun) {
        live.run.response = fields.store(fields.member("response", of: 0), in: &live.run)
        live.run.outcome = fields.storeString(fields.member("outcome", of: 0), in: &live.run)
        live.run.statesNoOutcome = live.run.outcome == nil && fields.has("outcome", in: 0)
        live.run.costTokens = fields.number(fields.member("cost_tokens", of: 0))
        live.run.inputTokens = fields.integer(fields.member("input_tokens", of: 0))
        live.run.outputTokens = fields.integer(fields.member("output_tokens", of: 0))
        if let model = fields.storeString(fields.member("model", of: 0), in: &live.run) { live.run.model = model }
        live.run.version = fields.storeString(fields.member("version", of: 0), in: &live.run)
        for (name, isRight) in [
            ("outcome", live.run.outcome != nil), ("cost_tokens", live.run.costTokens != nil),
            ("input_tokens", live.run.inputTokens != nil), ("output_tokens", live.run.outputTokens != nil),
        ] where !isRight && fields.member(name, of: 0) != nil {
            live.note("\(name) has the wrong type")
        }
        guard let calls = fields.member("tool_calls", of: 0) else { return }
        guard fields.isArray(calls) else { return live.note("tool_calls is no array") }
        for place in fields.elements(of: calls) {
            guard live.run.toolCalls.count < maximumCalls else { return live.note("more than \(maximumCalls) tool calls") }
            readCall(fields, place, into: &live)
        }
    }

    private static func readCall(_ fields: borrowing JSONFields, _ place: Int, into live: inout LiveRun) {
        if fields.isString(place) {
            live.run.toolCalls.append(ToolCall(name: fields.storeString(place, in: &live.run)))
            return
        }
        let name = fields.storeString(fields.member("name", of: place), in: &live.run)
        if name == nil { live.note("a tool call has no name") }
        var call = ToolCall(name: name, id: fields.storeString(fields.member("id", of: place), in: &live.run))
        call.arguments = fields.store(fields.member("args", of: place), in: &live.run)
        if ["result", "error", "success"].contains(where: { fields.has($0, in: place) }) {
            let error = fields.store(fields.member("error", of: place), in: &live.run)
            call.result = ToolResult(
                success: fields.bool(fields.member("success", of: place)) ?? (error == nil),
                content: fields.store(fields.member("result", of: place), in: &live.run), error: error,
                duration: fields.number(fields.member("duration_ms", of: place)))
        }
        live.run.toolCalls.append(call)
    }
}
