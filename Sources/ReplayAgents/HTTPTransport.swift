internal import AsyncHTTPClient
internal import Glibc
internal import HTTPAnswers
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import Replay

/// Sends JSON to agents and evaluators over HTTP, and reads their answers within bounds.
///
/// Redirects are not followed: a request with its credentials must not go where nobody sent it. Connections are kept
/// alive; TLS certificates are verified.
struct HTTPTransport: Sendable {
    /// How often, and how far apart, a request is sent again after a transport error.
    struct Retries: Sendable {
        var maximum = 2
        var firstDelay = Duration.milliseconds(100)
        var maximumDelay = Duration.seconds(2)

        func delay(beforeRetry retry: Int) -> Duration {
            min(maximumDelay, firstDelay * (1 << min(retry, 16))) * Double.random(in: 0.5...1)
        }
    }

    /// A failure, and whether the agent cannot have begun to answer, so that asking again may help.
    struct Failure: Error {
        var problem: RunProblem
        var isRetryable = false
    }

    private let client: HTTPClient

    /// - Parameter connections: to one host at once; more requests than that wait for each other.
    /// - Throws: ``AgentSpecification/UsageError`` when the authorities to be trusted cannot be read.
    init(connections: Int) throws(AgentSpecification.UsageError) {
        var configuration = HTTPClient.Configuration()
        configuration.tlsConfiguration = try TrustedAuthorities.configuration()
        configuration.redirectConfiguration = .disallow
        configuration.refuseImpossibleStatuses()
        configuration.httpVersion = .http1Only
        configuration.timeout.connect = .seconds(10)
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = max(1, connections)
        // The client would try until the deadline, and hide it; we count our tries.
        configuration.connectionPool.retryConnectionEstablishment = false
        // Before servers close idle connections, many after 5 seconds: no run is to fail by that.
        configuration.connectionPool.idleTimeout = .seconds(2)
        client = HTTPClient(eventLoopGroupProvider: .shared(MultiThreadedEventLoopGroup.singleton), configuration: configuration)
    }

    func end() async { try? await client.shutdown() }

