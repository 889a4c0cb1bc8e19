internal import AgentRuns
internal import Synchronization
internal import Threads

/// The runs that may call tools now, by their tokens. Bounded: where there is no room, a run gets no token.
///
/// Called from event loops: nothing here waits, but for ``fence(below:)``.
public final class ToolRuns: Sendable {
    /// What became of runs.
    public struct Counts: Sendable {
        public var begun = 0
        /// For which there was no room.
        public var refused = 0
        public var known = 0
        /// Calls that a rollback cancelled.
        public var cancelled = 0
    }

    private struct State: Sendable {
        var runs: [RunToken: ToolRun] = [:]
        /// Runs that are over, the oldest first; those before `firstOver` are forgotten.
        var over: [(at: ContinuousClock.Instant, token: RunToken)] = []
        var firstOver = 0
        var counts = Counts()

        mutating func forgetOldest() {
            runs[over[firstOver].token] = nil
            firstOver += 1
            if firstOver > 1024, firstOver > over.count / 2 {
                over.removeFirst(firstOver)
                firstOver = 0
            }
        }

        mutating func forget(olderThan limit: ContinuousClock.Instant) {
            while firstOver < over.count, over[firstOver].at < limit { forgetOldest() }
        }
    }

    private struct UnderWay: Sendable {
        /// What a candidate's run that was decided before this epoch asks for is refused.
        var epoch = 0
        var tickets: [UInt64: CallTicket] = [:]
        var perLane: [CallTicket.Lane: Int] = [:]
        var next: UInt64 = 0
    }

    private let state = Mutex(State())
    private let underWay = Monitor(UnderWay())
    private let current: Mutex<ToolGatewaySettings>
    /// How long the token of a run that is over is known, so that its calls can be told what is wrong with them.
    private static let memory = Duration.seconds(60)
    /// How long a rollback waits for cancelled calls to let go of their connections.
    private static let fencePatience = Duration.seconds(1)

    public init(_ settings: ToolGatewaySettings) { current = Mutex(settings) }

    /// Exchanged by a reload; calls under way keep theirs.
    public var settings: ToolGatewaySettings {
        get { current.withLock { $0 } }
        set { current.withLock { $0 = newValue } }
    }

    // MARK: runs

    /// Begins a run.
    ///
    /// - Parameters:
    ///   - keepsAnswers: whether it has a shadow, which will be given what its tools answered.
    ///   - served: on a shadow, the run whose answers it is given.
    /// - Returns: nil where there is no room; its agent cannot call tools then.
    public func begin(_ identity: ToolRunIdentity, keepsAnswers: Bool = false, shadowOf served: ToolRun? = nil) -> ToolRun? {
        let limits = settings.limits
        let run = ToolRun(RunToken(), identity, served: served, keepsAnswers: keepsAnswers, maximumBytes: limits.bytesPerRun)
        return state.withLock { state in
            if state.runs.count >= limits.runs, state.firstOver < state.over.count { state.forgetOldest() }
            guard state.runs.count < limits.runs else {
                state.counts.refused += 1
                return nil
            }
            state.counts.begun += 1
            state.runs[run.token] = run
            return run
        }
    }

    /// The run's answer is complete: its calls are over after the grace.
    public func end(_ run: ToolRun) {
        let now = ContinuousClock.now
        guard run.endedAt == nil else { return }
        run.end(now: now)
        let remains = run.remains()
        let oldest = now - max(settings.grace, .zero) - Self.memory
        state.withLock { state in
            state.runs[run.token] = remains
            state.over.append((now, run.token))
            state.forget(olderThan: oldest)
        }
    }

    func run(_ token: RunToken) -> ToolRun? { state.withLock { $0.runs[token] } }

    public var counts: Counts {
        state.withLock { state in
            var counts = state.counts
            counts.known = state.runs.count
            return counts
        }
    }

    // MARK: the fence

    /// Takes candidates' right to act that were decided before a rollback: when this returns, none of their calls goes out,
    /// and those under way have been cancelled. Must not be called from an event loop.
    ///
    /// - Parameter epoch: the rollout's.
    public func fence(below epoch: Int) {
        let cancelled = underWay.withLock { state in
            state.epoch = max(state.epoch, epoch)
            return state.tickets.values.filter { $0.isFenced(state.epoch) }
        }
        guard !cancelled.isEmpty else { return }
        for ticket in cancelled { ticket.cancel() }
        state.withLock { $0.counts.cancelled += cancelled.count }
        // A call lets go of its connection when it hears of it; the rollback does not wait for one that is deaf.
        _ = underWay.wait(atMost: Self.fencePatience) { state in
            state.tickets.values.contains { $0.isFenced(state.epoch) } ? nil : ()
        }
    }

    enum Entrance {
        case ticket(CallTicket), fenced, full
    }

    /// Lets a call in. Who is let in must ``leave(_:)``.
    func enter(_ run: ToolRun, limit: Int) -> Entrance {
        underWay.withLockQuietly { state in
            let ticket = CallTicket(state.next, run.identity)
            guard !ticket.isFenced(state.epoch) else { return .fenced }
            guard state.perLane[ticket.lane, default: 0] < limit else { return .full }
            state.next += 1
            state.tickets[ticket.id] = ticket
            state.perLane[ticket.lane, default: 0] += 1
            return .ticket(ticket)
        }
    }

    func leave(_ ticket: CallTicket) {
        underWay.withLock { state in
            state.tickets[ticket.id] = nil
            state.perLane[ticket.lane, default: 1] -= 1
        }
    }

    func isFenced(_ run: ToolRun) -> Bool {
        underWay.withLockQuietly { CallTicket(0, run.identity).isFenced($0.epoch) }
    }
}

/// One call under way, which a rollback can cancel.
final class CallTicket: Sendable {
    /// Who shares places: neither a shadow nor a candidate takes those of the baseline.
    enum Lane: Hashable, Sendable {
        case baseline, candidate, shadow
    }

    let id: UInt64
    let lane: Lane
    private let epoch: Int
    private let isCandidate: Bool
    private let state = Mutex((isCancelled: false, hook: (@Sendable () -> Void)?.none))

    init(_ id: UInt64, _ run: ToolRunIdentity) {
        self.id = id
        epoch = run.epoch
        isCandidate = run.role == .candidate
        lane = run.mode == .shadow ? .shadow : isCandidate ? .candidate : .baseline
    }

    func isFenced(_ current: Int) -> Bool { isCandidate && epoch < current }

    var isCancelled: Bool { state.withLock { $0.isCancelled } }

    func cancel() {
        let hook = state.withLock { state in
            state.isCancelled = true
            return state.hook
        }
        hook?()
    }

    /// Has `hook` called when the call is cancelled: at once if it was already.
    func onCancel(_ hook: @escaping @Sendable () -> Void) {
        let isCancelled = state.withLock { state in
            state.hook = hook
            return state.isCancelled
        }
        if isCancelled { hook() }
    }
}
