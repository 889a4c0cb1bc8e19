internal import NIOCore
internal import NIOHTTP1
internal import NIOSSL

/// Asks an arm again and again whether it lives, and tells its gate.
final class HealthChecker: Sendable {
    private let probe: NIOLoopBoundBox<HealthProbe?>
    private let eventLoop: any EventLoop
    private let arm: ArmSettings
    private let health: HealthCheckSettings
    private let gate: ArmGate
    private let settings: ProxySettings
    private let tls: NIOSSLContext?

    init(
        _ arm: ArmSettings, _ health: HealthCheckSettings, _ gate: ArmGate, _ settings: ProxySettings, on eventLoop: any EventLoop,
        tls: NIOSSLContext?
    ) {
        self.arm = arm
        self.health = health
        self.gate = gate
        self.settings = settings
        self.eventLoop = eventLoop
        self.tls = tls
        probe = .makeEmptyBox(eventLoop: eventLoop)
    }

    func start() {
        eventLoop.execute { [self] in
            let pool = UpstreamPool(arm.upstream, eventLoop, settings, tls: tls)
            probe.value = HealthProbe(pool, health, gate, eventLoop)
            probe.value?.start()
        }
    }

    func stop() {
        eventLoop.execute { [self] in
            probe.value?.stop()
            probe.value = nil
        }
    }
}

/// The requests of a ``HealthChecker``, on its event loop: each on a connection of its own, so that an old one says nothing.
private final class HealthProbe: UpstreamOwner {
    private let pool: UpstreamPool
    private let health: HealthCheckSettings
    private let gate: ArmGate
    private let eventLoop: any EventLoop
    private var connection: UpstreamConnection?
    private var isOK = false
    private var isStopped = false
    /// Which check is under way; nil between two.
    private var running: Int?
    private var number = 0

    init(_ pool: UpstreamPool, _ health: HealthCheckSettings, _ gate: ArmGate, _ eventLoop: any EventLoop) {
        self.pool = pool
        self.health = health
        self.gate = gate
        self.eventLoop = eventLoop
    }

    func start() {
        guard !isStopped else { return }
        number += 1
        running = number
        isOK = false
        eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(health.timeout)) { [self, number] in
            if running == number { finish(passed: false) }
        }
        pool.acquire(fresh: true) { [self, number] result in
            guard running == number, case .success(let connection) = result else {
                if case .success(let connection) = result { connection.abort() }
                if running == number { finish(passed: false) }
                return
            }
            self.connection = connection
            connection.begin(for: self)
            let headers = HTTPHeaders([
                ("host", pool.upstream.authority), ("user-agent", "outrigger-health"), ("connection", "close"),
            ])
            connection.send(
                HTTPRequestHead(version: .http1_1, method: .GET, uri: pool.upstream.basePath + health.path, headers: headers))
            connection.end(nil)
            connection.flush()
            connection.read()
        }
    }

    func stop() {
        isStopped = true
        running = nil
        connection?.abort()
        connection = nil
        pool.retire()
    }

    private func finish(passed: Bool) {
        running = nil
        connection?.abort()
        connection = nil
        guard !isStopped else { return }
        _ = gate.check(passed: passed, health)
        eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(health.interval)) { [self] in start() }
    }

    func upstreamSent(_ head: HTTPResponseHead) { isOK = (200..<400).contains(head.status.code) }
    func upstreamSent(_ body: ByteBuffer) {}
    func upstreamPaused() { connection?.read() }
    func upstreamBecameWritable() {}

    func upstreamEnded(_ trailers: HTTPHeaders?) {
        // Closed also where the agent keeps it: nobody else uses it.
        finish(passed: isOK)
    }

    func upstreamFailed(_ failure: UpstreamFailure) {
        connection = nil
        finish(passed: false)
    }
}
