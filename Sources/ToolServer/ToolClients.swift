internal import AgentRuns
public import JSONDocuments
internal import NIOHTTP1
internal import Synchronization
public import ToolGateway

/// Calls the configured tools, over plain HTTP or MCP.
public final class ToolClients: ToolUpstreams {
    private let connections: Int
    private let state: Mutex<State>

    private struct State: Sendable {
        var targets: [String: ToolTarget]
        /// Those of the configuration before, for calls that were decided by it and have not gone out yet.
        var retired: [String: ToolTarget] = [:]
        var sessions: [String: MCPUpstream] = [:]
        /// A client with connections of its own for each URL that was ever configured: what a tool sends beyond its answer
        /// spoils the next answer on that connection, and that must not be another tool's.
        var clients: [String: UpstreamHTTP] = [:]

        mutating func client(_ url: String, connections: Int) -> UpstreamHTTP {
            let client = clients[url] ?? UpstreamHTTP(connections: connections)
            clients[url] = client
            return client
        }
    }

    /// - Parameter connections: to one tool at once.
    public init(_ targets: [String: ToolTarget], connections: Int = 1024) {
        self.connections = connections
        state = Mutex(State(targets: targets))
    }

    /// Adds tools, and puts those in the place of others that have their names; calls under way keep theirs.
    public func add(_ targets: [String: ToolTarget]) { state.withLock { $0.targets.merge(targets) { $1 } } }

    /// Exchanges the tools; calls under way keep theirs, and sessions with servers that are still there go on.
    public func replace(_ targets: [String: ToolTarget]) {
        state.withLock { state in
            state.retired = state.targets
            state.targets = targets
            let keys = Set((Array(targets.values) + state.retired.values).map(Self.key))
            state.sessions = state.sessions.filter { keys.contains($0.key) }
        }
    }

    public func end() async {
        for client in state.withLock({ $0.clients.values }) { await client.end() }
    }

    func target(_ tool: String) -> ToolTarget? { state.withLock { $0.targets[tool] ?? $0.retired[tool] } }

    /// What MCP servers say of their tools, asked at once; where a server says nothing, there is no entry.
    func definitions(_ targets: [ToolTarget], mayAsk: Bool) async -> Definitions {
        var sessions: [String: MCPUpstream] = [:]
        for target in targets where target.remoteName != nil { sessions[Self.key(target)] = session(target) }
        return await withTaskGroup(of: (String, [String: JSONDocument]).self) { group in
            for (key, session) in sessions { group.addTask { (key, await session.tools(mayAsk: mayAsk)) } }
            var found = Definitions()
            for await (key, tools) in group { found.tools[key] = tools }
            return found
        }
    }

    struct Definitions: Sendable {
        fileprivate var tools: [String: [String: JSONDocument]] = [:]

        subscript(target: ToolTarget) -> JSONDocument? { target.remoteName.flatMap { tools[ToolClients.key(target)]?[$0] } }
    }

    /// One session for each server and set of credentials.
    private func session(_ target: ToolTarget) -> MCPUpstream {
        let key = Self.key(target)
        return state.withLock { state in
            if let session = state.sessions[key] { return session }
            let session = MCPUpstream(target, state.client(target.url, connections: connections))
            state.sessions[key] = session
            return session
        }
    }

    fileprivate static func key(_ target: ToolTarget) -> String {
        ([target.url] + target.headers.flatMap { [$0.name, $0.value] }).joined(separator: "\0")
    }

    public func call(
        _ tool: String, _ settings: ToolSettings, arguments: JSONDocument, run: ToolRunIdentity, traceParent: String
    ) async throws(ToolFailure) -> ToolAnswer {
        guard let target = target(tool) else { throw ToolFailure(.unreachable, "the tool is not configured any more") }
        let deadline = ContinuousClock.now + settings.timeout
        switch target.kind {
        case .http:
            var headers = HTTPHeaders(target.headers.map { ($0.name, $0.value) })
            headers.replaceOrAdd(name: "accept", value: "application/json, text/*;q=0.5")
            headers.replaceOrAdd(name: "traceparent", value: traceParent)
            headers.replaceOrAdd(name: "x-request-id", value: run.requestID)
            let http = state.withLock { $0.client(target.url, connections: connections) }
            let answer = try await http.post(
                arguments.canonicalBytes, to: target.url, headers: headers, limit: settings.maximumResult, deadline: deadline)
            return try Self.read(answer)
        case .mcp(let name):
            return try await session(target).call(
                name, arguments: arguments, traceParent: traceParent, limit: settings.maximumResult, deadline: deadline)
        }
    }

    private static func read(_ answer: UpstreamHTTP.Answer) throws(ToolFailure) -> ToolAnswer {
        let type = (answer.headers.first(name: "content-type") ?? "").prefix { $0 != ";" }.filter { $0 != " " }.lowercased()
        let isJSON = type == "application/json" || type.hasSuffix("+json")
        let content: JSONDocument
        if answer.body.isEmpty {
            content = .null
        } else if isJSON {
            do throws(JSONDocumentError) {
                content = try JSONDocument(parsing: answer.body)
            } catch {
                throw ToolFailure(.badAnswer, "the tool's answer is said to be JSON, and is not: \(error)")
            }
        } else if type.hasPrefix("text/"), let text = String(validating: answer.body, as: UTF8.self) {
            content = .string(text)
        } else {
            throw ToolFailure(.badAnswer, "the tool's answer is neither JSON nor text")
        }
        switch answer.status {
        case 200..<300: return ToolAnswer(success: true, content: content, size: answer.body.count)
        case 300..<400: throw ToolFailure(.badAnswer, "the tool answered with a redirect, which is not followed")
        default:
            let error = JSONDocument.object(["status": .integer(answer.status), "body": content])
            return ToolAnswer(success: false, content: error, size: answer.body.count)
        }
    }
}
