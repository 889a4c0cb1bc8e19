internal import AgentRuns
internal import LiveRuns
internal import NIOCore
internal import NIOHTTP1

/// A request's body, gathered as it passes to the baseline.
struct ShadowPlan {
    let candidate: SettingsInForce.Arm
    private let limit: Int
    private(set) var body: [ByteBuffer] = []
    private(set) var bytes = 0

    init(candidate: SettingsInForce.Arm, limit: Int) {
        self.candidate = candidate
        self.limit = limit
    }

    var isTooLarge: Bool { bytes > limit }

    mutating func take(_ buffer: ByteBuffer) {
        bytes += buffer.readableBytes
        if isTooLarge { body = [] } else { body.append(buffer) }
    }
}

/// The copies of one event loop: so many at once, so many that wait, and the rest dropped and counted. The user's request
/// never waits for any of them.
final class ShadowLane {
    private unowned let loop: LoopContext
    /// Copies under way.
    private(set) var running = 0
    private var waiting = CircularBuffer<ShadowCopy>()

    /// Copies that are under way or wait.
    var unfinished: Int { running + waiting.count }

    init(_ loop: LoopContext) { self.loop = loop }

    /// Starts a copy, or lets it wait.
    ///
    /// - Returns: what wants to know the served answer; nil when the copy was dropped.
    func take(_ plan: ShadowPlan, of log: RequestLog, _ trailers: HTTPHeaders?, _ route: Route) -> ShadowPair? {
        let settings = loop.settings.shadow
        guard !plan.isTooLarge else { return drop("body_too_large") }
        guard !loop.isDraining else { return drop("draining") }
        guard running < settings.maximumConcurrency || waiting.count < settings.queue else { return drop("queue_full") }
        let copy = ShadowCopy(plan, of: log, trailers, route, loop)
        loop.counts.shadowsTaken += 1
        if running < settings.maximumConcurrency {
            running += 1
            copy.start()
        } else {
            waiting.append(copy)
        }
        return copy.pair
    }

    private func drop(_ reason: String) -> ShadowPair? {
        loop.counts.droppedShadow(reason)
        return nil
    }

    /// Lets go of those that wait: nothing more is sent.
    func dropWaiting() {
        for _ in waiting { loop.counts.droppedShadow("draining") }
        waiting.removeAll()
    }

    /// A copy is done, or will never be sent.
    func ended() {
        running -= 1
        guard let next = waiting.popFirst() else { return }
        running += 1
        next.start()
    }
}

/// Brings the served answer and the candidate's together, whichever comes first.
final class ShadowPair {
    private unowned let loop: LoopContext
    private var served: Exchange.ServedAnswer?
    private var hasServed = false
    private var copy: RequestLog?

    init(_ loop: LoopContext) { self.loop = loop }

    func served(_ log: RequestLog) {
        hasServed = true
        served = log.servedAnswer
        recordIfComplete()
    }

    func copied(_ log: RequestLog) {
        copy = log
        recordIfComplete()
    }

    private func recordIfComplete() {
        guard hasServed, let copy else { return }
        self.copy = nil
        loop.finished(copy, pairedWith: served)
    }
}

/// A copy of a user's request on its way to the candidate. Nobody waits for it; its answer is recorded and compared.
final class ShadowCopy: UpstreamOwner, Expiring {
    let pair: ShadowPair
    private let loop: LoopContext
    private let plan: ShadowPlan
    private let trailers: HTTPHeaders?
    private let route: Route
    private let log: RequestLog
    private var connection: UpstreamConnection?
    private var isAdmitted = false
    private var isDone = false
    private var deadline = NIODeadline.distantFuture

    init(_ plan: ShadowPlan, of log: RequestLog, _ trailers: HTTPHeaders?, _ route: Route, _ loop: LoopContext) {
        self.plan = plan
        self.trailers = trailers
        self.route = route
        self.loop = loop
        self.log = RequestLog(copying: log, to: plan.candidate, loop: loop)
        pair = ShadowPair(loop)
    }

    func start() {
        log.received = log.now
        guard loop.isCurrent(route) else { return drop("rolled_back") }
        switch loop.gate(of: .candidate).enter(plan.candidate.settings, now: loop.time.now) {
        case .admitted: isAdmitted = true
        case .overloaded: return drop("overloaded")
        case .open: return drop("circuit_open")
        case .unhealthy: return drop("unhealthy")
        }
        deadline = loop.time.now + loop.settings.timeouts.shadow
        loop.ticker.watch(self)
        loop.pool(of: .candidate).acquire { [self] result in
            switch result {
            case .success(let connection):
                guard !isDone, loop.isCurrent(route) else {
                    loop.pool(of: .candidate).putBack(connection)
                    if !isDone { end(.unknown, dropping: "rolled_back") }
                    return
                }
                send(by: connection)
            case .failure(let failure): fail(failure.kind.rawValue, failure.message)
            }
        }
    }

    private func send(by connection: UpstreamConnection) {
        self.connection = connection
        log.sent = log.now
        loop.offerTools(log, route)
        connection.begin(for: self)
        connection.send(log, routing: loop.routingHeaders)
        for buffer in plan.body { connection.send(buffer) }
        connection.end(trailers)
        connection.flush(by: loop.flushes)
        connection.read()
    }

    func upstreamSent(_ head: HTTPResponseHead) {
        let answer = AnswerHead(head)
        // No user would be given it: it is not compared as if one could be.
        if let failure = answer.failure {
            connection?.abort()
            return upstreamFailed(failure)
        }
        log.answered(answer)
    }

    func upstreamSent(_ body: ByteBuffer) { log.response.take(body) }
    func upstreamPaused() { connection?.read() }
    func upstreamBecameWritable() {}

    func upstreamEnded(_ trailers: HTTPHeaders?) {
        connection = nil
        end((502...504).contains(log.status) ? .failed : .succeeded)
    }

    func upstreamFailed(_ failure: UpstreamFailure) {
        connection = nil
        fail(failure.kind.rawValue, failure.message)
    }

    func expire(at now: NIODeadline) {
        if now >= deadline { fail("timeout", "the copy took longer than a shadow may") }
    }

    private func fail(_ type: String, _ message: String) {
        log.failure = (type, message)
        end(.failed)
    }

    /// The copy was never sent: nothing ran, so there is nothing to record.
    private func drop(_ reason: String) {
        isDone = true
        loop.counts.droppedShadow(reason)
        // Not from within the lane's own call.
        loop.eventLoop.assumeIsolated().execute { [loop] in loop.shadow.ended() }
    }

    private func end(_ ending: ArmGate.Ending, dropping reason: String? = nil) {
        guard !isDone else { return }
        isDone = true
        loop.ticker.forget(self)
        loop.withdrawTools(log)
        connection?.abort()
        connection = nil
        loop.gate(of: .candidate).leave(plan.candidate.settings.breaker, ending, now: loop.time.now)
        if let reason {
            loop.counts.droppedShadow(reason)
        } else {
            log.ended = log.now
            loop.counts.shadowsDone += 1
            pair.copied(log)
        }
        loop.shadow.ended()
    }
}
