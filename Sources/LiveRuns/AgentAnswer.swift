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
        let outcome = fields.member("outcome", of: 0)
        live.run.outcome = fields.storeString(outcome, in: &live.run)
        live.run.statesNoOutcome = outcome == nil && fields.has("outcome", in: 0)
        let cost = fields.member("cost_tokens", of: 0)
        live.run.costTokens = fields.number(cost)
        let input = fields.member("input_tokens", of: 0)
        live.run.inputTokens = fields.count(input)
        let output = fields.member("output_tokens", of: 0)
        live.run.outputTokens = fields.count(output)
        let modelPlace = fields.member("model", of: 0)
        let model = fields.storeString(modelPlace, in: &live.run)
        if let model { live.run.model = model }
        let version = fields.member("version", of: 0)
        live.run.version = fields.storeString(version, in: &live.run)
        note("outcome", outcome, isUnread: live.run.outcome == nil, &live)
        note("cost_tokens", cost, isUnread: live.run.costTokens == nil, &live)
        note("input_tokens", input, isUnread: live.run.inputTokens == nil, &live)
        note("output_tokens", output, isUnread: live.run.outputTokens == nil, &live)
        note("model", modelPlace, isUnread: model == nil, &live)
        note("version", version, isUnread: live.run.version == nil, &live)
        guard let calls = fields.member("tool_calls", of: 0) else { return }
        guard fields.isArray(calls) else { return live.note("tool_calls is no array") }
        for place in fields.elements(of: calls) {
            guard live.run.toolCalls.count < maximumCalls else { return live.note("more than \(maximumCalls) tool calls") }
            readCall(fields, place, into: &live)
        }
    }

    /// Notes a field that is there and could not be read.
    private static func note(_ name: StaticString, _ place: Int?, isUnread: Bool, _ live: inout LiveRun) {
        if isUnread, place != nil { live.note("\(name) is not what it must be") }
    }

    private static func readCall(_ fields: borrowing JSONFields, _ place: Int, into live: inout LiveRun) {
        if fields.isString(place) {
            live.run.toolCalls.append(ToolCall(name: fields.storeString(place, in: &live.run)))
            return
        }
        let name = fields.storeString(fields.member("name", of: place), in: &live.run)
        if name == nil { live.note("a tool call has no name") }
        let id = fields.member("id", of: place)
        var call = ToolCall(name: name, id: fields.storeString(id, in: &live.run))
        note("id", id, isUnread: call.id == nil, &live)
        call.arguments = fields.store(fields.member("args", of: place), in: &live.run)
        if fields.has("result", in: place) || fields.has("error", in: place) || fields.has("success", in: place) {
            let error = fields.store(fields.member("error", of: place), in: &live.run)
            let successPlace = fields.member("success", of: place)
            let success = fields.bool(successPlace)
            let durationPlace = fields.member("duration_ms", of: place)
            let duration = fields.number(durationPlace)
            note("success", successPlace, isUnread: success == nil, &live)
            note("duration_ms", durationPlace, isUnread: duration == nil, &live)
            call.result = ToolResult(
                success: success ?? (error == nil), content: fields.store(fields.member("result", of: place), in: &live.run),
                error: error, duration: duration)
        }
        live.run.toolCalls.append(call)
    }
}
