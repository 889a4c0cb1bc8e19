internal import AgentRuns
internal import JSONDocuments
internal import Replay

/// The messages of one chat with a model: makes the next request, and takes the answer to it.
struct ChatConversation {
    /// What a model may ask for in one answer.
    static let maximumCalls = 256

    /// How the chat ended.
    struct Ending {
        var response: JSONDocument?
        var outcome: String?
        var model: String?
        var usage: Usage

        /// Writes it into the run.
        func fill(_ run: inout AgentRun) {
            run.response = response.flatMap { run.store(json: $0.canonicalBytes) }
            run.outcome = outcome.map { run.store($0) }
            run.model = model.map { run.store($0) }
            run.inputTokens = usage.input
            run.outputTokens = usage.output
            run.costTokens = usage.total.map { .integer($0) }
        }
    }

    /// Tokens, summed over all rounds; nil unless each told: a part would pass for the whole.
    struct Usage {
        var input: Int64? = 0
        var output: Int64? = 0
        var total: Int64? = 0

        mutating func add(_ usage: JSONDocument?) {
            let input = Self.count(usage, "prompt_tokens")
            let output = Self.count(usage, "completion_tokens")
            let stated = Self.count(usage, "total_tokens")
            self.input = Self.sum(self.input, input)
            self.output = Self.sum(self.output, output)
            // A total below its own parts is none.
            let parts = stated == nil ? Self.sum(input, output) : Self.sum(input ?? 0, output ?? 0)
            total = Self.sum(total, parts.map { max($0, stated ?? 0) })
        }

        private static func sum(_ a: Int64?, _ b: Int64?) -> Int64? {
            guard let a, let b else { return nil }
            let (result, overflow) = a.addingReportingOverflow(b)
            return overflow ? .max : result
        }

        private static func count(_ usage: JSONDocument?, _ name: String) -> Int64? {
            guard case .number(let number)? = usage?[name], let value = number.intValue, value >= 0 else { return nil }
            return Int64(value)
        }
    }

    private var messages: [JSONDocument]
    private let model: String?
    private let tools: JSONDocument?
    private let parameters: [JSONObject.Member]
    private var usage = Usage()

    /// - Parameters:
    ///   - system: takes the place of the system messages that the trace has; nil leaves them.
    ///   - parameters: further members of the request, except those that are ours.
    init(_ task: ReplayTask, model: String?, system: String?, tools: JSONDocument?, parameters: [JSONObject.Member]) {
        messages = Self.messages(of: task.trace)
        if let system {
            messages.removeAll { $0["role"] == .string("system") || $0["role"] == .string("developer") }
            messages.insert(.object(["role": .string("system"), "content": .string(system)]), at: 0)
        }
        let ours: Set = ["model", "messages", "tools", "stream", "n"]
        self.parameters = parameters.filter { !ours.contains($0.key) }
        self.model = model ?? task.trace.model.map { task.trace.string($0) }
        self.tools = tools
    }

    /// A list of messages stands for itself, an object for its `messages`, and anything else is what the user says.
    private static func messages(of trace: AgentRun) -> [JSONDocument] {
        guard let request = trace.request, let document = try? JSONDocument(parsing: trace.jsonText(request)) else { return [] }
        if case .array(let elements) = document, isMessages(elements) { return elements }
        if case .array(let elements)? = document["messages"], isMessages(elements) { return elements }
        let text = if case .string(let text) = document { text } else { document.text }
        return [.object(["role": .string("user"), "content": .string(text)])]
    }

    private static func isMessages(_ elements: [JSONDocument]) -> Bool {
        !elements.isEmpty && elements.allSatisfy { $0["role"]?.kind == .string }
    }

    var request: [UInt8] {
        var members: [JSONObject.Member] = []
        if let model { members.append(.init(key: "model", value: .string(model))) }
        members.append(.init(key: "messages", value: .array(messages)))
        if let tools { members.append(.init(key: "tools", value: tools)) }
        members += parameters
        members.append(.init(key: "stream", value: .bool(false)))
        var bytes: [UInt8] = []
        JSONDocument.object(JSONObject(members)).append(to: &bytes)
        return bytes
    }

    /// Takes the model's answer, and answers its tool calls.
    ///
    /// - Returns: how the chat ended; nil when the model waits for its tools.
    mutating func take(_ answer: [UInt8], _ session: ToolSession) throws(RunProblem) -> Ending? {
        let document: JSONDocument
        do throws(JSONDocumentError) {
            document = try JSONDocument(parsing: answer)
        } catch {
            throw RunProblem(.badAnswer, "not JSON: \(error): \(Excerpt.text(answer))")
        }
        if let error = document["error"], error.kind != .null {
            throw RunProblem(.agentError, "the model's server says: \(Excerpt.text(error.text, limit: 400))")
        }
        if let name = RepeatedMember.first(in: answer, isDeep: true) { throw bad("\(Excerpt.text(name)) is there twice in one object") }
        usage.add(document["usage"])
        let choice = try onlyChoice(of: document)
        guard case .object(let message)? = choice["message"] else { throw bad("choices[0].message must be an object") }
        try refuseHiddenCalls(in: message)
        let reason: String? = if case .string(let text)? = choice["finish_reason"] { text } else { nil }
        // An answer that was cut off may have half a tool call in it.
        let isCut = reason == "length" || reason == "content_filter"
        if !isCut, case .array(let calls)? = message["tool_calls"], !calls.isEmpty {
            messages.append(.object(message))
            try answerCalls(calls, session)
            return nil
        }
        return try ending(message, reason: isCut ? reason : nil, document)
    }

