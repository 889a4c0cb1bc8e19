public import AgentRuns
public import LiveRuns
internal import Synchronization

/// Which run calls.
public struct ToolRunIdentity: Hashable, Sendable {
    public var requestID: String
    public var traceID: TraceID
    /// The run's `agent.run` span.
    public var runSpanID: SpanID
    /// W3C trace flags.
    public var flags: UInt8
    public var role: RunRole
    public var mode: RunMode
    public var rolloutID: String
    public var revision: Int
    /// The rollout's epoch at the decision: a rollback since makes a candidate's run void.
    public var epoch: Int

    public init(
        requestID: String, traceID: TraceID, runSpanID: SpanID, flags: UInt8, role: RunRole, mode: RunMode, rolloutID: String,
        revision: Int, epoch: Int
    ) {
        self.requestID = requestID
        self.traceID = traceID
        self.runSpanID = runSpanID
        self.flags = flags
        self.role = role
        self.mode = mode
        self.rolloutID = rolloutID
        self.revision = revision
        self.epoch = epoch
    }
}

/// A run under way, with the calls that it made so far.
public final class ToolRun: Sendable {
    public let token: RunToken
    public let identity: ToolRunIdentity
    /// On a shadow: the run whose answers it is given; nil where there is none, and so no answers.
    let served: ToolRun?
    /// Whether a shadow may ask for the answers.
    private let keepsAnswers: Bool
    private let maximumBytes: Int
    private let state = Mutex(State())

    private struct State: Sendable {
        var calls: [ObservedToolCall] = []
        var count = 0
        var bytes = 0
        var perTool: [String: Int] = [:]
        var rates: [String: RateBucket] = [:]
        var endedAt: ContinuousClock.Instant?
        var answers = BaselineAnswers()
        var shadow = ShadowProgress()
        var divergence: ToolDivergence?
        /// Calls of the shadow that wait for the next answer.
        var waiting: [UInt64: AsyncStream<Void>.Continuation] = [:]
        var nextWaiting: UInt64 = 0
    }

    init(_ token: RunToken, _ identity: ToolRunIdentity, served: ToolRun?, keepsAnswers: Bool, maximumBytes: Int) {
        self.token = token
        self.identity = identity
        self.served = served
        self.keepsAnswers = keepsAnswers
        self.maximumBytes = maximumBytes
    }

    /// What is remembered of a run that is over: who it was and what it has spent, without what it said.
    func remains() -> ToolRun {
        let remains = ToolRun(token, identity, served: nil, keepsAnswers: false, maximumBytes: 0)
        let (count, perTool, rates, endedAt) = state.withLock { ($0.count, $0.perTool, $0.rates, $0.endedAt) }
        remains.state.withLock { state in
            state.count = count
            state.perTool = perTool
            state.rates = rates
            state.endedAt = endedAt
        }
        return remains
    }

    // MARK: what passed

    /// The calls so far, in the order in which they came.
    public var observedCalls: [ObservedToolCall] { state.withLock { $0.calls } }

    /// On a shadow: where it first asked for something that the baseline had not asked for.
    public var divergence: ToolDivergence? { state.withLock { $0.divergence } }

    func end(now: ContinuousClock.Instant) {
        let waiting = state.withLock { state in
            state.endedAt = state.endedAt ?? now
            return Array(state.waiting.values)
        }
        for wake in waiting { wake.yield() }
    }

    /// When the run was over; nil while it is not.
    var endedAt: ContinuousClock.Instant? { state.withLock { $0.endedAt } }

    /// Counts a call.
    ///
    /// - Parameter limit: as many calls as a run may make, refused ones among them.
    /// - Returns: its place among the run's calls; nil when it is beyond the limit, and not the first that is.
    func countCall(limit: Int) -> Int? {
        state.withLock { state in
            guard state.count <= limit else { return nil }
            state.count += 1
            return state.count - 1
        }
    }

    /// - Returns: false when the budget is spent.
    func spend(_ tool: String, budget: Int) -> Bool {
        state.withLock { state in
            guard state.perTool[tool, default: 0] < budget else { return false }
            state.perTool[tool, default: 0] += 1
            return true
        }
    }

    /// Undoes ``spend(_:budget:)``, for a call that could not be made after all.
    func giveBack(_ tool: String) {
        state.withLock { $0.perTool[tool, default: 1] -= 1 }
    }

    /// - Returns: nil when the run may call the tool now; else how long until it may.
    func take(_ tool: String, _ rate: ToolRate, now: ContinuousClock.Instant) -> Duration? {
        state.withLock { RateBucket.take(from: &$0.rates[tool], rate, now: now) }
    }

    /// - Returns: the place of the record, for ``complete(_:success:content:at:)``; nil when the run is over.
    func observe(_ entry: ToolCallEntry, _ arguments: [UInt8]?, _ verdict: ToolVerdict) -> Int? {
        state.withLock { state in
            guard state.endedAt == nil else { return nil }
            let kept = arguments.flatMap { state.bytes + $0.count <= maximumBytes ? $0 : nil }
            state.bytes += kept?.count ?? 0
            state.calls.append(
                ObservedToolCall(name: entry.tool, spanID: entry.spanID, arguments: kept, verdict: verdict, started: entry.started))
            return state.calls.count - 1
        }
    }

    func complete(_ place: Int?, verdict: ToolVerdict, success: Bool, content: [UInt8]?, at now: UInt64) {
        guard let place else { return }
        state.withLock { state in
            let kept = content.flatMap { state.bytes + $0.count <= maximumBytes ? $0 : nil }
            state.bytes += kept?.count ?? 0
            state.calls[place].verdict = verdict
            state.calls[place].result = ObservedToolCall.Result(success: success, content: kept, ended: now)
        }
    }

    // MARK: answers for a shadow

    /// Keeps what a tool answered, for the shadow of this run.
    func keep(_ answer: ToolAnswer, for makeKey: @autoclosure () -> ToolCallKey, begunAs order: Int) {
        guard keepsAnswers else { return }
        let key = makeKey()
        let waiting = state.withLock { state in
            state.answers.keep(answer, for: key, order: order, maximumBytes: maximumBytes)
            return Array(state.waiting.values)
        }
        for wake in waiting { wake.yield() }
    }

    /// Has `wake` told of each answer from now on, and of the end.
    ///
    /// - Returns: for ``stopTelling(_:)``.
    func tell(_ wake: AsyncStream<Void>.Continuation) -> UInt64 {
        state.withLock { state in
            state.nextWaiting += 1
            state.waiting[state.nextWaiting] = wake
            return state.nextWaiting
        }
    }

    func stopTelling(_ place: UInt64) { state.withLock { $0.waiting[place] = nil } }

    /// Looks for an answer to a call of this shadow.
    ///
    /// - Parameter isLast: whether nothing more will be waited for.
    func lookUp(_ key: ToolCallKey, _ settings: ShadowToolSettings, isLast: Bool) -> ShadowProgress.Found {
        guard let served else { return .nothing(isKnown: false) }
        let (answers, isOver) = served.state.withLock { ($0.answers, $0.endedAt != nil) }
        return state.withLock { $0.shadow.find(key, in: answers, settings.matching, isComplete: isOver || isLast) }
    }

    /// - Returns: whether it is the run's first.
    func diverged(_ divergence: ToolDivergence) -> Bool {
        state.withLock { state in
            guard state.divergence == nil else { return false }
            state.divergence = divergence
            return true
        }
    }
}
