internal import AgentRuns
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
    /// rollout is judged by. The agent is still told that it is not sampled, and the spans' flags say so, too.
    public var keepsErrors = true
    public var keepsCandidate = true
    /// Whether nothing is exported, whatever was decided at the beginning.
    public var isOff = false

    public init(root: TraceSampler = .alwaysOn, isParentBased: Bool = true) {
        self.root = root
        self.isParentBased = isParentBased
    }

    /// The decision at the request's beginning, which the agent is told.
    ///
    /// - Parameter randomness: the 56 bits of ``TraceState/randomness(of:_:)``.
    public func samples(_ randomness: UInt64, parentIsSampled: Bool?) -> Bool {
        if isParentBased, let parentIsSampled { return parentIsSampled }
        return root.keeps(randomness: randomness)
    }

    /// Why a request is exported.
    public enum Reason: String, Sendable {
        case sampled, candidate, error
    }

    /// The decision at its end.
    ///
    /// - Returns: nil where it is not exported.
    public func exports(_ exchange: borrowing Exchange) -> Reason? {
        if isOff { return nil }
        if exchange.trace.isSampled { return .sampled }
        if keepsCandidate, exchange.role == .candidate { return .candidate }
        // An error of the client's is none of the agent's.
        return keepsErrors && (exchange.hasFailed || exchange.response == nil) ? .error : nil
    }
}
