internal import AgentRuns
internal import LiveRuns
internal import NIOCore
internal import Rollout
internal import RolloutControl
internal import ToolGateway

/// What the data plane has on one event loop. Requests stay on theirs from first to last byte, so nothing here is locked.
final class LoopContext {
    let eventLoop: any EventLoop
    let ticker: DeadlineTicker
    let flushes: FlushQueue
    let time: LoopTime
    private(set) var settings: SettingsInForce
    private(set) var isDraining = false
    var counts = ProxyCounts()
    var random = LoopRandom()

    private var rollout: RolloutInForce
    private let gates: ArmGates
    private var baseline: UpstreamPool
    private var candidate: UpstreamPool?
    private var connections: [ObjectIdentifier: ClientConnection] = [:]
    private let sampler: @Sendable (UInt64, Bool?) -> Bool
    private let record: @Sendable (consuming Exchange) -> Void
    private let tools: ToolOffer?
    private(set) lazy var shadow = ShadowLane(self)

    init(_ eventLoop: any EventLoop, _ plane: DataPlane, _ rollout: RolloutSnapshot) {
        self.eventLoop = eventLoop
        ticker = DeadlineTicker(eventLoop)
        flushes = FlushQueue(eventLoop)
        let settings = plane.settings
        self.settings = SettingsInForce(settings)
        gates = plane.gates
        sampler = plane.sampler
        record = plane.record
        tools = plane.tools
        self.rollout = RolloutInForce(rollout)
        let time = LoopTime()
        self.time = time
        let tls = plane.tls
        baseline = UpstreamPool(settings.baseline.upstream, eventLoop, settings, tls: tls.context(of: .baseline), time: time)
        candidate = settings.candidate.map {
            UpstreamPool($0.upstream, eventLoop, settings, tls: tls.context(of: .candidate), time: time)
        }
        ticker.watch(baseline)
        if let candidate { ticker.watch(candidate) }
    }

    // MARK: connections

    func opened(_ connection: ClientConnection) {
        connections[ObjectIdentifier(connection)] = connection
        ticker.watch(connection)
        counts.connectionsOpened += 1
    }

    /// May be told more than once.
    func closed(_ connection: ClientConnection) {
        guard connections.removeValue(forKey: ObjectIdentifier(connection)) != nil else { return }
        ticker.forget(connection)
        counts.connectionsClosed += 1
    }

    var openConnections: Int { connections.count }

    /// How many clients wait for an answer, or for the rest of one.
    var answersOwed: Int { connections.values.count { $0.owesAnswer } }

    /// From now on every answer closes its connection.
    func drain() { isDraining = true }

    func closeIdleConnections() {
        for connection in connections.values { connection.closeIfIdle() }
    }

    func closeAll() {
        for connection in connections.values { connection.closeNow() }
        shadow.dropWaiting()
        baseline.retire()
        candidate?.retire()
        ticker.stop()
    }

    // MARK: arms

    // By cases, since `==` compares the words that the roles are written as.

    func gate(of role: RunRole) -> ArmGate {
        switch role {
        case .baseline: gates.baseline
        case .candidate: gates.candidate
        }
    }

    func pool(of role: RunRole) -> UpstreamPool {
        switch role {
        case .baseline: baseline
        case .candidate: candidate ?? baseline
        }
    }

    /// New settings; requests under way keep theirs.
    func apply(_ settings: ProxySettings, tls: UpstreamTLS) {
        self.settings = SettingsInForce(settings)
        retire(baseline)
        baseline = UpstreamPool(settings.baseline.upstream, eventLoop, settings, tls: tls.context(of: .baseline), time: time)
        ticker.watch(baseline)
        if let candidate { retire(candidate) }
        candidate = settings.candidate.map {
            UpstreamPool($0.upstream, eventLoop, settings, tls: tls.context(of: .candidate), time: time)
        }
        if let candidate { ticker.watch(candidate) }
    }

    private func retire(_ pool: UpstreamPool) {
        ticker.forget(pool)
        pool.retire()
    }

    // MARK: the rollout

    func apply(_ rollout: RolloutSnapshot) {
        // What was decided by the rollout before leaves before the new one is in force, and not after it was said to be.
        flushes.flushAll()
        self.rollout = RolloutInForce(rollout)
    }

