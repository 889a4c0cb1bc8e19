internal import AsyncHTTPClient
internal import Glibc
internal import HTTPAnswers
internal import JSONDocuments
internal import NIOCore
internal import NIOHTTP1
internal import ToolGateway

/// Sends requests to tools and reads their answers within bounds: no redirects, no second try, no answer that is longer than
/// allowed or comes later. A call may change something, so it is never sent twice.
struct UpstreamHTTP: Sendable {
    struct Answer: Sendable {
        var status: Int
        var headers: HTTPHeaders
        var body: [UInt8]
    }

    private let client: HTTPClient

    /// - Parameter connections: to one host at once.
    init(connections: Int) {
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        configuration.refuseImpossibleStatuses()
        configuration.httpVersion = .http1Only
        configuration.timeout.connect = .seconds(5)
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = max(1, connections)
        configuration.connectionPool.retryConnectionEstablishment = false
        // Servers close connections that are idle, many after 5 seconds: a call that meets that is lost, since none is sent again.
        configuration.connectionPool.idleTimeout = .seconds(2)
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    func end() async { try? await client.shutdown() }

    /// - Parameter id: where it is given and the answer is a stream of events, the body is the JSON-RPC response to this id
    ///   alone, and the stream is not read further: it may stay open for ever.
    func post(
        _ body: [UInt8], to url: String, headers: HTTPHeaders, limit: Int, deadline: ContinuousClock.Instant,
        responseTo id: JSONDocument? = nil
    ) async throws(ToolFailure) -> Answer {
        let left = deadline - .now
        guard left > .zero else { throw .timeout }
        var request = HTTPClientRequest(url: url)
        request.method = .POST
        request.headers = headers
        request.headers.replaceOrAdd(name: "content-type", value: "application/json")
        request.headers.replaceOrAdd(name: "accept-encoding", value: "identity")
        request.body = .bytes(ByteBuffer(bytes: body))
        guard !Task.isCancelled else { throw .cancelled }
        let response: HTTPClientResponse
        do {
            let seconds = min(left.components.seconds, 86_400)
            response = try await client.execute(
                request, deadline: .now() + .nanoseconds(seconds * 1_000_000_000 + left.components.attoseconds / 1_000_000_000))
        } catch {
            throw Self.failure(error)
        }
        return try await Self.read(response, id, limit, deadline)
    }

    /// The client's own deadline is over with the answer's head; a body that comes too slowly is cut off here.
    private static func read(
        _ response: HTTPClientResponse, _ id: JSONDocument?, _ limit: Int, _ deadline: ContinuousClock.Instant
    ) async throws(ToolFailure) -> Answer {
        let work = Task { await collect(response, id, limit) }
        let timer = Task {
            try await Task.sleep(until: deadline, clock: .continuous)
            work.cancel()
        }
        defer { timer.cancel() }
        let result = await withTaskCancellationHandler { await work.value } onCancel: { work.cancel() }
        if case .failure(let failure) = result, failure.kind == .cancelled, !Task.isCancelled { throw .timeout }
        return try result.get()
    }

    private static func collect(_ response: HTTPClientResponse, _ id: JSONDocument?, _ limit: Int) async -> Result<Answer, ToolFailure> {
        var answer = Answer(status: Int(response.status.code), headers: response.headers, body: [])
        var stream = isStream(response) ? id.map { EventStreamAnswer($0) } : nil
        var size = 0
        do {
            // Leaving the loop early closes the connection: the rest is never read.
            for try await part in response.body {
                size += part.readableBytes
                guard size <= limit else {
                    return .failure(ToolFailure(.badAnswer, "the tool's answer has more than the \(limit) bytes that are allowed"))
                }
                if stream == nil {
                    answer.body.append(contentsOf: part.readableBytesView)
                } else if stream?.take(part.readableBytesView) == true {
                    break
                }
            }
        } catch {
            return .failure(failure(error))
        }
        // A cancelled body ends as if it were whole.
        if Task.isCancelled { return .failure(.cancelled) }
        if let stream {
            guard let found = stream.answer else { return .failure(ToolFailure(.badAnswer, "the MCP server's stream ended without an answer")) }
            answer.body = found
        }
        return .success(answer)
    }

    private static func isStream(_ response: HTTPClientResponse) -> Bool {
        (200..<300).contains(response.status.code)
            && response.headers.first(name: "content-type")?.lowercased().hasPrefix("text/event-stream") ?? false
    }

    private static func failure(_ error: any Error) -> ToolFailure {
        if Task.isCancelled || error is CancellationError { return .cancelled }
        if let error = error as? HTTPClientError {
            switch error {
            case .deadlineExceeded, .getConnectionFromPoolTimeout, .readTimeout: return .timeout
            case .connectTimeout: return ToolFailure(.unreachable, "the tool cannot be reached")
            case .remoteConnectionClosed: return .brokenOff
            case .cancelled: return .cancelled
            default: return ToolFailure(.badAnswer, "the tool's answer cannot be used")
            }
        }
        if let error = error as? HTTPParserError {
            return error == .invalidEOFState ? .brokenOff : ToolFailure(.badAnswer, "the tool's answer is not HTTP")
        }
        if let error = error as? IOError, [ECONNRESET, EPIPE].contains(error.errnoCode) { return .brokenOff }
        // Addresses and the library's own words are not for the agent.
        return ToolFailure(.unreachable, "the tool cannot be reached")
    }
}

extension ToolFailure {
    static let timeout = ToolFailure(.timeout, "the tool did not answer in time")
    static let brokenOff = ToolFailure(.badAnswer, "the tool closed the connection without a whole answer")
    static let cancelled = ToolFailure(.cancelled, "the call was cancelled")
}

/// Waits for work that others wait for too, and gives up alone: the work goes on for the others.
///
/// - Throws: ``ToolFailure`` when the time was up first, or the waiting task was cancelled.
func value<Value: Sendable>(of work: Task<Value, Never>, until deadline: ContinuousClock.Instant) async throws(ToolFailure) -> Value {
    let (stream, continuation) = AsyncStream<Value?>.makeStream()
    Task { continuation.yield(await work.value) }
    let timer = Task {
        try await Task.sleep(until: deadline, clock: .continuous)
        continuation.yield(nil)
    }
    defer { timer.cancel() }
    for await value in stream {
        guard let value else { throw .timeout }
        return value
    }
    throw .cancelled
}
