public import AgentRuns
internal import Glibc
public import LiveRuns
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
public import RolloutControl
internal import Synchronization

/// The proxy in the request path: listens, decides for each request which arm answers, and hands over what happened.
///
/// Its connections live on event loops; a request never leaves the one it came in on, and so meets no lock but the arms'
/// gates. A change of the rollout is in force on all of them when ``apply(_:)`` returns.
public final class DataPlane: Sendable {
    let gates = ArmGates()
    let sampler: @Sendable (UInt64, Bool?) -> Bool
    let record: @Sendable (consuming Exchange) -> Void
    let tools: ToolOffer?
    private let group: MultiThreadedEventLoopGroup
    private let state: Mutex<State>
    private let openConnections = Atomic<Int>(0)

    private struct State: Sendable {
        var settings: ProxySettings
        var tls: UpstreamTLS
        var loops: [NIOLoopBound<LoopContext>] = []
        var listener: (any Channel)?
        var healthChecks: [HealthChecker] = []
    }

    /// - Parameters:
    ///   - threads: event loops; as many as there are cores is right.
    ///   - sampler: whether a trace of such randomness (56 bits) is sampled, given what the caller decided.
    ///   - tools: what agents are told of the tool gateway; nil where there is none.
    ///   - record: takes what is done, on an event loop: must not block.
    public init(
        _ settings: ProxySettings, threads: Int, sampler: @escaping @Sendable (UInt64, Bool?) -> Bool,
        tools: ToolOffer? = nil, record: @escaping @Sendable (consuming Exchange) -> Void
    ) throws {
        self.sampler = sampler
        self.record = record
        self.tools = tools
        group = MultiThreadedEventLoopGroup(numberOfThreads: max(1, threads))
        state = Mutex(State(settings: settings, tls: try UpstreamTLS(settings)))
    }

    var settings: ProxySettings { state.withLock { $0.settings } }
    var tls: UpstreamTLS { state.withLock { $0.tls } }

    // MARK: life

