internal import JSONDocuments
internal import NIOHTTP1
internal import ToolGateway

/// A session with an MCP server over streamable HTTP.
///
/// Source: Model Context Protocol 2025-06-18, "Transports" and "Lifecycle".
actor MCPUpstream {
    /// The latest version with a handshake that we ask for; a server may answer with an older one.
    static let version = "2025-06-18"

    private struct Session {
        /// nil where the server keeps none.
        var id: String?
        var version: String
    }

    private let target: ToolTarget
    private let http: UpstreamHTTP
    private var session: Session?
    private var opening: Task<Result<Session, ToolFailure>, Never>?
    private var nextID = 1
    private var definitions: (tools: [String: JSONDocument], at: ContinuousClock.Instant)?

    init(_ target: ToolTarget, _ http: UpstreamHTTP) {
        self.target = target
        self.http = http
    }

    func call(
        _ name: String, arguments: JSONDocument, traceParent: String, limit: Int, deadline: ContinuousClock.Instant
    ) async throws(ToolFailure) -> ToolAnswer {
        let parameters = JSONDocument.object([
            "name": .string(name), "arguments": arguments, "_meta": .object(["traceparent": .string(traceParent)]),
        ])
        let (reply, size) = try await request("tools/call", parameters, traceParent: traceParent, limit: limit, deadline: deadline)
        if let error = reply["error"] {
            return ToolAnswer(success: false, content: error["message"] ?? error, size: size)
        }
        guard let result = reply["result"], case .object = result else { throw ToolFailure(.badAnswer, "the MCP server's answer has no result") }
        let isError = result["isError"] == .bool(true)
        return ToolAnswer(success: !isError, content: Self.content(of: result), callToolResult: result, size: size)
    }

    /// What a caller without MCP is given: the structured result, else the only text, else all the content.
    private static func content(of result: JSONDocument) -> JSONDocument {
        if let structured = result["structuredContent"], case .object = structured { return structured }
        guard let content = result["content"] else { return .null }
        if case .array(let blocks) = content, blocks.count == 1, blocks[0]["type"] == .string("text"), let text = blocks[0]["text"] { return text }
        return content
    }

    /// The server's definitions of its tools by name, which are asked for again after a while.
    ///
    /// - Parameter mayAsk: false to take only what is known.
    func tools(mayAsk: Bool) async -> [String: JSONDocument] {
        if let definitions, !mayAsk || ContinuousClock.now - definitions.at < .seconds(30) { return definitions.tools }
        guard mayAsk else { return [:] }
        var found: [String: JSONDocument] = [:]
        var cursor: JSONDocument?
        let deadline = ContinuousClock.now + .seconds(10)
        // A server that never stops giving cursors is stopped.
        for _ in 0..<100 {
            let parameters = cursor.map { JSONDocument.object(["cursor": $0]) } ?? .object([:])
            guard let (reply, _) = try? await request("tools/list", parameters, traceParent: nil, limit: 4 << 20, deadline: deadline),
                case .array(let tools)? = reply["result"]?["tools"]
            else { return definitions?.tools ?? [:] }
            for tool in tools.prefix(10_000) {
                if case .string(let name)? = tool["name"] { found[name] = tool }
            }
            cursor = reply["result"]?["nextCursor"]
            guard case .string? = cursor, found.count < 10_000 else { break }
        }
        definitions = (found, .now)
        return found
    }

    // MARK: messages

    private func request(
        _ method: String, _ parameters: JSONDocument, traceParent: String?, limit: Int, deadline: ContinuousClock.Instant
    ) async throws(ToolFailure) -> (JSONDocument, size: Int) {
        let first = try await open(deadline)
        let answer = try await send(method, parameters, first, traceParent, limit, deadline)
        // A server that does not know the session has done nothing with the request.
        guard answer.status == 404, let id = first.id else { return try read(answer) }
        if session?.id == id { session = nil }
        let again = try await open(deadline)
        return try read(try await send(method, parameters, again, traceParent, limit, deadline))
    }

    private func open(_ deadline: ContinuousClock.Instant) async throws(ToolFailure) -> Session {
        if let session { return session }
        // Calls that come at once share one handshake, and one that is cancelled does not end it for the others.
        let task = opening ?? Task { await handshake() }
        opening = task
        let result = await task.value
        opening = nil
        let opened = try result.get()
        session = session ?? opened
        return session ?? opened
    }

    private func handshake() async -> Result<Session, ToolFailure> {
        do throws(ToolFailure) {
            let deadline = ContinuousClock.now + .seconds(10)
            let parameters = JSONDocument.object([
                "protocolVersion": .string(Self.version), "capabilities": .object([:]),
                "clientInfo": .object(["name": .string("outrigger"), "version": .string("1")]),
            ])
            let answer = try await send("initialize", parameters, nil, nil, 1 << 20, deadline)
            let (reply, _) = try read(answer)
            guard case .string(let version)? = reply["result"]?["protocolVersion"], version.utf8.count <= 32,
                version.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
            else { return .failure(ToolFailure(.badAnswer, "the MCP server did not say which protocol it speaks")) }
            let id = answer.headers.first(name: "mcp-session-id")
            if let id, id.utf8.count > 1024 || !id.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) {
                return .failure(ToolFailure(.badAnswer, "the MCP server's session id is not one"))
            }
            let session = Session(id: id, version: version)
            let note = JSONDocument.object(["jsonrpc": .string("2.0"), "method": .string("notifications/initialized")])
            _ = try await http.post(note.canonicalBytes, to: target.url, headers: headers(session, nil), limit: 1 << 16, deadline: deadline)
            return .success(session)
        } catch {
            return .failure(error)
        }
    }

    private func headers(_ session: Session?, _ traceParent: String?) -> HTTPHeaders {
        var headers = HTTPHeaders(target.headers.map { ($0.name, $0.value) })
        headers.replaceOrAdd(name: "accept", value: "application/json, text/event-stream")
        if let traceParent { headers.replaceOrAdd(name: "traceparent", value: traceParent) }
        if let session {
            headers.replaceOrAdd(name: "mcp-protocol-version", value: session.version)
            if let id = session.id { headers.replaceOrAdd(name: "mcp-session-id", value: id) }
        }
        return headers
    }

    private func send(
        _ method: String, _ parameters: JSONDocument, _ session: Session?, _ traceParent: String?, _ limit: Int,
        _ deadline: ContinuousClock.Instant
    ) async throws(ToolFailure) -> UpstreamHTTP.Answer {
        let id = JSONDocument.integer(nextID)
        nextID += 1
        let message = JSONDocument.object(["jsonrpc": .string("2.0"), "id": id, "method": .string(method), "params": parameters])
        var stream = EventStreamAnswer(id)
        var answer = try await http.post(
            message.canonicalBytes, to: target.url, headers: headers(session, traceParent), limit: limit, deadline: deadline
        ) { bytes, headers in Self.isStream(headers) && stream.take(bytes) }
        if Self.isStream(answer.headers), (200..<300).contains(answer.status) {
            guard let body = stream.answer else { throw ToolFailure(.badAnswer, "the MCP server's stream ended without an answer") }
            answer.body = body
        }
        return answer
    }

    private static func isStream(_ headers: HTTPHeaders) -> Bool {
        headers.first(name: "content-type")?.lowercased().hasPrefix("text/event-stream") ?? false
    }

    private func read(_ answer: UpstreamHTTP.Answer) throws(ToolFailure) -> (JSONDocument, size: Int) {
        let document = try? JSONDocument(parsing: answer.body)
        // Servers send errors of JSON-RPC with a status of failure too.
        if let document, document["result"] != nil || document["error"] != nil { return (document, answer.body.count) }
        guard (200..<300).contains(answer.status) else {
            throw ToolFailure(.badAnswer, "the MCP server answered with status \(answer.status)")
        }
        throw ToolFailure(.badAnswer, "the MCP server's answer is not one of JSON-RPC")
    }
}

