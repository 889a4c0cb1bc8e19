internal import AgentRuns
internal import LiveRuns
internal import NIOCore
internal import NIOHTTP1

/// One request on its way: decided, sent to an arm, answered, recorded. Everything happens on its event loop.
final class ProxiedRequest: UpstreamOwner {
    private enum Phase {
        /// The body is held back, because the sticky key may stand in it.
        case holding
        case connecting
        /// The arm has been sent something; from here on nobody else may be.
        case relaying
        case done
    }

    private let loop: LoopContext
    private let settings: SettingsInForce
    /// Held, since the network may take the connection away in the middle of any call; it lets go of the request when that is done.
    private let client: ClientConnection
    private let head: RequestHead
    private let log: RequestLog
    private var phase = Phase.holding
    private var route: Route?
    private var admitted: RunRole?
    private var connection: UpstreamConnection?
    /// What is gathered for the candidate's copy; nil when there is none, or when it is under way.
    private var shadow: ShadowPlan?
    private var pair: ShadowPair?

    /// Pieces of the body that the arm has not been sent yet.
    private var held: [ByteBuffer] = []
    private var heldBytes = 0
    /// Whether the client has sent all of the request.
    private(set) var hasEnded = false
    private var trailers: HTTPHeaders?
    private var bodyBytes = 0

    private var answerHasBegun = false
    private var answerIsDelimited = true
    /// Whether the client was told that its connection ends with this answer.
    private var saysClose = false
    private var hasRetried = false
    private var deadline = NIODeadline.distantFuture
    private var waitsFor = Wait.body

    /// What a deadline is about.
    private enum Wait {
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

    private func arm(of role: RunRole) -> SettingsInForce.Arm? {
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

    private func connect(fresh: Bool) {
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

    // MARK: the arm answers

    func upstreamSent(_ head: HTTPResponseHead) {
        var answer = AnswerHead(head)
        guard !answer.isCoded else {
            connection?.abort()
            return upstreamFailed(UpstreamFailure(kind: .badResponse, message: "the answer's transfer encoding is not just chunked"))
        }
        answerHasBegun = true
        log.answered(answer)
        let isHTTP11 = self.head.isHTTP11
        var isChunked = false
        if answer.status == .noContent {
            // Source: RFC 9110, section 8.6: no length where there can be no content.
        } else if let length = answer.contentLength {
            answer.add("content-length", length)
        } else if mayHaveBody(answer.status) {
            answerIsDelimited = isHTTP11
            isChunked = isHTTP11
            if isChunked { answer.add("transfer-encoding", "chunked") }
        }
        if settings.tellsRole {
            answer.add("x-outrigger-role", log.role.rawValue)
            if !answer.hasRequestID { answer.add("x-request-id", log.requestID) }
        }
        saysClose = !keepsClient
        if saysClose {
            answer.add("connection", "close")
        } else if !isHTTP11 {
            answer.add("connection", "keep-alive")
        }
        client.send(answer, isChunked: isChunked)
        setDeadline(.moreAnswer, settings.timeouts.responseBody)
    }

    private func mayHaveBody(_ status: HTTPResponseStatus) -> Bool {
        if case .HEAD = head.method { return false }
        return status.mayHaveResponseBody
    }

    func upstreamSent(_ body: ByteBuffer) {
        log.response.take(body)
        client.send(body)
    }

    func upstreamPaused() {
        client.flushSoon()
        guard case .relaying = phase else { return }
        if client.isWritable {
            if answerHasBegun { setDeadline(.moreAnswer, settings.timeouts.responseBody) }
            connection?.read()
        } else {
            setDeadline(.client, settings.timeouts.write)
        }
    }

    func upstreamBecameWritable() { client.readIfWanted() }

    func upstreamEnded(_ trailers: HTTPHeaders?) {
        client.end(trailers.map { HTTPHeaders(ForwardedHeaders.ofAnswer($0)) })
        leave((502...504).contains(log.status) ? .failed : .succeeded)
        connection = nil
        finish(keepsClient && !saysClose ? .keep : hasEnded ? .close : .linger)
    }

    func upstreamFailed(_ failure: UpstreamFailure) {
        connection = nil
        if !answerHasBegun, failure.wasReused, !hasRetried, bodyBytes == 0, hasEnded, head.method.isIdempotent {
            // The connection may just have grown too old; asking again does no harm.
            hasRetried = true
            phase = .connecting
            return connect(fresh: true)
        }
        leave(.failed)
        if answerHasBegun {
            end(.init(failure.kind.rawValue), failure.message, .abort)
        } else {
            refuse(.upstream(failure))
        }
    }

    /// Whether the client's connection can serve another request after this one.
    private var keepsClient: Bool { hasEnded && answerIsDelimited && head.head.isKeepAlive && !loop.isDraining }

    // MARK: ending

    private func refuse(_ refusal: Refusal) {
        if case .done = phase { return }
        log.failure = (refusal.type, refusal.cause ?? refusal.detail)
        log.refused(refusal.status)
        loop.counts.refused(refusal)
        let answer = refusal.answer(requestID: log.requestID, role: settings.tellsRole && log.arm != nil ? log.role : nil)
        client.send(answer.head)
        if head.method != .HEAD { client.send(answer.body) }
        client.end(nil)
        leave(.unknown)
        abortUpstream()
        finish(hasEnded ? .close : .linger)
    }

    /// Ends a request whose answer cannot be completed.
    private func end(_ type: FailureType, _ message: String, _ afterwards: ClientConnection.Afterwards = .abort) {
        if case .done = phase { return }
        log.failure = (type.word, message)
        leave(type == .clientGone ? .unknown : .failed)
        abortUpstream()
        finish(afterwards)
    }

    private func abortUpstream() {
        connection?.abort()
        connection = nil
    }

    private func leave(_ ending: ArmGate.Ending) {
        guard let role = admitted else { return }
        admitted = nil
        let breaker = arm(of: role)?.settings.breaker ?? BreakerSettings()
        loop.gate(of: role).leave(breaker, ending, now: loop.time.now)
    }

    private func finish(_ afterwards: ClientConnection.Afterwards) {
        if case .done = phase { return }
        phase = .done
        held = []
        log.ended = log.now
        shadow = nil
        loop.withdrawTools(log)
        loop.finished(log)
        pair?.served(log)
        client.finished(afterwards)
    }

    // MARK: time

    private func setDeadline(_ wait: Wait, _ time: TimeAmount) {
        waitsFor = wait
        deadline = loop.time.now + time
    }

    private func waitForAnswer() {
        if hasEnded { setDeadline(.answer, settings.timeouts.responseHeader) }
    }

    func expire(at now: NIODeadline) {
        guard now >= deadline else { return }
        if case .done = phase { return }
        deadline = .distantFuture
        switch waitsFor {
        case .body where answerHasBegun: end(.init("request_timeout"), "the request's body stopped arriving")
        case .body: refuse(.tooSlow)
        case .answer:
            leave(.failed)
            refuse(.answerTimeout)
        case .moreAnswer: end(.init("idle_timeout"), "the answer stopped arriving")
        case .client: end(.clientGone, "the client stopped taking its answer")
        }
    }
}

/// Why a request could not be completed, as a stable word.
struct FailureType: Hashable {
    var word: String

    init(_ word: String) { self.word = word }

    static let clientGone = FailureType("client_gone")
}

extension HTTPMethod {
    /// Source: RFC 9110, section 9.2.2.
    var isIdempotent: Bool {
        switch self {
        case .GET, .HEAD, .OPTIONS, .TRACE, .PUT, .DELETE: true
        default: false
        }
    }
}
