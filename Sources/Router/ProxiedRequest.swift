internal import AgentRuns
internal import LiveRuns
internal import NIOCore
internal import NIOHTTP1

/// One request on its way: decided, sent to an arm, answered, recorded. Everything happens on its event loop.
final class ProxiedRequest {
    enum Phase {
        /// The body is held back, because the sticky key may stand in it.
        case holding
        case connecting
        /// The arm has been sent something; from here on nobody else may be.
        case relaying
        case done
    }

    let loop: LoopContext
    let settings: SettingsInForce
    /// Held, since the network may take the connection away in the middle of any call; it lets go of the request when that is done.
    let client: ClientConnection
    let head: RequestHead
    let log: RequestLog
    var phase = Phase.holding
    private var route: Route?
    var admitted: RunRole?
    var connection: UpstreamConnection?
    /// What is gathered for the candidate's copy; nil when there is none, or when it is under way.
    var shadow: ShadowPlan?
    var pair: ShadowPair?

    /// Pieces of the body that the arm has not been sent yet.
    var held: [ByteBuffer] = []
    private var heldBytes = 0
    /// Whether the client has sent all of the request.
    private(set) var hasEnded = false
    var trailers: HTTPHeaders?
    var bodyBytes = 0

    var answerHasBegun = false
    var answerIsDelimited = true
    /// Whether the client was told that its connection ends with this answer.
    var saysClose = false
    var hasRetried = false
    var deadline = NIODeadline.distantFuture
    var waitsFor = Wait.body

    /// What a deadline is about.
    enum Wait {
        case body, answer, moreAnswer, client
    }

    init(_ head: RequestHead, client: ClientConnection, loop: LoopContext) {
        self.head = head
        self.client = client
        self.loop = loop
        settings = loop.settings
        log = RequestLog(head, peer: client.peer, loop: loop)
    }

    // MARK: deciding

    func begin() {
        if let refusal = RequestCheck.problem(with: head) { return refuse(refusal) }
        if let limit = settings.limits.bodyBytes, let length = head.contentLength.first.flatMap({ Int($0) }), length > limit {
            return refuse(.bodyTooLarge)
        }
        if head.expect?.equalsASCII("100-continue") ?? false, head.isHTTP11 {
            client.send(HTTPResponseHead(version: .http1_1, status: .continue))
            client.flush()
            // A write that fails ends the connection, and so the request, before it returns.
            if case .done = phase { return }
        }
        setDeadline(.body, settings.timeouts.requestBody)
        guard !loop.needsBody(head) else { return }
        decide(body: nil)
    }

    private func decide(body: [ByteBuffer]?) {
        let route = loop.route(head, requestID: log.requestID, body: body)
        self.route = route
        if route.copies, let candidate = settings.candidate {
            shadow = ShadowPlan(candidate: candidate, limit: settings.shadow.bodyBytes)
        }
        loop.counts.decided(route)
        go(to: route.role)
    }

    private func go(to role: RunRole) {
        guard let route else { return }
        guard let arm = self.arm(of: role) else {
            return fallBack(from: role, "no_candidate", or: .unavailable("no_candidate", "no candidate is configured", retryAfter: 30))
        }
        log.begin(route, role: role, arm)
        switch loop.gate(of: role).enter(arm.settings, now: loop.time.now) {
        case .admitted: break
        case .overloaded:
            return fallBack(
                from: role, "overloaded", or: .unavailable("overloaded", "the agent is at its limit of \(arm.settings.maximumConcurrency) requests at once", retryAfter: 1))
        case .open(let wait):
            let seconds = Int((wait.nanoseconds + 999_999_999) / 1_000_000_000)
            return fallBack(from: role, "circuit_open", or: .unavailable("circuit_open", "the agent failed too often and is left alone", retryAfter: seconds))
        case .unhealthy: return fallBack(from: role, "unhealthy", or: .unavailable("unhealthy", "the agent fails its health checks", retryAfter: 1))
        }
        admitted = role
        phase = .connecting
        connect(fresh: false)
    }

    func arm(of role: RunRole) -> SettingsInForce.Arm? {
        switch role {
        case .baseline: settings.baseline
        case .candidate: settings.candidate
        }
    }

    /// The candidate cannot have it, and has been sent nothing: the baseline answers, and the run is marked.
    private func fallBack(from role: RunRole, _ reason: String, or refusal: Refusal) {
        guard case .candidate = role else { return refuse(refusal) }
        loop.counts.fellBack(reason)
        log.fallback = reason
        shadow = nil
        go(to: .baseline)
    }

    // MARK: connecting