    /// Names of the headers that decide on the arm, in lower case.
    var routingHeaders: [String] { rollout.headerNames }

    /// Whether the sticky key may stand in this request's body, and nothing before it decides.
    func needsBody(_ head: RequestHead) -> Bool {
        guard rollout.readsBodies, head.contentType.map(MediaType.isJSON) ?? false else { return false }
        return rollout.snapshot.policy.needsBody(of: HeadInputs(head), in: rollout.snapshot.state)
    }

    func route(_ head: RequestHead, requestID: String, body: [ByteBuffer]?) -> Route {
        Route(rollout.snapshot, HeadInputs(head, requestID: requestID, body: body))
    }

    /// Whether no rollback has come since the decision.
    func isCurrent(_ route: Route?) -> Bool { route?.epoch == rollout.snapshot.state.epoch }

    // MARK: traces

    func traceContext(of head: RequestHead, requestID: String) -> Exchange.TraceContext {
        let inbound = head.traceContext
        let traceID = inbound?.traceID ?? random.traceID()
        let randomness: UInt64
        let traceState: String?
        if let inbound {
            traceState = inbound.traceState
            randomness = TraceState.randomness(of: traceID, traceState)
        } else {
            randomness = TraceState.randomness(ofRequest: requestID)
            traceState = TraceState.beginning(withRandomness: randomness)
        }
        let isSampled = sampler(randomness, inbound?.isSampled)
        return Exchange.TraceContext(
            traceID: traceID, parentSpanID: inbound?.parentID, parentIsSampled: inbound?.isSampled,
            flags: isSampled ? (inbound?.flags ?? 2) | 1 : (inbound?.flags ?? 2) & ~1, traceState: traceState,
            serverSpanID: random.spanID(), clientSpanID: random.spanID(), runSpanID: random.spanID(), isSampled: isSampled)
    }

    /// A trace of its own for a copy, which is sampled as the served one is.
    func shadowContext(of served: Exchange.TraceContext) -> Exchange.TraceContext {
        Exchange.TraceContext(
            traceID: random.traceID(), parentSpanID: nil, parentIsSampled: nil, flags: served.flags | 2,
            traceState: TraceState.copying(served.traceID, served.traceState),
            serverSpanID: random.spanID(), clientSpanID: random.spanID(), runSpanID: random.spanID(), isSampled: served.isSampled)
    }

    // MARK: tools

    /// Gives a run that is about to begin the right to call tools.
    func offerTools(_ log: RequestLog, _ route: Route) {
        if let tools { log.begin(tools, route) }
    }

    /// The agent has answered, or will not any more.
    func withdrawTools(_ log: RequestLog) {
        if let run = log.toolRun { tools?.runs.end(run) }
    }

    // MARK: the end of a request

    func finished(_ log: RequestLog, pairedWith served: Exchange.ServedAnswer? = nil) {
        counts.finished(log)
        record(log.exchange(pairedWith: served))
    }
}

/// Both arms' gates, which all event loops share.
struct ArmGates: Sendable {
    let baseline = ArmGate()
    let candidate = ArmGate()
}

/// Ids of an event loop: seeded by the system, then made without asking it again. They name things and guard nothing.
///
/// Source: Sebastiano Vigna, "xoshiro256++".
struct LoopRandom: RandomNumberGenerator {
    private var s: (UInt64, UInt64, UInt64, UInt64)

    init() {
        var system = SystemRandomNumberGenerator()
        s = (system.next(), system.next(), system.next(), system.next() | 1)
    }

    mutating func next() -> UInt64 {
        let sum = s.0 &+ s.3
        let result = (sum << 23 | sum >> 41) &+ s.0
        let t = s.1 << 17
        s.2 ^= s.0
        s.3 ^= s.1
        s.1 ^= s.2
        s.0 ^= s.3
        s.2 ^= t
        s.3 = s.3 << 45 | s.3 >> 19
        return result
    }

    mutating func traceID() -> TraceID { TraceID(high: next(), low: next()) }
    mutating func spanID() -> SpanID { SpanID(next()) }
    /// 32 hex digits.
    mutating func requestID() -> String { traceID().hex }
}
