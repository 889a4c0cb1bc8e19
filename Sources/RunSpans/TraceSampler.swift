public import AgentRuns

/// Which traces are exported.
///
/// Source: OpenTelemetry SDK environment variables, `OTEL_TRACES_SAMPLER`. A recorded run is the root of its trace, so
/// the parent-based samplers come down to their root samplers. A ratio keeps the traces whose last 56 bits, as a number,
/// reach the threshold, as consistent probability sampling does: a smaller ratio keeps a part of what a larger one keeps.
public enum TraceSampler: Hashable, Sendable {
    case alwaysOn
    case alwaysOff
    /// Between 0 and 1.
    case ratio(Double)

    public func keeps(_ id: TraceID) -> Bool { keeps(randomness: id.low & (1 << 56 - 1)) }

    /// - Parameter randomness: 56 bits.
    public func keeps(randomness: UInt64) -> Bool {
        switch self {
        case .alwaysOn: return true
        case .alwaysOff: return false
        case .ratio(let ratio) where ratio <= 0: return false
        case .ratio(let ratio):
            // Whole numbers: a double cannot tell the last of 56 bits.
            return randomness >= UInt64(max(0, 1 - ratio) * Double(UInt64(1) << 56))
        }
    }
}