/// Finds an answer among the events of a stream, as it comes: each byte is looked at once.
///
/// Source: WHATWG HTML, "Server-sent events".
struct EventStreamAnswer {
    private let id: JSONDocument
    private var line: [UInt8] = []
    private var data: [UInt8] = []
    /// The data of the first whole event that is a JSON-RPC response to the id.
    private(set) var answer: [UInt8]?

    init(_ id: JSONDocument) { self.id = id }

    /// - Returns: whether the answer is there.
    mutating func take(_ bytes: some Sequence<UInt8>) -> Bool {
        for byte in bytes where answer == nil {
            if byte == UInt8(ascii: "\n") { endLine() } else { line.append(byte) }
        }
        return answer != nil
    }

    private mutating func endLine() {
        if line.last == UInt8(ascii: "\r") { line.removeLast() }
        if line.isEmpty {
            if let document = try? JSONDocument(parsing: data), document["id"] == id, document["method"] == nil { answer = data }
            data.removeAll(keepingCapacity: true)
        } else if line.starts(with: "data:".utf8) {
            if !data.isEmpty { data.append(UInt8(ascii: "\n")) }
            let value = line.dropFirst(5)
            data.append(contentsOf: value.first == UInt8(ascii: " ") ? value.dropFirst() : value)
        }
        line.removeAll(keepingCapacity: true)
    }
}
