public import AgentRuns
internal import Digests

/// The `tracestate` header.
///
/// Sources: W3C Trace Context, section 3.3; OpenTelemetry specification, "TraceState: Probability Sampling".
public enum TraceState {
    static let maximumMembers = 32
    /// At least 512 characters must be passed on.
    static let maximumLength = 512

    /// Joins the headers and drops what cannot be passed on: of members with one key all but the first, which is the newest.
    ///
    /// Of a list that is too long, members of more than 128 characters go first, then those at its end.
    ///
    /// - Returns: nil where nothing is left, or where there are too many members or a malformed one: the list is void then.
    static func forwarded(_ headers: [String]) -> String? {
        var members: [Substring] = []
        var keys: Set<Substring> = []
        for header in headers {
            for member in header[...].listMembers where !member.isEmpty {
                guard let key = key(of: member) else { return nil }
                if keys.insert(key).inserted { members.append(member) }
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
        guard let (key, value) = member.halves(at: "=") else { return nil }
        guard (1...256).contains(key.utf8.count), let first = key.utf8.first, isLowerOrDigit(first),
            key.utf8.allSatisfy({ isLowerOrDigit($0) || "_-*/@".utf8.contains($0) }),
            (1...256).contains(value.utf8.count),
            value.utf8.allSatisfy({ (0x20...0x7E).contains($0) && $0 != UInt8(ascii: ",") && $0 != UInt8(ascii: "=") })
        else { return nil }
        return key
    }

    private static func isLowerOrDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}

// MARK: consistent sampling

extension TraceState {
    /// The trace state of a trace that begins here: everyone who samples by it draws the same lot, which the request's id
    /// gives, so that a request that is sent again is sampled as it was.
    ///
    /// A trace that began elsewhere gets none of this: what its spans were sampled by must not change on the way.
    public static func beginning(withRequest id: String) -> String {
        beginning(withRandomness: randomness(ofRequest: id))
    }

    /// The same of a lot that is known already.
    public static func beginning(withRandomness randomness: UInt64) -> String {
        // Made for every request whose trace begins here, so at once: it is too long for a text without memory of its own.
        String(unsafeUninitializedCapacity: 20) { text in
            var end = 0
            for byte in "ot=rv:".utf8 {
                text[end] = byte
                end += 1
            }
            for i in 0..<14 { text[end + i] = hexDigit(UInt8(truncatingIfNeeded: randomness >> UInt64(52 - 4 * i)) & 15) }
            return 20
        }
    }

    /// The trace state of a copy's own trace, which is sampled as the trace of the original is.
    ///
    /// Other vendors' members speak of spans in the original's trace, and stay there.
    public static func copying(_ traceID: TraceID, _ traceState: String?) -> String {
        let value = "rv:" + hex(randomness(of: traceID, traceState))
        guard let member = member(of: traceState) else { return "ot=\(value)" }
        let others = fields(of: member).filter { !$0.utf8.starts(with: "rv:".utf8) && !$0.isEmpty }
        return "ot=" + (others + [value[...]]).joined(separator: ";")
    }

    /// The 56 bits that decide whether a trace is sampled: the `rv` of the trace state, or else the trace id's last.
    public static func randomness(of traceID: TraceID, _ traceState: String?) -> UInt64 {
        explicitRandomness(traceState) ?? traceID.low & (1 << 56 - 1)
    }

    /// The first 7 bytes of SHA-256 over `outrigger/rv/1`, NUL and the id.
    public static func randomness(ofRequest id: String) -> UInt64 {
        var hash = SHA256()
        var (prefix, id) = ("outrigger/rv/1\0", id)
        prefix.withUTF8 { hash.update(UnsafeRawBufferPointer($0)) }
        id.withUTF8 { hash.update(UnsafeRawBufferPointer($0)) }
        return hash.prefix().0 >> 8
    }

    private static func explicitRandomness(_ traceState: String?) -> UInt64? {
        guard let member = member(of: traceState) else { return nil }
        for field in fields(of: member) where field.utf8.starts(with: "rv:".utf8) {
            let digits = field.utf8.dropFirst(3)
            guard digits.count == 14 else { return nil }
            var value: UInt64 = 0
            for digit in digits {
                guard let nibble = hexValue(digit), !(0x41...0x46).contains(digit) else { return nil }
                value = value << 4 | UInt64(nibble)
            }
            return value
        }
        return nil
    }

    /// The value of OpenTelemetry's member.
    private static func member(of traceState: String?) -> Substring? {
        traceState?[...].listMembers.first { $0.utf8.starts(with: "ot=".utf8) }.map { Substring($0.utf8.dropFirst(3)) }
    }

    private static func fields(of member: Substring) -> [Substring] {
        member.utf8.split(separator: UInt8(ascii: ";")).map { Substring($0) }
    }

    private static func hex(_ value: UInt64) -> String {
        String(unsafeUninitializedCapacity: 14) { digits in
            for i in 0..<14 { digits[i] = hexDigit(UInt8(truncatingIfNeeded: value >> UInt64(52 - 4 * i)) & 15) }
            return 14
        }
    }
}