    /// Sends one request and gives the body of its answer, which had status 2xx and a JSON type.
    func post(
        _ body: [UInt8], to target: AgentURL, headers: [(String, String)], deadline: ContinuousClock.Instant
    ) async throws(Failure) -> [UInt8] {
        var request = HTTPClientRequest(url: target.url)
        request.method = .POST
        request.headers = ["content-type": "application/json", "accept": "application/json"]
        if let authorization = target.authorization { request.headers.add(name: "authorization", value: authorization) }
        for (name, value) in headers { request.headers.replaceOrAdd(name: name, value: value) }
        request.body = .bytes(ByteBuffer(bytes: body))
        let left = deadline - .now
        guard left > .zero else { throw Failure(problem: Self.timeout) }
        // The client's own deadline ends with the answer's head; the time limit is about its last byte.
        let exchange = request
        let outcome = await withTaskGroup(of: Result<[UInt8], Failure>?.self) { group in
            group.addTask {
                do throws(Failure) { return .success(try await self.exchange(exchange, within: left)) } catch { return .failure(error) }
            }
            group.addTask {
                try? await Task.sleep(until: deadline, clock: .continuous)
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first
        }
        guard let outcome else { throw Failure(problem: Task.isCancelled ? .cancelled : Self.timeout) }
        return try outcome.get()
    }

    /// The request, its answer's head, and all of its body.
    private func exchange(_ request: HTTPClientRequest, within left: Duration) async throws(Failure) -> [UInt8] {
        let response: HTTPClientResponse
        do {
            response = try await client.execute(request, deadline: .now() + .nanoseconds(left.clampedNanoseconds))
        } catch {
            throw Self.failure(error, isBeforeAnswer: true)
        }
        let isSuccess = (200..<300).contains(Int(response.status.code))
        var bytes: [UInt8] = []
        do throws(Failure) {
            bytes = try await Self.collect(response, upTo: isSuccess ? AnswerReader.maximumBytes : 4096, cut: !isSuccess)
        } catch {
            // What the agent says to its failure is welcome, but the failure stands without it.
            if isSuccess || error.problem.kind == .cancelled { throw error }
        }
        if let problem = Self.problem(of: response, bytes) { throw Failure(problem: problem) }
        return bytes
    }

    private static let timeout = RunProblem(.timeout, "no whole answer within the time limit")

    private static func collect(
        _ response: HTTPClientResponse, upTo limit: Int, cut: Bool
    ) async throws(Failure) -> [UInt8] {
        let tooLong = Failure(problem: RunProblem(.badAnswer, "the answer has more than \(limit) bytes"))
        if !cut, let length = response.headers.first(name: "content-length").flatMap({ Int($0) }), length > limit { throw tooLong }
        var bytes: [UInt8] = []
        do {
            // Leaving the loop early closes the connection: the rest is never read.
            for try await part in response.body {
                guard bytes.count + part.readableBytes <= limit else {
                    if cut { break }
                    throw tooLong
                }
                bytes.append(contentsOf: part.readableBytesView)
            }
        } catch let error as Failure {
            throw error
        } catch {
            throw failure(error, isBeforeAnswer: false)
        }
        // A cancelled body ends as if it were whole.
        if Task.isCancelled { throw Failure(problem: .cancelled) }
        return bytes
    }

    private static func problem(of response: HTTPClientResponse, _ body: [UInt8]) -> RunProblem? {
        let status = Int(response.status.code)
        switch status {
        case 200..<300: break
        case 300..<400:
            let place = response.headers.first(name: "location").map { " to \(Excerpt.text($0))" } ?? ""
            return RunProblem(.badAnswer, "status \(status): a redirect\(place), which is not followed; name the final URL")
        case 400..<600:
            let words = body.isEmpty ? "" : ": \(Excerpt.text(body, limit: 400))"
            return RunProblem(.agentError, "status \(status)\(words)")
        default: return RunProblem(.badAnswer, "status \(status), which is no status of an answer")
        }
        // An agent that does not say is taken at its word.
        guard let type = response.headers.first(name: "content-type") else { return nil }
        let name = type.prefix { $0 != ";" }.filter { !$0.isWhitespace }.lowercased()
        guard name == "application/json" || name.hasSuffix("+json") else {
            return RunProblem(.badAnswer, "content-type is \(Excerpt.text(type)), not application/json: \(Excerpt.text(body))")
        }
        return nil
    }

    private static func failure(_ error: any Error, isBeforeAnswer: Bool) -> Failure {
        if Task.isCancelled || error is CancellationError { return Failure(problem: .cancelled) }
        if let error = error as? HTTPClientError {
            switch error {
            case .deadlineExceeded, .getConnectionFromPoolTimeout, .readTimeout: return Failure(problem: timeout)
            case .cancelled, .requestStreamCancelled: return Failure(problem: .cancelled)
            default: break
            }
        }
        if (error as? HTTPParserError) == .invalidEOFState {
            return Failure(problem: RunProblem(.transport, "the connection broke within the answer"))
        }
        // What cannot be parsed was sent by someone: the agent has answered, with nonsense.
        if error is HTTPParserError {
            return Failure(problem: RunProblem(.badAnswer, "the answer is not HTTP: \(words(error))"))
        }
        guard isBeforeAnswer else {
            return Failure(problem: RunProblem(.transport, "the connection broke within the answer: \(words(error))"))
        }
        // Who is not trusted now will not be at the next try.
        if let words = TrustedAuthorities.words(error) { return Failure(problem: RunProblem(.transport, words)) }
        return Failure(problem: RunProblem(.transport, words(error)), isRetryable: true)
    }

    private static func words(_ error: any Error) -> String {
        if let error = error as? NIOConnectionError {
            if let first = error.connectionErrors.first { return words(first.error) }
            guard let lookup = error.dnsAError ?? error.dnsAAAAError else { return "cannot connect" }
            return "the host cannot be found: \(words(lookup))"
        }
        if let error = error as? IOError {
            let cause = String(cString: strerror(error.errnoCode))
            return error.errnoCode == ECONNREFUSED ? "nobody listens there (\(cause)); is the agent running?" : "the connection failed: \(cause)"
        }
        switch error as? HTTPClientError {
        case .remoteConnectionClosed?: return "the agent closed the connection without a whole answer"
        case .connectTimeout?: return "cannot connect: no answer"
        default: return Excerpt.escaped(String(String(describing: error).prefix(300)))
        }
    }
}

extension RunProblem {
    static let cancelled = RunProblem(.cancelled, "the replay was ended before the run was")
}

extension Duration {
    /// At most a century, which no clock overflows with.
    var clampedNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        return min(seconds, 3_000_000_000) * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}
