public import AgentRuns

/// Which trace a recorded run becomes: the same recording gives the same ids, on any machine and however often.
public struct RunIdentity: Sendable {
    public var traceID: TraceID
    /// W3C trace flags for its spans: sampled, and random where the id came from a hash.
    public var flags: UInt32

    /// The trace was recorded under a W3C trace id, which is kept.
    public init(recorded traceID: TraceID) {
        self.traceID = traceID
        flags = 0x101
    }

    /// The id is computed from the recording's name.
    ///
    /// The hash is SHA-256 over the parts joined by NUL bytes, so no part may contain one.
    ///
    /// - Parameters:
    ///   - dataset: a name for the collection of runs.
    ///   - recordedID: the id in the recording.
    ///   - occurrence: how many earlier runs of the collection had the same id.
    public init(dataset: String, recordedID: UnsafeRawBufferPointer, occurrence: Int, role: RunRole) {
        var hash = SHA256()
        hash.update(literal: "outrigger/backfill/1/trace\0")
        hash.update(dataset)
        hash.update(literal: "\0")
        hash.update(recordedID)
        if occurrence == 0 { hash.update(literal: "\00\0") } else { hash.update("\0\(occurrence)\0") }
        hash.update(role.rawValue)
        let (high, low) = hash.prefix()
        traceID = TraceID(high: high, low: low)
        flags = 0x103
    }

    /// A span's place in its run, which gives its id.
    enum Path {
        case run
        case step(Int)
        case call(Int)
        case result(Int)
    }

    func spanID(_ path: Path) -> SpanID {
        // Assembled on the stack: one block of SHA-256 for all but the longest runs.
        withUnsafeTemporaryAllocation(byteCount: 96, alignment: 8) { buffer in
            var input = HashInput(buffer)
            input.append("outrigger/backfill/1/span\0")
            input.append(bigEndian: traceID.high)
            input.append(bigEndian: traceID.low)
            input.append("\0run")
            switch path {
            case .run: break
            case .step(let k): input.append(step: k)
            case .call(let k):
                input.append(step: k)
                input.append("/call")
            case .result(let k):
                input.append(step: k)
                input.append("/result")
            }
            var hash = SHA256()
            hash.update(input.bytes)
            return SpanID(hash.prefix().0)
        }
    }
}

/// Bytes put one after the other into a buffer that is known to be large enough.
private struct HashInput {
    private let buffer: UnsafeMutableRawBufferPointer
    private var count = 0

    init(_ buffer: UnsafeMutableRawBufferPointer) { self.buffer = buffer }

    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: buffer[..<count]) }

    mutating func append(_ literal: StaticString) {
        UnsafeMutableRawBufferPointer(rebasing: buffer[count...]).copyMemory(
            from: UnsafeRawBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount))
        count += literal.utf8CodeUnitCount
    }

    mutating func append(bigEndian value: UInt64) {
        buffer.storeBytes(of: value.bigEndian, toByteOffset: count, as: UInt64.self)
        count += 8
    }

    mutating func append(step: Int) {
        append("/")
        var divisor = 1
        while divisor <= step / 10 { divisor *= 10 }
        while divisor > 0 {
            buffer[count] = UInt8(ascii: "0") + UInt8(step / divisor % 10)
            count += 1
            divisor /= 10
        }
    }
}

extension SHA256 {
    fileprivate mutating func update(literal: StaticString) {
        update(UnsafeRawBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount))
    }

    fileprivate mutating func update(_ string: String) {
        var string = string
        string.withUTF8 { update(UnsafeRawBufferPointer($0)) }
    }
}
