public import AgentRuns
internal import LiveRuns

/// What the data plane counted. Sums over the event loops are exact.
public struct ProxyCounts: Sendable {
    public struct Requests: Hashable, Sendable {
        public var role: RunRole
        public var mode: RunMode
        /// 0 where no answer was sent.
        public var status: Int

        // Each request looks these up, and of a role and a mode the derived ones would hash and compare the words.

        public static func == (a: Requests, b: Requests) -> Bool { a.code == b.code && a.status == b.status }

        public func hash(into hasher: inout Hasher) { hasher.combine(UInt64(code) << 32 ^ UInt64(truncatingIfNeeded: status)) }

        private var code: UInt8 { armCode(role, mode) }
    }

    public struct Decision: Hashable, Sendable {
        public var role: RunRole
        public var mode: RunMode
        public var reason: String

        public static func == (a: Decision, b: Decision) -> Bool { a.code == b.code && a.reason == b.reason }

        public func hash(into hasher: inout Hasher) {
            hasher.combine(code)
            hasher.combine(reason)
        }

        private var code: UInt8 { armCode(role, mode) }
    }

    public internal(set) var requests: [Requests: Int] = [:]
    public internal(set) var decisions: [Decision: Int] = [:]
    public internal(set) var failures: [String: Int] = [:]
    public internal(set) var refusals: [String: Int] = [:]
    public internal(set) var fallbacks: [String: Int] = [:]
    /// Seconds from the request's first header to the answer's end; no entry for an arm that had no request.
    public var durations: [RunRole: LatencyHistogram] {
        [RunRole.baseline: baselineDurations, .candidate: candidateDurations].compactMapValues { $0 }
    }
    private var baselineDurations: LatencyHistogram?
    private var candidateDurations: LatencyHistogram?
    public internal(set) var shadowsTaken = 0
    public internal(set) var shadowsDone = 0
    public internal(set) var shadowsDropped: [String: Int] = [:]
    public internal(set) var connectionsOpened = 0
    public internal(set) var connectionsClosed = 0

    public init() {}

    mutating func decided(_ route: Route) {
        decisions[Decision(role: route.role, mode: route.mode, reason: route.decision.reason.rawValue), default: 0] += 1
    }

    mutating func fellBack(_ reason: String) { fallbacks[reason, default: 0] += 1 }
    mutating func refused(_ refusal: Refusal) { refusals[refusal.type, default: 0] += 1 }
    mutating func droppedShadow(_ reason: String) { shadowsDropped[reason, default: 0] += 1 }

    mutating func finished(_ log: RequestLog) {
        requests[Requests(role: log.role, mode: log.mode, status: log.status), default: 0] += 1
        if let failure = log.failure { failures[failure.type, default: 0] += 1 }
        let duration = log.ended &- log.received
        switch log.role {
        case .baseline: Self.add(duration, to: &baselineDurations)
        case .candidate: Self.add(duration, to: &candidateDurations)
        }
    }

    private static func add(_ duration: UInt64, to histogram: inout LatencyHistogram?) {
        if histogram == nil { histogram = LatencyHistogram() }
        histogram?.add(duration)
    }

    /// Adds what another event loop counted.
    public mutating func add(_ other: ProxyCounts) {
        requests.merge(other.requests, uniquingKeysWith: +)
        decisions.merge(other.decisions, uniquingKeysWith: +)
        failures.merge(other.failures, uniquingKeysWith: +)
        refusals.merge(other.refusals, uniquingKeysWith: +)
        fallbacks.merge(other.fallbacks, uniquingKeysWith: +)
        shadowsDropped.merge(other.shadowsDropped, uniquingKeysWith: +)
        baselineDurations = Self.sum(baselineDurations, other.baselineDurations)
        candidateDurations = Self.sum(candidateDurations, other.candidateDurations)
        shadowsTaken += other.shadowsTaken
        shadowsDone += other.shadowsDone
        connectionsOpened += other.connectionsOpened
        connectionsClosed += other.connectionsClosed
    }

    private static func sum(_ a: LatencyHistogram?, _ b: LatencyHistogram?) -> LatencyHistogram? {
        guard let a, let b else { return a ?? b }
        return a.adding(b)
    }
}

/// One number for an arm and a mode.
private func armCode(_ role: RunRole, _ mode: RunMode) -> UInt8 {
    let arm: UInt8 =
        switch role {
        case .baseline: 0
        case .candidate: 1
        }
    return switch mode {
    case .live: arm
    case .canary: arm | 2
    case .shadow: arm | 4
    case .replay: arm | 6
    case .backfill: arm | 8
    }
}

/// How long requests took, in the classes that the conventions give.
///
/// Source: OpenTelemetry semantic conventions, `http.server.request.duration`.
public struct LatencyHistogram: Sendable {
    /// Upper ends of the classes, in seconds; the last class has none.
    public static let bounds = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]
    private static let nanoseconds = bounds.map { UInt64($0 * 1e9) }

    /// One more than there are bounds; not cumulative.
    public private(set) var counts = [Int](repeating: 0, count: bounds.count + 1)
    /// Seconds.
    public private(set) var sum = 0.0

    public init() {}

    mutating func add(_ duration: UInt64) {
        // A clock that was set back would give a huge number.
        let duration = duration > 1 << 62 ? 0 : duration
        counts[Self.nanoseconds.firstIndex { duration <= $0 } ?? Self.bounds.count] += 1
        sum += Double(duration) / 1e9
    }

    func adding(_ other: LatencyHistogram) -> LatencyHistogram {
        var result = self
        for i in counts.indices { result.counts[i] += other.counts[i] }
        result.sum += other.sum
        return result
    }
}
