internal import JSONDocuments
internal import Replay

/// A line that a process wrote, as far as it is needed to know what to do with it.
enum StreamMessage {
    case toolCall(ToolCallLine)
    /// An answer to what we asked; its fields are read by whoever asked.
    case answer(type: String, runID: String?)
    case unusable(String)

    /// A call of a tool over the stream.
    struct ToolCallLine {
        var runID: String
        /// As it came, a string or a number: the answer has it back the same way.
        var callID: JSONDocument?
        var name: String
        var arguments: [UInt8]?

        var callText: String? {
            if case .string(let text)? = callID { return text }
            return callID?.text
        }

        /// The line that answers the call.
        func result(_ reply: ToolReply) -> [UInt8] {
            var fields: [UInt8] = []
            reply.append(to: &fields)
            var message = MessageWriter()
            message.add("type", "tool_result")
            message.add("run_id", runID)
            if let callID { message.add("call_id", json: callID.canonicalBytes) }
            // The reply is an object of its own, whose members go on after ours.
            var line = message.finished()
            line.removeLast()
            line.append(UInt8(ascii: ","))
            line.append(contentsOf: fields.dropFirst().lazy.map { $0 == 0x0A || $0 == 0x0D ? 0x20 : $0 })
            return line
        }

        func refusal(_ error: String) -> [UInt8] {
            result(ToolReply(success: false, error: JSONDocument.string(error).canonicalBytes, source: .refused))
        }
    }

    init(_ line: [UInt8]) {
        let document: JSONDocument
        do throws(JSONDocumentError) {
            document = try JSONDocument(parsing: line)
        } catch {
            self = .unusable("a line that is not JSON (\(error)): \(Excerpt.text(line))")
            return
        }
        guard case .string(let type)? = document["type"] else {
            self = .unusable("a line without a \"type\": \(Excerpt.text(line))")
            return
        }
        var runID: String?
        if case .string(let text)? = document["run_id"] { runID = text }
        guard type == "tool_call" else {
            self = .answer(type: type, runID: runID)
            return
        }
        guard case .string(let name)? = document["name"], !name.isEmpty else {
            self = .unusable("a tool_call without a \"name\" that is a string: \(Excerpt.text(line))")
            return
        }
        // Without it, a late call would be taken for one of the next run.
        guard let runID else {
            self = .unusable("a tool_call without a \"run_id\" that is a string: \(Excerpt.text(line))")
            return
        }
        self = .toolCall(
            ToolCallLine(
                runID: runID, callID: document["call_id"], name: name, arguments: document["args"]?.canonicalBytes))
    }
}

/// What comes between two exchanges, or for a run that is not under way: counted, and refused where it asks for something.
struct StrayMessages: Sendable {
    let notices: AgentNotices

    /// - Returns: the line to answer with, if one is due.
    func take(_ line: [UInt8]) -> [UInt8]? { take(StreamMessage(line)) }

    func take(_ message: StreamMessage) -> [UInt8]? {
        switch message {
        case .toolCall(let call):
            notices.note(.lateCall, runID: call.runID, "a call of \(Excerpt.text(call.name)) for a run that is not under way")
            return call.refusal("no such run is under way; its tools do not answer")
        case .answer(let type, let runID?):
            notices.note(.lateAnswer, runID: runID, "a \(Excerpt.text(type)) for a run that is not under way")
        case .answer(let type, nil): notices.note(.strayMessage, "a \(Excerpt.text(type)) without a run_id")
        case .unusable(let problem): notices.note(.strayMessage, problem)
        }
        return nil
    }
}
