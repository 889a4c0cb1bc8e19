public import AgentRuns

/// Where a request stands in its caller's trace.
///
/// Source: W3C Trace Context, sections 3.2 (traceparent) and 3.3 (tracestate).
public struct W3CTraceContext: Hashable, Sendable {
    public var traceID: TraceID
    /// The caller's span.
    public var parentID: SpanID
    /// Sampled (1) and random trace id (2); other bits are not passed on.
    public var flags: UInt8
    /// As it goes on to others; nil for none, or for one that cannot be read.
    public var traceState: String?

    public var isSampled: Bool { flags & 1 != 0 }

    /// - Parameters:
    ///   - traceParents: the header's values: two say nothing, since nobody knows which is right.
    ///   - traceState: all its headers' values, which are one list.
    /// - Returns: nil where there is no traceparent, or none that can be read: a new trace begins then.
    public init?(traceParents: [String], traceState: [String] = []) {
        guard traceParents.count == 1 else { return nil }
        self.init(traceParent: traceParents[0], traceState: traceState)
    }

    /// - Parameters:
    ///   - traceParent: the header's value.
    ///   - traceState: all its headers' values, which are one list.
    /// - Returns: nil where there is no traceparent, or none that can be read: a new trace begins then.
    public init?(traceParent: String?, traceState: [String] = []) {
        guard let traceParent else { return nil }
        let bytes = Array(traceParent[...].trimmingBlanks.utf8)
        let dash = UInt8(ascii: "-")
        guard bytes.count >= 55, bytes[2] == dash, bytes[35] == dash, bytes[52] == dash,
            let version = Self.lowerHex(bytes[0..<2]), version != 0xFF,
            let high = Self.lowerHex(bytes[3..<19]), let low = Self.lowerHex(bytes[19..<35]), high != 0 || low != 0,
            let parent = Self.lowerHex(bytes[36..<52]), parent != 0, let flags = Self.lowerHex(bytes[53..<55])
        else { return nil }
        // A later version may go on after the flags, but only behind a dash.
        guard bytes.count == 55 || (version > 0 && bytes[55] == dash) else { return nil }
        traceID = TraceID(high: high, low: low)
        parentID = SpanID(parent)
        self.flags = UInt8(flags) & 3
        self.traceState = TraceState.forwarded(traceState)
    }

    private static func lowerHex(_ digits: ArraySlice<UInt8>) -> UInt64? {
        var value: UInt64 = 0
        for digit in digits {
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt64(digit - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt64(digit - UInt8(ascii: "a") + 10)
            default: return nil
            }
        }
        return value
    }
}

extension Exchange.TraceContext {
    /// Bytes of a ``traceParent``.
    public static let traceParentLength = 55

    /// The header that tells the agent: its parent is our CLIENT span.
    public var traceParent: String {
        String(unsafeUninitializedCapacity: Self.traceParentLength) { text in
            writeTraceParent(to: text)
            return Self.traceParentLength
        }
    }

    /// Writes ``traceParent`` to where a head is put together.
    ///
    /// - Parameter text: room for ``traceParentLength`` bytes, all of which are written.
    public func writeTraceParent(to text: UnsafeMutableBufferPointer<UInt8>) {
        precondition(text.count >= Self.traceParentLength)
        var i = 0
        func put(_ value: UInt64, _ digits: Int) {
            for k in 0..<digits {
                text[i] = hexDigit(UInt8(truncatingIfNeeded: value >> UInt64(4 * (digits - 1 - k))) & 15)
                i += 1
            }
        }
        func dash() {
            text[i] = UInt8(ascii: "-")
            i += 1
        }
        put(0, 2)
        dash()
        put(traceID.high, 16)
        put(traceID.low, 16)
        dash()
        put(clientSpanID.value, 16)
        dash()
        put(UInt64(flags), 2)
    }
}

extension Substring {
    /// Without blanks and tabs at its ends.
    var trimmingBlanks: Substring {
        var bytes = utf8
        while let first = bytes.first, first == 0x20 || first == 0x09 { bytes.removeFirst() }
        while let last = bytes.last, last == 0x20 || last == 0x09 { bytes.removeLast() }
        return Substring(bytes)
    }

    /// The members of a header that is a list, without the blanks around them.
    ///
    /// Bytes decide, not characters: a comma with a combining mark behind it is a comma.
    var listMembers: [Substring] {
        utf8.split(separator: UInt8(ascii: ",")).map { Substring($0).trimmingBlanks }
    }

    /// What stands in front of the first such byte and behind it; nil where there is none.
    func halves(at separator: Unicode.Scalar) -> (Substring, Substring)? {
        guard let place = utf8.firstIndex(of: UInt8(ascii: separator)) else { return nil }
        return (Substring(utf8[..<place]), Substring(utf8[place...].dropFirst()))
    }
}
