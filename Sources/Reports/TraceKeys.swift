/// A trace in a report: a fingerprint of its id, and which of the traces with that id it is.
struct TraceKey: Hashable, Sendable {
    private var high: Int
    private var low: Int

    /// Two differently started hashes: with 128 bits, no two of any number of traces that fit a disk come together.
    init(_ id: some Sequence<UInt8>, isMissing: Bool, _ number: Int, salt: Int) {
        var first = Hasher()
        var second = Hasher()
        first.combine(salt)
        second.combine(salt + 1000)
        for byte in id {
            first.combine(byte)
            second.combine(byte)
        }
        for part in [isMissing ? 1 : 0, number] {
            first.combine(part)
            second.combine(part)
        }
        high = first.finalize()
        low = second.finalize()
    }
}

/// Gives each detail of a report the key of its trace.
///
/// Ids may repeat, or be missing. The second trace of an id is the second in both reports; repetitions of one trace share
/// its key.
struct TraceKeys: Sendable {
    private(set) var last = TraceKey([], isMissing: true, 0, salt: 0)
    private var seen: [TraceKey: Int] = [:]

    mutating func next(_ id: [UInt8]?, _ repetition: Int) -> TraceKey {
        let id = id.map { ($0, false) } ?? ([], true)
        let occurrence = seen[TraceKey(id.0, isMissing: id.1, repetition, salt: 1), default: 0]
        seen[TraceKey(id.0, isMissing: id.1, repetition, salt: 1)] = occurrence + 1
        last = TraceKey(id.0, isMissing: id.1, occurrence, salt: 2)
        return last
    }
}
