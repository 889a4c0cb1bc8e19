public import AgentRuns
internal import Digests

/// Which trace a recorded run becomes: the same recording gives the same ids, on any machine and however often.
public struct RunIdentity: Sendable {
    public var traceID: TraceID
    /// W3C trace flags for its spans: sampled, and random where the id came from a hash.
    public var flags: UInt32
    /// The `tracestate` that its spans travel with; nil for none.
    public var traceState: String?
    /// The id of a live run's `agent.run` span, which was told to the agent before there was a run; nil where it is hashed.
    private var liveSpanID: SpanID?

    /// The trace was recorded under a W3C trace id, which is kept.
    public init(recorded traceID: TraceID) {
        self.traceID = traceID
        flags = 0x101
    }

    /// A live run: its ids were made when its request came.
    ///
    /// - Parameter flags: W3C trace flags, with OTLP's bits 8 and 9.
    public init(live traceID: TraceID, runSpanID: SpanID, flags: UInt32, traceState: String? = nil) {
        self.traceID = traceID
        self.flags = flags
        self.traceState = traceState
        liveSpanID = runSpanID
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

    /// The id of the run's `agent.run` span.
    public var runSpanID: SpanID { liveSpanID ?? spanID(.run) }

    /// The id of the `tool.call` span of call `k`, counted from 0.
    public func callSpanID(_ k: Int) -> SpanID { spanID(.call(k)) }

    /// A span's place in its run, which gives its id.
    enum Path {
        case run
        case step(Int)
        case call(Int)
        case result(Int)
    }

    /// The ids of all its spans but a live run's `agent.run`.
    ///
    /// Several live runs can stand in one trace, so theirs are hashed from their own span's id.
    var spanIDs: SpanIDs {
        SpanIDs(of: liveSpanID.map { TraceID(high: $0.value, low: traceID.low) } ?? traceID)
    }

    func spanID(_ path: Path) -> SpanID {
        var ids = spanIDs
        return ids[path]
    }
}

/// The span ids of one run. What they all hash first is put together once.
struct SpanIDs: ~Copyable {
    /// One block of SHA-256 for all but the longest runs, and room for the longest path.
    private var input = InlineArray<96, UInt8>(repeating: 0)
    private var count = 0
    private let common: Int

    init(of traceID: TraceID) {
        common = Self.prefix.utf8CodeUnitCount + 16 + Self.root.utf8CodeUnitCount
        append(Self.prefix)
        append(bigEndian: traceID.high)
        append(bigEndian: traceID.low)
        append(Self.root)
    }

    private static let prefix: StaticString = "outrigger/backfill/1/span\0"
    private static let root: StaticString = "\0run"

    subscript(path: RunIdentity.Path) -> SpanID {
        mutating get {
            count = common
            switch path {
            case .run: break
            case .step(let k): append(step: k)
            case .call(let k):
                append(step: k)
                append("/call")
            case .result(let k):
                append(step: k)
                append("/result")
            }
            let count = count
            return withUnsafeBytes(of: &input) {
                SpanID(SHA256.prefix(of: UnsafeRawBufferPointer(rebasing: $0[..<count])).0)
            }
        }
    }

    @inline(__always)
    private mutating func append(_ literal: StaticString) {
        let end = count + literal.utf8CodeUnitCount
        withUnsafeMutableBytes(of: &input) {
            UnsafeMutableRawBufferPointer(rebasing: $0[count..<end]).copyMemory(
                from: UnsafeRawBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount))
        }
        count = end
    }

    private mutating func append(bigEndian value: UInt64) {
        withUnsafeMutableBytes(of: &input) { $0.storeBytes(of: value.bigEndian, toByteOffset: count, as: UInt64.self) }
        count += 8
    }

    private mutating func append(step: Int) {
        append("/")
        var divisor = 1
        while divisor <= step / 10 { divisor *= 10 }
        while divisor > 0 {
            input[count] = UInt8(ascii: "0") + UInt8(step / divisor % 10)
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
