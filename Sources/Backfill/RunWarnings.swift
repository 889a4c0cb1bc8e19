internal import RunSpans
internal import TraceReading

/// Counts what is said of runs that are sent all the same.
struct RunWarnings {
    private enum Warning: Int, CaseIterable {
        case repeatedField, loneSurrogate, unnamedTool, endsInTheFuture, olderThan72Hours
        case latencyMissing, latencyInvalid, durationInvalid, durationsExceedLatency

        /// Its name in the report, which is part of our promise.
        var name: String {
            switch self {
            case .repeatedField: "repeated_field"
            case .loneSurrogate: "lone_surrogate_replaced"
            case .unnamedTool: "tool_without_name"
            case .endsInTheFuture: "ends_in_the_future"
            case .olderThan72Hours: "older_than_72_hours"
            case .latencyMissing: "latency_missing"
            case .latencyInvalid: "latency_invalid"
            case .durationInvalid: "duration_invalid"
            case .durationsExceedLatency: "durations_exceed_latency"
            }
        }
    }

    /// Unix nanoseconds.
    private let now: UInt64
    private let reachesBackEnd: Bool
    /// By the number of the warning: most runs of old traces have one, and a dictionary would hash its name each time.
    private var found = Array(repeating: 0, count: Warning.allCases.count)

    /// - Parameters:
    ///   - now: Unix nanoseconds, against which the age of runs is held.
    ///   - reachesBackEnd: whether there is a back end that may refuse or hide what is old.
    init(now: UInt64, reachesBackEnd: Bool) {
        self.now = now
        self.reachesBackEnd = reachesBackEnd
    }

    /// How often there was a warning, by its name; only those that there were.
    var counts: [String: Int] {
        var counts: [String: Int] = [:]
        for warning in Warning.allCases where found[warning.rawValue] > 0 { counts[warning.name] = found[warning.rawValue] }
        return counts
    }

    mutating func count(_ oddities: LineOddities) {
        guard !oddities.isEmpty else { return }
        if oddities.contains(.repeatedField) { warn(.repeatedField) }
        if oddities.contains(.loneSurrogate) { warn(.loneSurrogate) }
        if oddities.contains(.unnamedTool) { warn(.unnamedTool) }
    }

    mutating func count(_ timeline: RunTimeline) {
        if timeline.end > now { warn(.endsInTheFuture) }
        if reachesBackEnd, timeline.start + 72 * 3600 * 1_000_000_000 < now { warn(.olderThan72Hours) }
        guard !timeline.oddities.isEmpty else { return }
        if timeline.oddities.contains(.latencyMissing) { warn(.latencyMissing) }
        if timeline.oddities.contains(.latencyInvalid) { warn(.latencyInvalid) }
        if timeline.oddities.contains(.durationInvalid) { warn(.durationInvalid) }
        if timeline.oddities.contains(.durationsExceedLatency) { warn(.durationsExceedLatency) }
    }

    private mutating func warn(_ warning: Warning) { found[warning.rawValue] += 1 }
}
