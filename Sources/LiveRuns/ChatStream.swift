internal import AgentRuns

/// Reads OpenAI-style chat completions as they are streamed: pieces of a message, in server-sent events.
struct ChatStream {
    private struct Call {
        var name: [UInt8] = []
        var id: [UInt8] = []
        var arguments: [UInt8] = []
    }

    private var content: [UInt8] = []
    private var refusal: [UInt8] = []
    private var calls: [Call] = []
    /// Which call the pieces with an index belong to.
    private var places: [Int64: Int] = [:]
    private var ending: Text?
    private var error: String?
    private var chunks = 0
    private var isDone = false
    /// What was wrong first. Only a stream that turns out to be a chat's has problems.
    private var problem: String?

    /// - Parameter isTruncated: whether the stream went on after these bytes.
    static func read(
        _ bytes: [UInt8], isTruncated: Bool, _ fields: inout JSONFields, arguments: inout JSONFields, into live: inout LiveRun
    ) {
        var stream = ChatStream()
        var events = ServerSentEvents(bytes)
        while let data = events.next() { stream.take(data, isUnfinished: events.isUnfinished, &fields, into: &live) }
        guard stream.chunks > 0 else { return }
        live.shape = .chatStream
        if isTruncated {
            live.note("the stream is longer than what is kept of it; its end was not read")
        } else if !stream.isDone, stream.error == nil {
            live.note("the stream ended without [DONE]")
        }
        stream.finish(&arguments, into: &live)
    }

    private mutating func note(_ problem: String) { self.problem = self.problem ?? problem }

    private mutating func take(_ data: [UInt8], isUnfinished: Bool, _ fields: inout JSONFields, into live: inout LiveRun) {
        if data.elementsEqual("[DONE]".utf8) {
            isDone = true
            return
        }
        data.withUnsafeBytes { text in
            guard fields.parse(text) else {
                if !isUnfinished { note("an event of the stream is not JSON") }
                return
            }
            if let failure = fields.member("error", of: 0) { error = error ?? fields.words(failure) }
            guard let choices = fields.member("choices", of: 0), fields.isArray(choices) else { return }
            chunks += 1
            ChatAnswer.readModelAndUsage(fields, into: &live)
            guard let choice = fields.elements(of: choices).first(where: { (fields.integer(fields.member("index", of: $0)) ?? 0) == 0 })
            else { return }
            if let reason = fields.member("finish_reason", of: choice) { ending = ChatAnswer.outcome(reason, fields, &live) }
            guard let delta = fields.member("delta", of: choice) else { return }
            if let piece = fields.member("content", of: delta), fields.isString(piece) { content += fields.bytes(piece) }
            if let piece = fields.member("refusal", of: delta), fields.isString(piece) { refusal += fields.bytes(piece) }
            guard let pieces = fields.member("tool_calls", of: delta) else { return }
            guard fields.isArray(pieces) else { return note("tool_calls is no array") }
            for piece in fields.elements(of: pieces) { take(fields, piece) }
        }
    }

    private mutating func take(_ fields: borrowing JSONFields, _ piece: Int) {
        let id = fields.member("id", of: piece).flatMap { fields.isString($0) ? fields.bytes($0) : nil } ?? []
        guard let i = place(of: fields.integer(fields.member("index", of: piece)), id) else {
            return note("more than \(AgentAnswer.maximumCalls) tool calls")
        }
        if calls[i].id.isEmpty { calls[i].id = id }
        guard let function = fields.member("function", of: piece) else { return }
        if let name = fields.member("name", of: function), fields.isString(name) { calls[i].name += fields.bytes(name) }
        guard let arguments = fields.member("arguments", of: function) else { return }
        // Some servers give them as an object, in one piece.
        calls[i].arguments += fields.bytes(arguments)
    }

    /// Which call a piece belongs to, which may be a new one; nil where there are too many.
    ///
    /// Some servers leave the index out, or give each call the index 0: an id that differs begins another call there.
    private mutating func place(of index: Int64?, _ id: [UInt8]) -> Int? {
        let known = index.map { places[$0] } ?? calls.indices.last
        if let known, id.isEmpty || calls[known].id.isEmpty || calls[known].id == id { return known }
        guard calls.count < AgentAnswer.maximumCalls else { return nil }
        calls.append(Call())
        if let index { places[index] = calls.count - 1 }
        return calls.count - 1
    }

    private func finish(_ parser: inout JSONFields, into live: inout LiveRun) {
        if let problem { live.note(problem) }
        if let error { live.failure = .init(type: LiveRun.agentError, message: error) }
        live.run.outcome = ending
        if !content.isEmpty || (calls.isEmpty && refusal.isEmpty && error == nil) {
            live.run.response = Content(form: .string, text: content.withUnsafeBytes { live.run.store($0) })
        } else if !refusal.isEmpty {
            live.run.response = Content(form: .string, text: refusal.withUnsafeBytes { live.run.store($0) })
            live.run.outcome = ending ?? live.run.store("refusal")
        }
        for call in calls {
            let name = call.name.isEmpty ? nil : call.name.withUnsafeBytes { live.run.store($0) }
            let id = call.id.isEmpty ? nil : call.id.withUnsafeBytes { live.run.store($0) }
            live.run.toolCalls.append(ChatAnswer.call(name: name, id: id, arguments: call.arguments, &parser, in: &live))
        }
    }
}
