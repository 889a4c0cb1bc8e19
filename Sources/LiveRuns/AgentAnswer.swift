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
        live.run.statesNoOutcome = fields.member("outcome", of: 0) == nil && fields.has("outcome", in: 0)
        live.run.costTokens = fields.number(fields.member("cost_tokens", of: 0))
        live.run.inputTokens = fields.count(fields.member("input_tokens", of: 0))
        live.run.outputTokens = fields.count(fields.member("output_tokens", of: 0))
        let model = fields.storeString(fields.member("model", of: 0), in: &live.run)
        if let model { live.run.model = model }
        live.run.version = fields.storeString(fields.member("version", of: 0), in: &live.run)
        note("outcome", live.run.outcome == nil, fields, &live)
        note("cost_tokens", live.run.costTokens == nil, fields, &live)
        note("input_tokens", live.run.inputTokens == nil, fields, &live)
        note("output_tokens", live.run.outputTokens == nil, fields, &live)
        note("model", model == nil, fields, &live)
        note("version", live.run.version == nil, fields, &live)
        guard let calls = fields.member("tool_calls", of: 0) else { return }
        guard fields.isArray(calls) else { return live.note("tool_calls is no array") }
        for place in fields.elements(of: calls) {
            guard live.run.toolCalls.count < maximumCalls else { return live.note("more than \(maximumCalls) tool calls") }
            readCall(fields, place, into: &live)
        }
    }

    /// Notes a field that is there and could not be read.
    private static func note(
        _ name: String, _ isUnread: Bool, of object: Int = 0, _ fields: borrowing JSONFields, _ live: inout LiveRun
    ) {
        if isUnread, fields.member(name, of: object) != nil { live.note("\(name) is not what it must be") }
    }

    private static func readCall(_ fields: borrowing JSONFields, _ place: Int, into live: inout LiveRun) {
        if fields.isString(place) {
            live.run.toolCalls.append(ToolCall(name: fields.storeString(place, in: &live.run)))
            return
        }
        let name = fields.storeString(fields.member("name", of: place), in: &live.run)
        if name == nil { live.note("a tool call has no name") }
        var call = ToolCall(name: name, id: fields.storeString(fields.member("id", of: place), in: &live.run))
        note("id", call.id == nil, of: place, fields, &live)
        call.arguments = fields.store(fields.member("args", of: place), in: &live.run)
        if fields.has("result", in: place) || fields.has("error", in: place) || fields.has("success", in: place) {
            let error = fields.store(fields.member("error", of: place), in: &live.run)
            let success = fields.bool(fields.member("success", of: place))
            let duration = fields.number(fields.member("duration_ms", of: place))
            note("success", success == nil, of: place, fields, &live)
            note("duration_ms", duration == nil, of: place, fields, &live)
            call.result = ToolResult(
                success: success ?? (error == nil), content: fields.store(fields.member("result", of: place), in: &live.run),
                error: error, duration: duration)
        }
        live.run.toolCalls.append(call)
    }
}