    func connect(fresh: Bool) {
        guard let role = admitted else { return }
        let pool = loop.pool(of: role)
        // The usual case makes no closure.
        if !fresh, let connection = pool.takeIdle() { return connected(.success(connection), to: role) }
        pool.connect { [self] result in connected(result, to: role) }
    }

    private func connected(_ result: Result<UpstreamConnection, UpstreamFailure>, to role: RunRole) {
        switch result {
        case .success(let connection):
            guard case .connecting = phase else { return loop.pool(of: role).putBack(connection) }
            guard isBinding(role) else {
                // A rollback came between the decision and now.
                loop.pool(of: role).putBack(connection)
                leave(.unknown)
                return fallBack(from: role, "rolled_back", or: .answerTimeout)
            }
            relay(by: connection)
        case .failure(let failure):
            guard case .connecting = phase else { return }
            leave(.failed)
            fallBack(from: role, failure.kind.rawValue, or: .upstream(failure))
        }
    }

    /// Whether the decision for an arm still stands: that for the baseline always does.
    private func isBinding(_ role: RunRole) -> Bool {
        switch role {
        case .baseline: true
        case .candidate: loop.isCurrent(route)
        }
    }

    private func relay(by connection: UpstreamConnection) {
        self.connection = connection
        phase = .relaying
        log.sent = log.now
        if let route { loop.offerTools(log, route) }
        connection.begin(for: self)
        connection.send(log, routing: loop.routingHeaders)
        for buffer in held { connection.send(buffer) }
        held = []
        heldBytes = 0
        if hasEnded {
            connection.end(trailers)
            copyToShadow()
        }
        // While the client's bytes are being handed over, more of the request may come at once: one write takes it all then.
        if !client.isHandingOver { connection.flush(by: loop.flushes) }
        guard case .relaying = phase else { return }
        connection.read()
        waitForAnswer()
        client.readIfWanted()
    }

    /// The baseline has all of the request: the candidate is given its copy.
    private func copyToShadow() {
        guard let shadow, let route else { return }
        pair = loop.shadow.take(shadow, of: log, trailers, route)
        self.shadow = nil
    }

    // MARK: the client sends

    /// Whether a further piece of the body has a place.
    var takesBody: Bool {
        switch phase {
        case .holding: true
        case .connecting: heldBytes < 64 << 10
        case .relaying: connection?.isWritable ?? false
        case .done: false
        }
    }

    func clientSent(_ buffer: ByteBuffer) {
        bodyBytes += buffer.readableBytes
        if let limit = settings.limits.bodyBytes, bodyBytes > limit { return clientBrokeOff(.bodyTooLarge) }
        log.request.take(buffer)
        shadow?.take(buffer)
        switch phase {
        case .holding, .connecting:
            held.append(buffer)
            heldBytes += buffer.readableBytes
            if case .holding = phase, heldBytes > settings.limits.keyBodyBytes { decide(body: nil) }
        case .relaying: connection?.send(buffer)
        case .done: break
        }
        if case .body = waitsFor { setDeadline(.body, settings.timeouts.requestBody) }
    }

    func clientEnded(_ trailers: HTTPHeaders?) {
        hasEnded = true
        self.trailers = trailers.map { HTTPHeaders(ForwardedHeaders.ofRequest($0, routing: loop.routingHeaders)) }
        switch phase {
        case .holding: decide(body: held)
        case .relaying:
            connection?.end(self.trailers)
            copyToShadow()
            if !answerHasBegun { waitForAnswer() }
        case .connecting, .done: break
        }
    }

    /// What was read at once has been handed over.
    func clientPaused() {
        if case .relaying = phase { connection?.flush(by: loop.flushes) }
    }

    func clientBecameWritable() {
        guard case .relaying = phase else { return }
        if answerHasBegun { setDeadline(.moreAnswer, settings.timeouts.responseBody) }
        connection?.read()
    }

    /// The client is gone: nobody waits for the answer, so the arm is told.
    func clientLeft() { end(.clientGone, "the client closed the connection") }

    /// What the client sends is no request any more.
    func clientBrokeOff(_ refusal: Refusal) {
        if answerHasBegun { return end(.clientGone, refusal.detail, .abort) }
        refuse(refusal)
    }
}

/// Why a request could not be completed, as a stable word.
struct FailureType: Hashable {
    var word: String

    init(_ word: String) { self.word = word }

    static let clientGone = FailureType("client_gone")
}

extension HTTPMethod {
    /// As it stands in a request: the parser's name for M-SEARCH is not what was sent.
    var token: String {
        if case .MSEARCH = self { return "M-SEARCH" }
        return rawValue
    }

    /// Source: RFC 9110, section 9.2.2.
    var isIdempotent: Bool {
        switch self {
        case .GET, .HEAD, .OPTIONS, .TRACE, .PUT, .DELETE: true
        default: false
        }
    }
}
