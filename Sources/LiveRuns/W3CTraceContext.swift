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
    ///   - traceParent: the header's value.
    ///   - traceState: all its headers' values, which are one list.
    /// - Returns: nil where there is no traceparent, or none that can be read: a new trace begins then.
    public init?(traceParent: String?, traceState: [String] = []) {
        guard let traceParent else { return nil }
        let bytes = Array(traceParent.utf8)
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
    /// The header that tells the agent: its parent is our CLIENT span.
    public var traceParent: String {
        String(unsafeUninitializedCapacity: 55) { text in
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
            return i
        }
    }
}

/// The `tracestate` header.
enum TraceState {
    static let maximumMembers = 32
    /// At least 512 characters must be passed on.
    static let maximumLength = 512

    /// Joins the headers and drops what cannot be passed on.
    ///
    /// Of a list that is too long, members of more than 128 characters go first, then those at its end.
    ///
    /// - Returns: nil where nothing is left, or where a member is malformed or stands twice: the whole list is void then.
    static func forwarded(_ headers: [String]) -> String? {
        var members: [Substring] = []
        var keys: Set<Substring> = []
        for header in headers {
            for piece in header.split(separator: ",") {
                let member = piece.trimmingBlanks
                if member.isEmpty { continue }
                guard let key = key(of: member), keys.insert(key).inserted else { return nil }
                members.append(member)
            }
        }
        guard members.count <= maximumMembers else { return nil }
        var length = members.reduce(max(0, members.count - 1)) { $0 + $1.utf8.count }
        while length > maximumLength, let i = members.lastIndex(where: { $0.utf8.count > 128 }) ?? members.indices.last {
            length -= members.remove(at: i).utf8.count + 1
        }
        return members.isEmpty ? nil : members.joined(separator: ",")
    }

    private static func key(of member: Substring) -> Substring? {
        guard let equals = member.firstIndex(of: "=") else { return nil }
        let key = member[..<equals]
        let value = member[equals...].dropFirst().utf8
        guard (1...256).contains(key.utf8.count), let first = key.utf8.first, isLowerOrDigit(first),
            key.utf8.allSatisfy({ isLowerOrDigit($0) || "_-*/@".utf8.contains($0) }),
            (1...256).contains(value.count),
            value.allSatisfy({ (0x20...0x7E).contains($0) && $0 != UInt8(ascii: ",") && $0 != UInt8(ascii: "=") })
        else { return nil }
        return key
    }

    private static func isLowerOrDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}

extension Substring {
    /// Without blanks and tabs at its ends.
    var trimmingBlanks: Substring {
        var text = self
        while let first = text.utf8.first, first == 0x20 || first == 0x09 { text = text.dropFirst() }
        while let last = text.utf8.last, last == 0x20 || last == 0x09 { text = text.dropLast() }
        return text
    }
}
