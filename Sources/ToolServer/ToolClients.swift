internal import AgentRuns
public import JSONDocuments
internal import NIOHTTP1
internal import Synchronization
public import ToolGateway

/// Calls the configured tools, over plain HTTP or MCP.
public final class ToolClients: ToolUpstreams {
    private let http: UpstreamHTTP
    private let state: Mutex<State>

    private struct State: Sendable {
        var targets: [String: ToolTarget]
        var sessions: [String: MCPUpstream] = [:]
    }

    /// - Parameter connections: to one tool's host at once.
    public init(_ targets: [String: ToolTarget], connections: Int = 1024) {
        http = UpstreamHTTP(connections: connections)
        state = Mutex(State(targets: targets))
    }

    /// Exchanges the tools, as a reload does; calls under way keep theirs.
    public func replace(_ targets: [String: ToolTarget]) {
        state.withLock { state in
            state.targets = targets
            state.sessions = [:]
        }
    }

    public func end() async { await http.end() }

    func target(_ tool: String) -> ToolTarget? { state.withLock { $0.targets[tool] } }

    /// One session for each server and set of credentials.
    func session(_ target: ToolTarget) -> MCPUpstream {
        let key = ([target.url] + target.headers.flatMap { [$0.name, $0.value] }).joined(separator: "\0")
        return state.withLock { state in
            if let session = state.sessions[key] { return session }
            let session = MCPUpstream(target, http)
            state.sessions[key] = session
            return session
        }
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
