internal import AgentRuns

/// Reads runs from exchanges, and keeps its memory for the next one.
///
/// It never fails: what cannot be read is left out and noted.
public struct LiveRunReader: ~Copyable {
    private var fields = JSONFields()
    /// For the JSON within the JSON: a tool call's arguments.
    private var arguments = JSONFields()

    public init() {}

    public mutating func read(_ exchange: Exchange) -> LiveRun {
        var live = LiveRun()
        read(exchange, into: &live)
        return live
    }

    /// Reads into the memory of another run, which is forgotten.
    public mutating func read(_ exchange: Exchange, into live: inout LiveRun) {
        live.removeAll()
        let times = exchange.times.inOrder
        live.run.recordedID = live.run.store(exchange.requestID)
        live.run.startTime = times.received
        // The run is the agent's: what the sidecar took before it is in the SERVER span.
        let elapsed = times.ended - times.begun
        live.run.latency = .real(Double(elapsed) / 1e6)
        readRequest(exchange.request, into: &live)
        // An answer of the sidecar's own says nothing of the agent.
        if let response = exchange.response, times.firstByte != nil || exchange.failure == nil { read(response, into: &live) }
        live.run.put(exchange.observedCalls)
        live.fitDurations(into: elapsed)
    }

    private mutating func read(_ response: Exchange.Response, into live: inout LiveRun) {
        let body = Body(
            contentType: response.contentType, encoding: response.contentEncoding, pieces: response.body,
            isTruncated: response.isTruncated, isComplete: response.isComplete)
        readResponse(body, status: response.status, into: &live)
    }

    /// Reads an answer alone, to be compared with another.
    public mutating func read(_ answer: Exchange.ServedAnswer) -> LiveRun {
        var live = LiveRun()
        let body = Body(
            contentType: answer.contentType, encoding: answer.contentEncoding, pieces: answer.body, isTruncated: answer.isTruncated,
            isComplete: true)
        readResponse(body, status: answer.status, into: &live)
        return live
    }

    private mutating func readRequest(_ request: Exchange.Message, into live: inout LiveRun) {
        let body = Body(
            contentType: request.contentType, encoding: request.contentEncoding, pieces: request.body, isTruncated: request.isTruncated,
            isComplete: true)
        guard body.type == .json, let (bytes, isTruncated) = body.decoded(), !isTruncated, !bytes.isEmpty else { return }
        bytes.withUnsafeBytes { text in
            guard fields.parse(text) else { return }
            let root = 0
            if let messages = fields.member("messages", of: root), fields.isArray(messages) {
                live.run.request = fields.store(messages, in: &live.run)
            } else if let request = fields.member("request", of: root) {
                live.run.request = fields.store(request, in: &live.run)
            } else {
                live.run.request = fields.store(root, in: &live.run)
            }
            live.run.conversationID = fields.storeString(fields.member("conversation_id", of: root), in: &live.run)
            live.run.model = fields.storeString(fields.member("model", of: root), in: &live.run)
            if let allowed = fields.member("allowed_tools", of: root), fields.isArray(allowed) {
                var names: [Text] = []
                for place in fields.elements(of: allowed) {
                    if let name = fields.storeString(place, in: &live.run) { names.append(name) }
                }
                live.run.allowedTools = names
            }
        }
    }

    private mutating func readResponse(_ body: Body, status: Int, into live: inout LiveRun) {
        let type = body.type
        guard type != .other, body.pieces.contains(where: { !$0.isEmpty }) else { return }
        guard let (bytes, isTruncated) = body.decoded() else {
            return live.note("the answer is encoded (\((body.encoding ?? "").bounded(toBytes: 32))), and is not read")
        }
        if type == .eventStream {
            return ChatStream.read(bytes, isTruncated: isTruncated, &fields, arguments: &arguments, into: &live)
        }
        guard !isTruncated else { return live.note("the answer is longer than what is kept of it, and is not read") }
        bytes.withUnsafeBytes { text in
            guard fields.parse(text) else {
                return live.note(body.isComplete ? "the answer is said to be JSON, and is not" : "the answer is cut off, and is not read")
            }
            if let choices = fields.member("choices", of: 0), fields.isArray(choices) {
                live.shape = .chat
                return ChatAnswer.read(fields, choices, arguments: &arguments, into: &live)
            }
            // A refusal has many forms; only of an answer that should be one does an error say that the agent failed.
            let error = status < 400 ? fields.member("error", of: 0) : nil
            guard fields.has("response", in: 0) || error != nil else {
                live.run.response = fields.store(0, in: &live.run)
                return
            }
            live.shape = .agent
            AgentAnswer.read(fields, into: &live)
            if let error { live.failure = .init(type: LiveRun.agentError, message: fields.words(error)) }
        }
    }
}

/// A body as far as it was kept.
private struct Body {
    let contentType: String?
    let encoding: String?
    let pieces: [[UInt8]]
    let isTruncated: Bool
    let isComplete: Bool

    /// What can be read.
    enum Kind {
        case json, eventStream, other
    }

    /// `application/json` and its kin (RFC 6839, `+json`), but not JSON lines and other neighbours.
    var type: Kind {
        guard let contentType else { return .other }
        // Most say it in the plainest way, which is one comparison.
        if contentType == "application/json" { return .json }
        let type = Substring(contentType.utf8.prefix { $0 != UInt8(ascii: ";") }).trimmingBlanks.utf8
        if type.equalsASCII("text/event-stream") { return .eventStream }
        let isJSON = type.equalsASCII("application/json") || type.equalsASCII("text/json") || type.suffix(5).equalsASCII("+json")
        return isJSON ? .json : .other
    }

    /// The bytes as they were before they were encoded, and whether there were more; nil for an encoding that we do not know.
    func decoded() -> (bytes: [UInt8], isTruncated: Bool)? {
        let bytes = pieces.count == 1 ? pieces[0] : joined
        switch encoding?.lowercased() {
        case nil, "", "identity": return (bytes, isTruncated)
        case "gzip", "x-gzip":
            guard let (plain, isWhole) = Gunzip.bytes(of: bytes) else { return nil }
            return (plain, isTruncated || (!isWhole && isComplete))
        default: return nil
        }
    }
}

extension Body {
    /// All pieces in one: whole pieces are copied at once, where a joined sequence is gone through byte by byte.
    fileprivate var joined: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(pieces.reduce(0) { $0 + $1.count })
        for piece in pieces { bytes.append(contentsOf: piece) }
        return bytes
    }
}

extension Substring.UTF8View {
    /// Whether it is the word, in any case of ASCII letters.
    ///
    /// - Parameter word: in lower case.
    fileprivate func equalsASCII(_ word: StaticString) -> Bool {
        guard count == word.utf8CodeUnitCount else { return false }
        return zip(self, UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount)).allSatisfy { byte, wanted in
            byte == wanted || ((UInt8(ascii: "a")...UInt8(ascii: "z")).contains(wanted) && byte | 0x20 == wanted)
        }
    }
}
