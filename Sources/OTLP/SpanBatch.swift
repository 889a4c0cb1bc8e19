/// Spans that are encoded already, one after the other, each with what stands around it in its list (for protobuf the tag
/// and length, for JSON the comma), so that any run of them can be cut out and put into a request.
public struct SpanBatch: Sendable {
    public internal(set) var bytes: [UInt8] = []
    /// Where each span ends in ``bytes``.
    public internal(set) var ends: [Int] = []

    public init() {}

    public var count: Int { ends.count }
    public var isEmpty: Bool { ends.isEmpty }
    /// Bytes of all spans.
    public var byteCount: Int { bytes.count }

    /// Adds a span in its encoded form.
    public mutating func append(_ span: some Sequence<UInt8>) {
        bytes.append(contentsOf: span)
        ends.append(bytes.count)
    }

    /// Adds all spans of another batch.
    public mutating func append(_ other: SpanBatch) {
        guard !isEmpty else {
            self = other
            return
        }
        let offset = bytes.count
        bytes.append(contentsOf: other.bytes)
        for end in other.ends { ends.append(offset + end) }
    }

    /// Where a span ends, counted from the batch's first byte.
    public func end(of span: Int) -> Int { ends[span] }

    /// The bytes of the spans in `range`.
    public subscript(range: Range<Int>) -> ArraySlice<UInt8> {
        bytes[start(range.lowerBound)..<start(range.upperBound)]
    }

    /// Takes the first `count` spans out.
    public mutating func removeFirst(_ count: Int) -> SpanBatch {
        // The rest is short as a rule: it moves, and what is taken out stays where it is.
        let cut = start(count)
        var rest = SpanBatch()
        rest.bytes.reserveCapacity(bytes.capacity)
        rest.bytes.append(contentsOf: bytes[cut...])
        rest.ends.reserveCapacity(ends.capacity)
        for end in ends[count...] { rest.ends.append(end - cut) }
        bytes.removeSubrange(cut...)
        ends.removeSubrange(count...)
        swap(&rest, &self)
        return rest
    }

    /// Takes all spans out, and makes room for about as many again, so that the next ones need not be moved as they come.
    public mutating func removeAll() -> SpanBatch {
        guard !isEmpty else { return SpanBatch() }
        var taken = SpanBatch()
        taken.bytes.reserveCapacity(min(bytes.count + bytes.count / 4, 2 << 20))
        taken.ends.reserveCapacity(ends.count + ends.count / 4)
        swap(&taken, &self)
        return taken
    }

    /// How many spans from the front take at most `limit` bytes, one at least.
    public func count(fitting limit: Int) -> Int {
        max(1, ends.firstIndex { $0 > limit } ?? ends.count)
    }

    /// Leaves out the spans in `range`.
    public mutating func remove(_ range: Range<Int>) {
        let from = start(range.lowerBound)
        let to = start(range.upperBound)
        bytes.removeSubrange(from..<to)
        ends.removeSubrange(range)
        for i in range.lowerBound..<ends.count { ends[i] -= to - from }
    }

    private func start(_ span: Int) -> Int { span == 0 ? 0 : ends[span - 1] }
}