    /// Listens, and returns when connections are taken.
    ///
    /// - Parameter rollout: what is in force until ``apply(_:)``.
    /// - Returns: the port, which is chosen by the system if `port` is 0.
    /// - Throws: what the operating system says against it.
    public func start(host: String, port: Int, rollout: RolloutSnapshot) async throws -> Int {
        var loops: [NIOLoopBound<LoopContext>] = []
        for loop in group.makeIterator() {
            loops.append(
                try await loop.submit { NIOLoopBound(LoopContext(loop, self, rollout), eventLoop: loop) }.get())
        }
        state.withLock { $0.loops = loops }
        let contexts = loops
        let channel = try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 4096)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try self.configure(channel, contexts) }
            }
            .bind(host: host, port: port).get()
        state.withLock { $0.listener = channel }
        restartHealthChecks()
        guard let port = channel.localAddress?.port else { throw ChannelError.unknownLocalAddress }
        return port
    }

    private func configure(_ channel: any Channel, _ contexts: [NIOLoopBound<LoopContext>]) throws {
        guard let context = contexts.first(where: { $0.eventLoop === channel.eventLoop })?.value else {
            throw ChannelError.ioOnClosedChannel
        }
        let open = openConnections.add(1, ordering: .relaxed).newValue
        channel.closeFuture.whenComplete { [self] _ in openConnections.subtract(1, ordering: .relaxed) }
        let limits = context.settings.limits
        guard open <= limits.connections else {
            context.counts.refused(.unavailable("too_many_connections", "", retryAfter: 1))
            throw ChannelError.ioOnClosedChannel
        }
        let connection = ClientConnection(context, peer: channel.remoteAddress)
        let pipeline = channel.pipeline.syncOperations
        var decoder = NIOHTTPDecoderLimitConfiguration()
        decoder.maxHeaderListSize = limits.headerBytes
        decoder.maxHeaderFieldSize = limits.headerBytes
        decoder.maxHeaderFieldCount = limits.headerCount
        try pipeline.addHandler(
            MessageReader(
                .requests(HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes, limitConfiguration: decoder)), time: context.time,
                longestField: limits.headerBytes, of: connection))
        try pipeline.addHandler(connection)
    }

    /// Puts a rollout in force: when this returns, no event loop decides by the one before, and no request that was decided
    /// by it goes to a candidate that a rollback took away. Must not be called from an event loop.
    public func apply(_ rollout: RolloutSnapshot) {
        let done = state.withLock { $0.loops }.map { context in
            context.eventLoop.submit { context.value.apply(rollout) }
        }
        for future in done { try? future.wait() }
    }

    /// Puts new settings in force; requests under way keep theirs.
    ///
    /// - Throws: what the TLS library says against them; the old ones stay.
    public func apply(_ settings: ProxySettings) throws {
        let tls = try UpstreamTLS(settings)
        let loops = state.withLock { state in
            state.settings = settings
            state.tls = tls
            return state.loops
        }
        for context in loops { context.eventLoop.execute { context.value.apply(settings, tls: tls) } }
        restartHealthChecks()
    }

    /// Asks for the end of every connection after its next answer; new ones are still taken.
    public func drain() async {
        for context in loops { try? await context.eventLoop.submit { context.value.drain() }.get() }
    }

    /// What a stop did not wait for any longer.
    public struct CutOff: Sendable {
        /// Clients that had not been given all of an answer that they were owed.
        public var answers = 0
        /// Copies for the candidate, for which nobody waits.
        public var copies = 0
    }

    /// Takes no more connections, lets what is under way finish, and ends what is not done by then.
    public func stop(within bound: Duration) async -> CutOff {
        await drain()
        let (listener, checks) = state.withLock { state in
            defer { state.healthChecks = [] }
            return (state.listener, state.healthChecks)
        }
        for check in checks { check.stop() }
        try? await listener?.close().get()
        let deadline = ContinuousClock.now + bound
        var left = 0
        repeat {
            left = 0
            for context in loops {
                left += (try? await context.eventLoop.submit {
                    context.value.closeIdleConnections()
                    return context.value.openConnections + context.value.shadow.unfinished
                }.get()) ?? 0
            }
            if left == 0 { break }
            try? await Task.sleep(for: .milliseconds(20))
        } while ContinuousClock.now < deadline
        var cutOff = CutOff()
        for context in loops {
            let cut = try? await context.eventLoop.submit {
                defer { context.value.closeAll() }
                return CutOff(answers: context.value.answersOwed, copies: context.value.shadow.unfinished)
            }.get()
            cutOff.answers += cut?.answers ?? 0
            cutOff.copies += cut?.copies ?? 0
        }
        try? await group.shutdownGracefully()
        return cutOff
    }

    private var loops: [NIOLoopBound<LoopContext>] { state.withLock { $0.loops } }

    // MARK: what it sees

    public func counts() async -> ProxyCounts {
        var sum = ProxyCounts()
        for context in loops {
            if let counts = try? await context.eventLoop.submit({ context.value.counts }).get() { sum.add(counts) }
        }
        return sum
    }

    /// How an arm is.
    public struct ArmStatus: Sendable {
        /// Requests under way.
        public var inFlight: Int
        public var isHealthy: Bool
        /// Whether it failed so often that it is left alone.
        public var circuitIsOpen: Bool
    }

    public func status(of role: RunRole) -> ArmStatus {
        let status = (role == .baseline ? gates.baseline : gates.candidate).status
        return ArmStatus(inFlight: status.inFlight, isHealthy: status.isHealthy, circuitIsOpen: status.isOpen)
    }

    private func restartHealthChecks() {
        let settings = settings
        let tls = tls
        var checks: [HealthChecker] = []
        for (arm, gate, role) in [(settings.baseline, gates.baseline, RunRole.baseline), (settings.candidate, gates.candidate, .candidate)] {
            guard let arm, let health = arm.health else { continue }
            checks.append(HealthChecker(arm, health, gate, settings, on: group.next(), tls: tls.context(of: role)))
        }
        let old = state.withLock { state in
            defer { state.healthChecks = checks }
            return state.healthChecks
        }
        for check in old { check.stop() }
        for check in checks { check.start() }
    }
}
