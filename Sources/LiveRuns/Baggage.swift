public import AgentRuns

/// The `baggage` header: what travels with a request to all that it causes.
///
/// Source: W3C Baggage, sections 3.2 (header content) and 3.3 (limits).
public enum Baggage {
    public static let maximumMembers = 64
    public static let maximumBytes = 8192

    /// The value of a member, its percent-encoding undone; the first one counts.
    public static func value(of name: String, in header: String) -> String? {
        for member in header[...].listMembers {
            let pair = member.halves(at: ";")?.0 ?? member
            guard let (key, value) = pair.halves(at: "="), key.trimmingBlanks.utf8.elementsEqual(name.utf8) else { continue }
            return decoded(value.trimmingBlanks)
        }
        return nil
    }

    /// Adds who answers and which request it is, so that services behind the agent can tell a canary.
    ///
    /// Ours stand first and replace what claims to be ours; of the others, those stay that fit into the limits.
    ///
    /// - Parameter inbound: the client's baggage; nil for none.
    public static func adding(role: RunRole, requestID: String, to inbound: String?) -> String {
        var result = "outrigger.role=\(role.rawValue),outrigger.request.id=\(encoded(requestID))"
        guard let inbound else { return result }
        var count = 2
        for member in inbound[...].listMembers {
            guard count < maximumMembers else { break }
            guard let name = member.halves(at: "=")?.0.trimmingBlanks else { continue }
            guard !name.isEmpty, name.utf8.allSatisfy(isToken), member.utf8.allSatisfy({ (0x20...0x7E).contains($0) || $0 == 0x09 }),
                !isOurs(name), result.utf8.count + member.utf8.count < maximumBytes
            else { continue }
            result += ","
            result += member
            count += 1
        }
        return result
    }

    /// Whether a reader may take the name for one of ours: some undo percent-encoding in names too, as in forms (`+` is a blank).
    private static func isOurs(_ name: Substring) -> Bool {
        if name == "outrigger.role" || name == "outrigger.request.id" { return true }
        guard name.utf8.contains(where: { $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: "+") }) else { return false }
        let plain = decoded(name.replacing("+", with: " ")[...]).lowercased()[...].trimmingBlanks
        return plain == "outrigger.role" || plain == "outrigger.request.id"
    }

    private static func isToken(_ byte: UInt8) -> Bool {
        // Letters of either case, and digits.
        (byte | 0x20) &- 0x61 < 26 || byte &- 0x30 < 10 || "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }

    /// The text as a member's value: what cannot stand there is percent-encoded.
    public static func encoded(_ text: String) -> String {
        guard text.utf8.contains(where: { !isToken($0) || $0 == UInt8(ascii: "%") }) else { return text }
        var result: [UInt8] = []
        for byte in text.utf8 {
            if isToken(byte), byte != UInt8(ascii: "%") {
                result.append(byte)
            } else {
                result += [UInt8(ascii: "%"), upperHex(byte >> 4), upperHex(byte & 15)]
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static func upperHex(_ nibble: UInt8) -> UInt8 { nibble < 10 ? 0x30 + nibble : 0x41 + nibble - 10 }

    /// The text with its percent-encoding undone; what is none stays as it is.
    public static func decoded(_ text: Substring) -> String {
        guard text.utf8.contains(UInt8(ascii: "%")) else { return String(text) }
        var result: [UInt8] = []
        var bytes = text.utf8[...]
        while let byte = bytes.popFirst() {
            let digits = bytes.prefix(2)
            if byte == UInt8(ascii: "%"), digits.count == 2, let high = digits.first.flatMap(hexValue), let low = digits.last.flatMap(hexValue) {
                result.append(high << 4 | low)
                bytes = bytes.dropFirst(2)
            } else {
                result.append(byte)
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
