internal import AgentRuns
internal import JSONDocuments
internal import JSONText
internal import Replay

extension ReplayTask {
    /// A run that has not done anything yet: what the trace says of the task, and the version that does it.
    var emptyRun: AgentRun {
        var run = AgentRun()
        func copy(_ text: Text?) -> Text? {
            text.map { text in trace.storage[text.range].withUnsafeBytes { run.store($0) } }
        }
        run.recordedID = copy(trace.recordedID)
        run.request = trace.request.flatMap { request in
            copy(request.text).map { Content(form: request.form, text: $0) }
        }
        run.allowedTools = trace.allowedTools?.compactMap { copy($0) }
        run.expectedOutcome = copy(trace.expectedOutcome)
        run.agent = copy(trace.agent)
        run.conversationID = copy(trace.conversationID)
        run.tags = trace.tags.compactMap { copy($0) }
        run.version = run.store(version)
        return run
    }
}

extension AgentRun {
    /// Content as JSON text.
    func jsonText(_ content: Content?) -> [UInt8] {
        guard let content else { return Array("null".utf8) }
        guard content.form == .string else { return Array(storage[content.text.range]) }
        var json: [UInt8] = []
        JSONString.encode(storage[content.text.range], into: &json)
        return json
    }

    /// Keeps valid JSON as content; null is none.
    mutating func store(json: [UInt8]) -> Content? {
        switch try? JSONDocument(parsing: json) {
        case .null?, nil: nil
        case .string(let string)?: Content(form: .string, text: store(string))
        default: Content(form: .json, text: json.withUnsafeBytes { store($0) })
        }
    }

    /// Takes the calls that were seen for those of the run.
    mutating func setToolCalls(_ calls: [SeenCall]) {
        toolCalls = calls.map { call in
            ToolCall(
                name: call.name.map { store($0) }, id: call.id.map { store($0) }, arguments: call.arguments.flatMap { store(json: $0) },
                result: ToolResult(
                    success: call.reply.success, content: call.reply.result.flatMap { store(json: $0) },
                    error: call.reply.error.flatMap { store(json: $0) }, duration: call.reply.duration))
        }
    }

    /// Where the listed calls differ first from those that were seen, by name and arguments; nil if nowhere.
    func firstDifference(from seen: [SeenCall]) -> String? {
        for (i, (listed, call)) in zip(toolCalls, seen).enumerated() {
            let name = listed.name.map { string($0) } ?? ""
            guard name == call.name else { return "call \(i): listed \(Excerpt.text(name)), seen \(Excerpt.tool(call.name))" }
            // A list of bare names says nothing of arguments.
            guard let arguments = listed.arguments else { continue }
            let same = (try? JSONDocument(parsing: jsonText(arguments))) == (try? JSONDocument(parsing: call.arguments ?? Array("{}".utf8)))
            if !same { return "call \(i) of \(Excerpt.text(name)): other arguments" }
        }
        return toolCalls.count == seen.count ? nil : "\(Numbers.count(toolCalls.count, "call")) listed, \(seen.count) seen"
    }
}
