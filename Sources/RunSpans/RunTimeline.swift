public import AgentRuns

/// When a run and its parts happened, computed from what the recording says of durations.
///
/// A tool call with a duration of its own takes that long and ends its step; the rest of the run's time is shared
/// equally by the steps, in front of their calls. Without durations the steps are equally long.
public struct RunTimeline: Sendable {
    /// Unix nanoseconds.
    public var start: UInt64
    /// Nanoseconds, at least 1.
    public var duration: UInt64
    public var oddities: Oddities = []

    /// The run's time that no tool call accounts for, in nanoseconds.
    private var rest: UInt64
    private let steps: UInt64

    public struct Oddities: OptionSet, Hashable, Sendable {
        public let rawValue: UInt8
        public init(rawValue: UInt8) { self.rawValue = rawValue }

        /// The recording has no latency and no durations: the run is shown as one millisecond.
        public static let latencyMissing = Oddities(rawValue: 1)
        /// A latency that is negative, not finite, or more than 24 hours counts as missing.
        public static let latencyInvalid = Oddities(rawValue: 2)
        /// A tool's duration that is negative, not finite, or more than 24 hours counts as missing; so does what goes beyond
        /// 30 days in all.
        public static let durationInvalid = Oddities(rawValue: 4)
        /// The tools took longer than the run: the run is shown as long as they.
        public static let durationsExceedLatency = Oddities(rawValue: 8)
    }

    public init(of run: borrowing AgentRun, start: UInt64) {
        self.start = start
        steps = UInt64(max(1, run.toolCalls.count))
        var inCalls: UInt64 = 0
        var hasDurations = false
        for call in run.toolCalls where call.result?.duration != nil {
            if let duration = Self.duration(of: call, after: inCalls) {
                inCalls += duration
                hasDurations = true
            } else {
                oddities.insert(.durationInvalid)
            }
        }
        if let latency = run.latency?.millisecondsAsNanoseconds {
            if inCalls > latency { oddities.insert(.durationsExceedLatency) }
            duration = max(latency, inCalls, 1)
        } else {
            if run.latency != nil { oddities.insert(.latencyInvalid) }
            if run.latency == nil, !hasDurations { oddities.insert(.latencyMissing) }
            duration = hasDurations ? max(inCalls, 1) : 1_000_000
        }
        rest = duration - inCalls
    }

    /// A run whose times were measured, so that nothing has to be computed or doubted but the parts.
    ///
    /// - Precondition: the durations of its calls fit into it.
    public init(measured run: borrowing AgentRun, from start: UInt64, to end: UInt64) {
        self.start = start
        duration = max(1, end > start ? end - start : 1)
        steps = UInt64(max(1, run.toolCalls.count))
        var inCalls: UInt64 = 0
        for call in run.toolCalls { inCalls += Self.duration(of: call, after: inCalls) ?? 0 }
        rest = duration - min(duration, inCalls)
    }

    public var end: UInt64 { start + duration }

    /// When each tool call began, in Unix nanoseconds, and how long it took, where that is known: the times of its span.
    public func calls(of run: borrowing AgentRun) -> [(start: UInt64, duration: UInt64?)] {
        var from = start
        var inCalls: UInt64 = 0
        return run.toolCalls.indices.map { k in
            let duration = Self.duration(of: run.toolCalls[k], after: inCalls)
            inCalls += duration ?? 0
            let to = start + inCalls + restBefore(k + 1)
            defer { from = to }
            return (duration.map { to - $0 } ?? from, duration)
        }
    }

    /// What all tool calls of a run may take together, in nanoseconds: 30 days. It also keeps the sums far from overflow.
    private static let maximumInCalls: UInt64 = 30 * 24 * 3600 * 1_000_000_000

    /// The duration of a call that counts, when those before it took `inCalls` nanoseconds; nil when there is none, or
    /// none that can be true.
    static func duration(of call: ToolCall, after inCalls: UInt64) -> UInt64? {
        guard let duration = call.result?.duration?.millisecondsAsNanoseconds, inCalls + duration <= maximumInCalls else {
            return nil
        }
        return duration
    }

    /// The share of the rest that lies before step `k`: floor(rest·k/steps), exact.
    func restBefore(_ k: Int) -> UInt64 {
        let product = rest.multipliedFullWidth(by: UInt64(k))
        return steps.dividingFullWidth(product).quotient
    }
}
