public import AgentRuns
public import LiveRuns
public import RunSpans

/// Which live requests are exported.
///
/// Sources: OpenTelemetry SDK environment variables, `OTEL_TRACES_SAMPLER`; OpenTelemetry specification, "ParentBased".
public struct LiveSampling: Sendable {
    /// For traces that begin here, and for all if it is not parent-based.
    public var root: TraceSampler
    /// Whether the caller's decision counts.
    public var isParentBased: Bool
    /// Whether what was not sampled is exported after all if it failed or is of the candidate: those are the ones that a
    /// rollout is judged by. The agent is still told that it is not sampled.
    public var keepsErrors = true
    public var keepsCandidate = true

    public init(root: TraceSampler = .alwaysOn, isParentBased: Bool = true) {
        self.root = root
        self.isParentBased = isParentBased
    }

    /// The decision at the request's beginning, which the agent is told.
    public func samples(_ traceID: TraceID, parentIsSampled: Bool?) -> Bool {
        if isParentBased, let parentIsSampled { return parentIsSampled }
        return root.keeps(traceID)
    }

    /// The decision at its end.
    public func exports(_ exchange: borrowing Exchange) -> Bool {
        if exchange.trace.isSampled { return true }
        if keepsCandidate, exchange.role == .candidate { return true }
        return keepsErrors && (exchange.failure != nil || exchange.response?.status ?? 500 >= 500)
    }
}
