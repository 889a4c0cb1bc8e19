internal import AgentRuns

/// Reads OpenAI-style chat completions as they are streamed: pieces of a message, in server-sent events.
///
/// Source: WHATWG HTML, section 9.2 (server-sent events): lines end in CR, LF or both, the data of an event are its `data`
/// lines, joined by LF, and an event ends with an empty line.
struct ChatStream {
    private struct Call {
        var name: [UInt8] = []
        var id: [UInt8] = []
        var arguments: [UInt8] = []
    }

    private var content: [UInt8] = []
    private var hasContent = false
    private var calls: [Call] = []
    private var chunks = 0
    private var isDone = false

    /// - Parameter isTruncated: whether the stream went on after these bytes.
    static func read(_ bytes: [UInt8], isTruncated: Bool, into live: inout LiveRun) {
        var stream = ChatStream()
        forEachEvent(in: bytes) { stream.take($0, into: &live) }
        guard stream.chunks > 0 else { return }
        live.shape = .chatStream
        if isTruncated {
            live.note("the stream is longer than what is kept of it; its end was not read")
        } else if !stream.isDone {
            live.note("the stream ended without [DONE]")
        }
        stream.finish(&live)
    }

    /// Calls `body` with the data of each event.
    static func forEachEvent(in bytes: [UInt8], _ body: (ArraySlice<UInt8>) -> Void) {
        var data: [UInt8] = []
        var hasData = false
        var rest = bytes[...]
        if rest.starts(with: [0xEF, 0xBB, 0xBF]) { rest = rest.dropFirst(3) }
        while !rest.isEmpty {
            let end = rest.firstIndex { $0 == 0x0A || $0 == 0x0D } ?? rest.endIndex
            let line = rest[rest.startIndex..<end]
            rest = rest[end...].dropFirst(end < rest.endIndex && rest[end] == 0x0D && rest[end...].dropFirst().first == 0x0A ? 2 : 1)
            if line.isEmpty {
                if hasData { body(data[...]) }
                data.removeAll(keepingCapacity: true)
                hasData = false
            } else if line.starts(with: "data:".utf8) {
                if hasData { data.append(0x0A) }
                hasData = true
                let value = line.dropFirst(5)
                data.append(contentsOf: value.first == 0x20 ? value.dropFirst() : value)
            }
        }
    }

    private mutating func take(_ data: ArraySlice<UInt8>, into live: inout LiveRun) {
        if data.elementsEqual("[DONE]".utf8) {
            isDone = true
            return
        }
        Array(data).withUnsafeBytes { text in
            var fields = JSONFields(text)
            guard fields.parse() else { return live.note("an event of the stream is not JSON") }
            guard let choices = fields.member("choices", of: 0), fields.isArray(choices) else { return }
            chunks += 1
            ChatAnswer.readModelAndUsage(fields, into: &live)
            guard let choice = fields.elements(of: choices).first(where: { (fields.integer(fields.member("index", of: $0)) ?? 0) == 0 }),
                let delta = fields.member("delta", of: choice)
            else { return }
            if let piece = fields.member("content", of: delta), fields.isString(piece) {
                content += fields.bytes(piece)
                hasContent = true
            }
            guard let pieces = fields.member("tool_calls", of: delta), fields.isArray(pieces) else { return }
            for piece in fields.elements(of: pieces) { take(fields, piece, &live) }
        }
    }

    private mutating func take(_ fields: borrowing JSONFields, _ piece: Int, _ live: inout LiveRun) {
        let index = fields.integer(fields.member("index", of: piece)) ?? Int64(max(0, calls.count - 1))
        // Indices come in order; one that skips ahead would make us hold calls that are not there.
        guard index >= 0, index <= calls.count, index < AgentAnswer.maximumCalls else {
            return live.note("a piece of a tool call has the index \(index)")
        }
        if index == calls.count { calls.append(Call()) }
        let i = Int(index)
        if let id = fields.member("id", of: piece), fields.isString(id), calls[i].id.isEmpty { calls[i].id = fields.bytes(id) }
        guard let function = fields.member("function", of: piece) else { return }
        if let name = fields.member("name", of: function), fields.isString(name) { calls[i].name += fields.bytes(name) }
        if let arguments = fields.member("arguments", of: function), fields.isString(arguments) {
            calls[i].arguments += fields.bytes(arguments)
        }
    }

    private func finish(_ live: inout LiveRun) {
        if hasContent {
            live.run.response = Content(form: .string, text: content.withUnsafeBytes { live.run.store($0) })
        }
        for call in calls {
            let name = call.name.isEmpty ? nil : call.name.withUnsafeBytes { live.run.store($0) }
            let id = call.id.isEmpty ? nil : call.id.withUnsafeBytes { live.run.store($0) }
            live.run.toolCalls.append(ChatAnswer.call(name: name, id: id, arguments: call.arguments, in: &live))
        }
    }
}
