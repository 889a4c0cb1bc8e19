internal import NIOHTTP1

/// Whether a request may be passed on: what two servers could read in two ways is refused, and what would arrive changed.
///
/// Source: RFC 9112, sections 3.2 (request target), 6.1 and 6.3 (message body length), 11.2 (request smuggling); RFC 9110,
/// section 5.5 (bytes of a field that are no ASCII).
enum RequestCheck {
    static func problem(with head: RequestHead) -> Refusal? {
        if case .CONNECT = head.method { return .connect }
        if head.hasUpgrade, asksForUpgrade(head.head.headers) { return .upgrade }
        let version = head.head.version
        guard version.major == 1 else { return .malformed("HTTP/\(version.major) is not spoken here") }
        if let problem = framing(head) ?? host(head) ?? target(head) { return .malformed(problem) }
        return head.altered.map { Refusal.headerNotUTF8($0) }
    }

    /// The parser takes `Proxy-Connection` for `Connection`, and reads no further behind such a request.
    private static func asksForUpgrade(_ headers: HTTPHeaders) -> Bool {
        ["connection", "proxy-connection"].contains { name in
            headers[canonicalForm: name].contains { $0.equalsASCII("upgrade") }
        }
    }

    private static func framing(_ head: RequestHead) -> String? {
        let (length, coding) = (head.contentLength, head.transferEncoding)
        guard coding.count == 0 || length.count == 0 else { return "it has both Content-Length and Transfer-Encoding" }
        guard length.count <= 1 else { return "it has more than one Content-Length" }
        if let digits = length.first, digits.isEmpty || !digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
            return "its Content-Length is not a number"
        }
        guard let word = coding.first else { return nil }
        guard head.isHTTP11 else { return "Transfer-Encoding does not exist in HTTP/1.0" }
        guard coding.count == 1, word.equalsASCII("chunked") else { return "the only Transfer-Encoding taken is chunked" }
        return nil
    }

    private static func host(_ head: RequestHead) -> String? {
        guard head.host.count <= 1 else { return "it has more than one Host" }
        guard let host = head.host.first else { return head.isHTTP11 ? "Host is missing" : nil }
        return host.utf8.contains(where: isNoPartOfHost) ? "its Host is not one" : nil
    }

    private static func isNoPartOfHost(_ byte: UInt8) -> Bool {
        switch byte {
        case ...0x20, 0x7F, UInt8(ascii: "/"), UInt8(ascii: "?"), UInt8(ascii: "#"), UInt8(ascii: "@"), UInt8(ascii: ","),
            UInt8(ascii: "\\"):
            true
        default: false
        }
    }

    private static func target(_ head: RequestHead) -> String? {
        let uri = head.uri
        guard !uri.utf8.contains(where: { $0 <= 0x20 || $0 >= 0x7F || $0 == UInt8(ascii: "#") }) else {
            return "its target has characters that a target cannot have"
        }
        if uri.utf8.first == UInt8(ascii: "/") { return nil }
        if uri == "*" {
            if case .OPTIONS = head.method { return nil }
            return "the target * is only for OPTIONS"
        }
        guard let path = originForm(uri, isOptions: false) else { return "its target is not a path" }
        // Two hosts would let us and the agent think of different ones.
        let authority = uri.drop { $0 != ":" }.dropFirst(3).prefix { $0 != "/" && $0 != "?" }
        return path.isEmpty || authority.lowercased() != head.host.first?.lowercased()
            ? "its target names another host than its Host" : nil
    }

    /// The path and query of an absolute target, or the target as it is if it is none; nil for what is no target of ours.
    ///
    /// Source: RFC 9112, section 3.2.4, for OPTIONS.
    static func originForm(_ uri: String, isOptions: Bool) -> String? {
        if uri.utf8.first == UInt8(ascii: "/") || uri == "*" { return uri }
        let lowered = uri.prefix(8).lowercased()
        guard lowered.hasPrefix("http://") || lowered.hasPrefix("https://") else { return nil }
        let rest = uri.dropFirst(lowered.hasPrefix("http://") ? 7 : 8)
        guard let slash = rest.firstIndex(where: { $0 == "/" || $0 == "?" }) else { return isOptions ? "*" : "/" }
        return rest[slash] == "/" ? String(rest[slash...]) : "/" + rest[slash...]
    }
}