    /// We ask for one, and what stands in others would be looked at by nobody.
    private func onlyChoice(of document: JSONDocument) throws(RunProblem) -> JSONDocument {
        guard case .array(let choices)? = document["choices"], let choice = choices.first else { throw bad("choices[0] is missing") }
        guard choices.count == 1 else { throw bad("the answer has \(choices.count) choices, and was asked for one") }
        return choice
    }

    /// Calls in a form that we do not answer would be calls that nobody judges.
    private func refuseHiddenCalls(in message: JSONObject) throws(RunProblem) {
        if let call = message["function_call"], call.kind != .null {
            throw bad("choices[0].message.function_call is not answered: the model must call tools in tool_calls")
        }
        switch message["tool_calls"] {
        case nil, .null?, .array?: return
        case let other?: throw bad("choices[0].message.tool_calls must be an array, found \(other.kind.rawValue)")
        }
    }

    private func ending(
        _ message: JSONObject, reason: String?, _ document: JSONDocument
    ) throws(RunProblem) -> Ending {
        var ending = Ending(outcome: reason, usage: usage)
        if case .string(let name)? = document["model"] { ending.model = name }
        switch message["content"] {
        case nil, .null?: break
        case .string?: ending.response = message["content"]
        case .array(let parts)?: ending.response = Self.joined(parts)
        case let other?: throw bad("choices[0].message.content must be a string, found \(other.kind.rawValue)")
        }
        if ending.response == nil, case .string(let refusal)? = message["refusal"] {
            ending.response = .string(refusal)
            ending.outcome = ending.outcome ?? "refusal"
        }
        return ending
    }

    /// The parts of a content with their text as one, since words may be spread over them: a string where all is text, else
    /// one part of text and the others behind it.
    private static func joined(_ parts: [JSONDocument]) -> JSONDocument {
        var text = ""
        var others: [JSONDocument] = []
        for part in parts {
            if case .string(let words) = part["text"] ?? part { text += words } else { others.append(part) }
        }
        if others.isEmpty { return .string(text) }
        if others.count == parts.count { return .array(others) }
        return .array([.object(["type": .string("text"), "text": .string(text)])] + others)
    }

    private mutating func answerCalls(_ calls: [JSONDocument], _ session: ToolSession) throws(RunProblem) {
        guard calls.count <= Self.maximumCalls else { throw bad("more than \(Self.maximumCalls) tool calls in one answer") }
        for (i, call) in calls.enumerated() {
            let path = "choices[0].message.tool_calls[\(i)]"
            guard case .string(let name)? = call["function"]?["name"], !name.isEmpty else {
                throw bad("\(path).function.name must be a string")
            }
            guard case .string(let id)? = call["id"] else { throw bad("\(path).id must be a string") }
            // Some servers give the arguments as an object, where the original gives its text.
            let arguments: [UInt8]
            switch call["function"]?["arguments"] {
            case nil, .null?: arguments = []
            case .string(let text)?: arguments = Array(text.utf8)
            case let value?: arguments = value.canonicalBytes
            }
            let content = Self.content(of: Self.reply(name, id, arguments, session))
            messages.append(
                .object(["role": .string("tool"), "tool_call_id": .string(id), "content": .string(content)]))
        }
    }

    private static func reply(_ name: String, _ id: String, _ arguments: [UInt8], _ session: ToolSession) -> ToolReply? {
        guard arguments.contains(where: { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }) else { return session.answer(name: name, id: id, arguments: nil) }
        do throws(JSONDocumentError) {
            _ = try JSONDocument(parsing: arguments)
            return session.answer(name: name, id: id, arguments: arguments)
        } catch {
            return session.refuse(name: name, id: id, text: arguments, because: "not JSON: \(error)")
        }
    }

    /// Strings as they are, other JSON as text; failures as `{"error":…}`, which models know how to read.
    private static func content(of reply: ToolReply?) -> String {
        guard let reply, reply.success, let result = reply.result else {
            let error = reply?.error.flatMap { try? JSONDocument(parsing: $0) }
            if reply?.success == true { return "null" }
            return JSONDocument.object(["error": error ?? .string("the tool failed")]).text
        }
        if case .string(let text)? = try? JSONDocument(parsing: result) { return text }
        return String(decoding: result, as: UTF8.self)
    }

    private func bad(_ problem: String) -> RunProblem { RunProblem(.badAnswer, problem) }
}
