internal import AgentRuns
internal import Glibc

/// Where the members of a line's object end, so that of another line which begins with the same bytes only the rest has to be
/// read: two recordings of the same requests have much in common.
///
/// It belongs to the run that was read from the line, and says nothing of one that was changed since.
public struct LineOutline: Sendable {
    /// Of a line with more members only the first ones are kept.
    static let mostEnds = 32

    struct End {
        /// Place of the comma behind the member.
        var comma: Int
        /// Fields that stand before it.
        var seen: FieldSet
    }

    private(set) var ends: [End] = []

    public init() {}

    mutating func removeAll() { ends.removeAll(keepingCapacity: true) }

    @inline(__always)
    mutating func add(_ end: End) {
        if ends.count < Self.mostEnds { ends.append(end) }
    }

    /// The last member up to whose comma `line` is what the other line was.
    ///
    /// - Parameter known: the run of the other line.
    func lastEnd(of known: borrowing AgentRun, in line: UnsafeRawBufferPointer) -> End? {
        guard !ends.isEmpty, let start = line.baseAddress else { return nil }
        return known.storage.withUnsafeBytes { known in
            var last: End?
            var same = 0
            for end in ends {
                let next = end.comma + 1
                guard next <= line.count, next <= known.count, let other = known.baseAddress,
                    memcmp(other + same, start + same, next - same) == 0
                else { break }
                (last, same) = (end, next)
            }
            return last
        }
    }
}

/// Fields of a line.
struct FieldSet {
    private var bits: UInt64 = 0

    @inline(__always)
    func contains(_ field: Field) -> Bool { bits & field.bit != 0 }

    @inline(__always)
    mutating func insert(_ field: Field) { bits |= field.bit }
}

extension AgentRun {
    /// Takes what the given fields of another run's line said.
    ///
    /// - Precondition: the run is empty but for its storage, which has that line's bytes in their places.
    mutating func take(_ fields: FieldSet, of other: borrowing AgentRun) {
        if fields.contains(.traceID) { recordedID = other.recordedID }
        if fields.contains(.request) { request = other.request }
        if fields.contains(.response) { response = other.response }
        if fields.contains(.toolCalls) {
            toolCalls.append(contentsOf: other.toolCalls)
            if !fields.contains(.toolResults) { for k in toolCalls.indices { toolCalls[k].result = nil } }
        }
        if fields.contains(.outcome) {
            outcome = other.outcome
            statesNoOutcome = other.statesNoOutcome
        }
        if fields.contains(.expectedOutcome) { expectedOutcome = other.expectedOutcome }
        if fields.contains(.latency) { latency = other.latency }
        if fields.contains(.costTokens) { costTokens = other.costTokens }
        if fields.contains(.inputTokens) { inputTokens = other.inputTokens }
        if fields.contains(.outputTokens) { outputTokens = other.outputTokens }
        if fields.contains(.allowedTools) { allowedTools = other.allowedTools }
        if fields.contains(.startTime) { startTime = other.startTime }
        if fields.contains(.agent) { agent = other.agent }
        if fields.contains(.version) { version = other.version }
        if fields.contains(.conversationID) { conversationID = other.conversationID }
        if fields.contains(.model) { model = other.model }
        if fields.contains(.tags) { tags = other.tags }
    }
}
