internal import JSONDocuments
internal import NIOHTTP1
internal import Synchronization
internal import ToolGateway

/// An MCP server over streamable HTTP: the session with it, and calls of its tools.
///
/// Source: Model Context Protocol 2025-06-18, "Transports", "Lifecycle" and "Cancellation".
final class MCPUpstream: Sendable {
    /// The latest version with a handshake that we ask for; a server may answer with an older one.
    static let version = "2025-06-18"

    private struct Session: Sendable {
        /// nil where the server keeps none.
        var id: String?
        var version: String
    }

    private struct State: Sendable {
        var session: Session?
        var opening: Task<Result<Session, ToolFailure>, Never>?
        var nextID = 1
        var definitions: [String: JSONDocument] = [:]
        /// Until when the definitions are taken as they are known.
        var freshUntil = ContinuousClock.now
        var listing: Task<[String: JSONDocument], Never>?
    }

    private let target: ToolTarget
    private let http: UpstreamHTTP
    private let state = Mutex(State())

    init(_ target: ToolTarget, _ http: UpstreamHTTP) {
        self.target = target
        self.http = http
    }

    // MARK: tools

    func call(
        _ name: String, arguments: JSONDocument, traceParent: String, limit: Int, deadline: ContinuousClock.Instant
    ) async throws(ToolFailure) -> ToolAnswer {
        let parameters = JSONDocument.object([
            "name": .string(name), "arguments": arguments, "_meta": .object(["traceparent": .string(traceParent)]),
        ])
        let (reply, size) = try await request("tools/call", parameters, traceParent: traceParent, limit: limit, deadline: deadline)
        if let error = reply["error"] { return ToolAnswer(success: false, content: error["message"] ?? error, size: size) }
        guard let result = reply["result"].flatMap(MCPMessages.callToolResult) else {
            throw ToolFailure(.badAnswer, "the MCP server's answer is not the result of a tool")
        }
        return ToolAnswer(
            success: result["isError"] != .bool(true), content: MCPMessages.content(of: result), callToolResult: result, size: size)
    }

    /// The server's definitions of its tools by name, which are asked for again after a while.
    ///
    /// - Parameter mayAsk: false to take only what is known.
    func tools(mayAsk: Bool) async -> [String: JSONDocument] {
        let (known, listing) = state.withLock { state -> ([String: JSONDocument], Task<[String: JSONDocument], Never>?) in
            guard mayAsk, ContinuousClock.now >= state.freshUntil else { return (state.definitions, nil) }
            // Runs that ask at once share one answer.
            let listing = state.listing ?? Task { await list() }
            state.listing = listing
            return (state.definitions, listing)
        }
        guard let listing else { return known }
        return (try? await value(of: listing, until: .now + .seconds(10))) ?? known
    }

    private func list() async -> [String: JSONDocument] {
        let found = await listed(until: .now + .seconds(5))
        return state.withLock { state in
            state.listing = nil
            if let found { state.definitions = found }
            // A server that does not answer is not asked by every run.
            state.freshUntil = .now + (found == nil ? .seconds(5) : .seconds(30))
            return state.definitions
        }
    }

    /// - Returns: nil when the server did not give them.
    private func listed(until deadline: ContinuousClock.Instant) async -> [String: JSONDocument]? {
        var found: [String: JSONDocument] = [:]
        var cursor: JSONDocument?
        var bytes = 0
        // A server that never stops giving cursors is stopped.
        for _ in 0..<100 {
            let parameters = cursor.map { JSONDocument.object(["cursor": $0]) } ?? .object([:])
            guard let (reply, size) = try? await request("tools/list", parameters, traceParent: nil, limit: 4 << 20, deadline: deadline),
                case .array(let tools)? = reply["result"]?["tools"]
            else { return nil }
            bytes += size
            for tool in tools.prefix(10_000) {
                if case .string(let name)? = tool["name"] { found[name] = MCPMessages.definition(tool) }
            }
            cursor = reply["result"]?["nextCursor"]
            guard case .string? = cursor, found.count < 10_000, bytes < 8 << 20 else { break }
        }
        return found
    }

    // MARK: messages

