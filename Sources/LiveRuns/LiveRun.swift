public import AgentRuns

/// What an agent did, as far as its request and answer tell.
public struct LiveRun: Sendable {
    public var run: AgentRun
    public var shape: Shape
    /// What was wrong with an answer that looked like one of a known shape; the rest of it was read.
    public var problem: String?

    /// The form of an answer.
    public enum Shape: String, CaseIterable, Sendable {
        /// The agent protocol of `outrigger replay`.
        case agent
        /// OpenAI-style chat completions.
        case chat
        /// OpenAI-style chat completions as server-sent events.
        case chatStream = "chat_stream"
        /// Nothing that we know: the run has its times and its status.
        case unknown
    }
}

extension LiveRun {
    /// Reads the run of an exchange. It never fails: what cannot be read is left out and noted.
    public init(_ exchange: Exchange) {
        self.init(run: AgentRun(), shape: .unknown)
        run.recordedID = run.store(exchange.requestID)
        run.startTime = exchange.times.received
        // The run is the agent's: what the sidecar took before it is in the SERVER span.
        let begun = exchange.times.sent ?? exchange.times.received
        let elapsed = exchange.times.ended > begun ? exchange.times.ended - begun : 0
        run.latency = .real(Double(elapsed) / 1e6)
        readRequest(exchange.request)
        guard let response = exchange.response else { return }
        readResponse(
            contentType: response.contentType, encoding: response.contentEncoding, response.body, isTruncated: response.isTruncated)
    }

    /// Reads an answer alone, to be compared with another.
    public init(answer: Exchange.ServedAnswer) {
        self.init(run: AgentRun(), shape: .unknown)
        readResponse(contentType: answer.contentType, encoding: nil, answer.body, isTruncated: false)
    }

    private mutating func readRequest(_ request: Exchange.Message) {
        guard Self.isJSON(request.contentType), Self.isPlain(request.contentEncoding), !request.isTruncated, !request.body.isEmpty else {
            return
        }
        let bytes = Self.joined(request.body)
        bytes.withUnsafeBytes { text in
            var reader = JSONFields(text)
            guard reader.parse() else { return }
            let root = 0
            if let messages = reader.member("messages", of: root), reader.isArray(messages) {
                run.request = reader.store(messages, in: &run)
            } else if let request = reader.member("request", of: root) {
                run.request = reader.store(request, in: &run)
            } else {
                run.request = reader.store(root, in: &run)
            }
            run.conversationID = reader.storeString(reader.member("conversation_id", of: root), in: &run)
            run.model = reader.storeString(reader.member("model", of: root), in: &run)
            if let allowed = reader.member("allowed_tools", of: root), reader.isArray(allowed) {
                run.allowedTools = reader.elements(of: allowed).compactMap { reader.storeString($0, in: &run) }
            }
        }
    }

    private mutating func readResponse(contentType: String?, encoding: String?, _ body: [[UInt8]], isTruncated: Bool) {
        guard Self.isPlain(encoding) else {
            problem = "the answer is compressed (\(encoding ?? "")), and is not read"
            return
        }
        if contentType.map(MediaType.isEventStream) ?? false {
            return ChatStream.read(Self.joined(body), isTruncated: isTruncated, into: &self)
        }
        guard Self.isJSON(contentType) else { return }
        guard !isTruncated else {
            problem = "the answer is longer than what is kept of it, and is not read"
            return
        }
        Self.joined(body).withUnsafeBytes { text in
            var reader = JSONFields(text)
            guard reader.parse() else {
                problem = "the answer is said to be JSON, and is not"
                return
            }
            if let choices = reader.member("choices", of: 0), reader.isArray(choices) {
                shape = .chat
                ChatAnswer.read(reader, choices, into: &self)
            } else if reader.member("response", of: 0) != nil, reader.isObject(0) {
                shape = .agent
                AgentAnswer.read(reader, into: &self)
            } else {
                run.response = reader.store(0, in: &run)
            }
        }
    }

    mutating func note(_ problem: String) { self.problem = self.problem ?? problem }

    private static func isJSON(_ type: String?) -> Bool { type.map(MediaType.isJSON) ?? false }
    private static func isPlain(_ encoding: String?) -> Bool { encoding == nil || encoding?.lowercased() == "identity" }

    private static func joined(_ pieces: [[UInt8]]) -> [UInt8] {
        pieces.count == 1 ? pieces[0] : Array(pieces.joined())
    }
}
