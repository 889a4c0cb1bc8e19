internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1
internal import ToolGateway

/// Sends requests to tools and reads their answers within bounds: no redirects, no second try, no answer that is longer than
/// allowed. A call may change something, so it is never sent twice.
struct UpstreamHTTP: Sendable {
    struct Answer {
        var status: Int
        var headers: HTTPHeaders
        var body: [UInt8]
    }

    private let client: HTTPClient

    /// - Parameter connections: to one host at once.
    init(connections: Int) {
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        configuration.httpVersion = .http1Only
        configuration.timeout.connect = .seconds(5)
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = max(1, connections)
        configuration.connectionPool.retryConnectionEstablishment = false
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    func end() async { try? await client.shutdown() }

    /// - Parameter isDone: is given what has come since it was asked last; whether that is all that is wanted, as of a stream
    ///   that stays open.
    func post(
        _ body: [UInt8], to url: String, headers: HTTPHeaders, limit: Int, deadline: ContinuousClock.Instant,
        isDone: (ByteBufferView, HTTPHeaders) -> Bool = { _, _ in false }
    ) async throws(ToolFailure) -> Answer {
        let left = deadline - .now
        guard left > .zero else { throw Self.timeout }
        var request = HTTPClientRequest(url: url)
        request.method = .POST
        request.headers = headers
        request.headers.replaceOrAdd(name: "content-type", value: "application/json")
        request.headers.replaceOrAdd(name: "accept-encoding", value: "identity")
        request.body = .bytes(ByteBuffer(bytes: body))
        guard !Task.isCancelled else { throw Self.cancelled }
        do {
            let seconds = min(left.components.seconds, 86_400)
            let response = try await client.execute(
                request, deadline: .now() + .nanoseconds(seconds * 1_000_000_000 + left.components.attoseconds / 1_000_000_000))
            var bytes: [UInt8] = []
            // Leaving the loop early closes the connection: the rest is never read.
            for try await part in response.body {
                guard bytes.count + part.readableBytes <= limit else {
                    throw ToolFailure(.badAnswer, "the tool's answer has more than the \(limit) bytes that are allowed")
                }
                bytes.append(contentsOf: part.readableBytesView)
                if isDone(part.readableBytesView, response.headers) { break }
            }
            // A cancelled body ends as if it were whole.
            if Task.isCancelled { throw Self.cancelled }
            return Answer(status: Int(response.status.code), headers: response.headers, body: bytes)
        } catch {
            throw Self.failure(error)
        }
    }

    private static let timeout = ToolFailure(.timeout, "the tool did not answer in time")
    private static let cancelled = ToolFailure(.cancelled, "the call was cancelled")

    private static func failure(_ error: any Error) -> ToolFailure {
        if let error = error as? ToolFailure { return error }
        if Task.isCancelled || error is CancellationError { return cancelled }
        if let error = error as? HTTPClientError {
            switch error {
            case .deadlineExceeded, .getConnectionFromPoolTimeout, .readTimeout: return timeout
            case .connectTimeout: return ToolFailure(.unreachable, "the tool cannot be reached")
            case .remoteConnectionClosed: return ToolFailure(.unreachable, "the tool closed the connection without a whole answer")
            default: return ToolFailure(.badAnswer, "the tool's answer cannot be used")
            }
        }
        // Addresses and the library's own words are not for the agent.
        return error is HTTPParserError
            ? ToolFailure(.badAnswer, "the tool's answer is not HTTP") : ToolFailure(.unreachable, "the tool cannot be reached")
    }
}