    private func request(
        _ method: String, _ parameters: JSONDocument, traceParent: String?, limit: Int, deadline: ContinuousClock.Instant
    ) async throws(ToolFailure) -> (JSONDocument, size: Int) {
        let first = try await open(deadline)
        if let result = await send(method, parameters, first, traceParent, limit, deadline) { return try result.get() }
        // A server that does not know the session has done nothing with the request.
        state.withLock { if $0.session?.id == first.id { $0.session = nil } }
        let again = try await open(deadline)
        guard let result = await send(method, parameters, again, traceParent, limit, deadline) else {
            throw ToolFailure(.badAnswer, "the MCP server forgets its sessions at once")
        }
        return try result.get()
    }

    private func open(_ deadline: ContinuousClock.Instant) async throws(ToolFailure) -> Session {
        let (session, opening) = state.withLock { state -> (Session?, Task<Result<Session, ToolFailure>, Never>?) in
            if let session = state.session { return (session, nil) }
            // Calls that come at once share one handshake, and one that is cancelled does not end it for the others.
            let opening = state.opening ?? Task { await opened() }
            state.opening = opening
            return (nil, opening)
        }
        if let session { return session }
        guard let opening else { throw .cancelled }
        return try await value(of: opening, until: deadline).get()
    }

    private func opened() async -> Result<Session, ToolFailure> {
        let result: Result<Session, ToolFailure>
        do throws(ToolFailure) {
            result = .success(try await handshake(until: .now + .seconds(10)))
        } catch {
            result = .failure(error)
        }
        state.withLock { state in
            state.opening = nil
            if case .success(let session) = result { state.session = session }
        }
        return result
    }

    private func handshake(until deadline: ContinuousClock.Instant) async throws(ToolFailure) -> Session {
        let id = JSONDocument.integer(takeID())
        let parameters = JSONDocument.object([
            "protocolVersion": .string(Self.version), "capabilities": .object([:]),
            "clientInfo": .object(["name": .string("outrigger"), "version": .string("1")]),
        ])
        let answer = try await http.post(
            MCPMessages.request(id, "initialize", parameters), to: target.url, headers: headers(nil, nil), limit: 1 << 20,
            deadline: deadline, responseTo: id)
        let reply = try MCPMessages.response(in: answer, to: id)
        guard case .string(let version)? = reply["result"]?["protocolVersion"], Self.isVisible(version, atMost: 32) else {
            throw ToolFailure(.badAnswer, "the MCP server did not say which protocol it speaks")
        }
        let sessionID = answer.headers.first(name: "mcp-session-id")
        if let sessionID, !Self.isVisible(sessionID, atMost: 1024) { throw ToolFailure(.badAnswer, "the MCP server's session id is not one") }
        let session = Session(id: sessionID, version: version)
        let note = MCPMessages.notification("notifications/initialized", .object([:]))
        _ = try await http.post(note, to: target.url, headers: headers(session, nil), limit: 1 << 16, deadline: deadline)
        return session
    }

    /// What can stand in a header.
    private static func isVisible(_ text: String, atMost count: Int) -> Bool {
        text.utf8.count <= count && text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
    }

    private func takeID() -> Int {
        state.withLock { state in
            defer { state.nextID += 1 }
            return state.nextID
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

    /// - Returns: nil when the server does not know the session any more.
    private func send(
        _ method: String, _ parameters: JSONDocument, _ session: Session, _ traceParent: String?, _ limit: Int,
        _ deadline: ContinuousClock.Instant
    ) async -> Result<(JSONDocument, size: Int), ToolFailure>? {
        let id = JSONDocument.integer(takeID())
        let answer: UpstreamHTTP.Answer
        do throws(ToolFailure) {
            answer = try await http.post(
                MCPMessages.request(id, method, parameters), to: target.url, headers: headers(session, traceParent), limit: limit,
                deadline: deadline, responseTo: id)
        } catch {
            if [.cancelled, .timeout].contains(error.kind) { tellCancelled(id, session, error.message) }
            return .failure(error)
        }
        if answer.status == 404, session.id != nil { return nil }
        do throws(ToolFailure) {
            return .success((try MCPMessages.response(in: answer, to: id), answer.body.count))
        } catch {
            return .failure(error)
        }
    }

    /// To an MCP server a closed connection is no cancellation: it must be told. Nobody waits for that.
    private func tellCancelled(_ id: JSONDocument, _ session: Session, _ reason: String) {
        let note = MCPMessages.notification("notifications/cancelled", .object(["requestId": id, "reason": .string(reason)]))
        let headers = headers(session, nil)
        Task { _ = try? await http.post(note, to: target.url, headers: headers, limit: 1 << 16, deadline: .now + .seconds(5)) }
    }
}
