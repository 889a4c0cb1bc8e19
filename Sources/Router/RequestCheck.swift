internal import NIOHTTP1

/// Whether a request may be passed on: what two servers could read in two ways is refused.
///
/// Source: RFC 9112, sections 3.2 (request target), 6.1 and 6.3 (message body length), 11.2 (request smuggling).
enum RequestCheck {
    static func problem(with head: HTTPRequestHead) -> Refusal? {
        if head.method == .CONNECT { return .connect }
        if head.headers.contains(name: "upgrade"), head.headers[canonicalForm: "connection"].contains(where: { $0.equalsASCII("upgrade") }) {
            return .upgrade
        }
        guard head.version.major == 1 else { return .malformed("HTTP/\(head.version.major) is not spoken here") }
        if let problem = framing(head) ?? host(head) ?? target(head) { return .malformed(problem) }
        return nil
    }

    private static func framing(_ head: HTTPRequestHead) -> String? {
        let lengths = head.headers["content-length"]
        let codings = head.headers["transfer-encoding"]
        guard codings.isEmpty || lengths.isEmpty else { return "it has both Content-Length and Transfer-Encoding" }
        guard lengths.count <= 1 else { return "it has more than one Content-Length" }
        if let length = lengths.first, length.isEmpty || !length.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
            return "its Content-Length is not a number"
        }
        guard !codings.isEmpty else { return nil }
        guard head.isHTTP11 else { return "Transfer-Encoding does not exist in HTTP/1.0" }
        guard codings.count == 1, codings[0].equalsASCII("chunked") else { return "the only Transfer-Encoding taken is chunked" }
        return nil
    }

    private static func host(_ head: HTTPRequestHead) -> String? {
        let hosts = head.headers["host"]
        guard hosts.count <= 1 else { return "it has more than one Host" }
        guard let host = hosts.first else { return head.isHTTP11 ? "Host is missing" : nil }
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

    private static func target(_ head: HTTPRequestHead) -> String? {
        let uri = head.uri.utf8
        guard !uri.contains(where: { $0 <= 0x20 || $0 >= 0x7F || $0 == UInt8(ascii: "#") }) else {
            return "its target has characters that a target cannot have"
        }
        if head.uri.hasPrefix("/") { return nil }
        if head.uri == "*" { return head.method == .OPTIONS ? nil : "the target * is only for OPTIONS" }
        guard let path = originForm(head.uri) else { return "its target is not a path" }
        // Two hosts would let us and the agent think of different ones.
        let authority = head.uri.drop { $0 != ":" }.dropFirst(3).prefix { $0 != "/" && $0 != "?" }
        return path.isEmpty || authority.lowercased() != head.headers.first(name: "host")?.lowercased()
            ? "its target names another host than its Host" : nil
    }

    /// The path and query of an absolute target; nil for anything else.
    static func originForm(_ uri: String) -> String? {
        if uri.hasPrefix("/") || uri == "*" { return uri }
        let lowered = uri.prefix(8).lowercased()
        guard lowered.hasPrefix("http://") || lowered.hasPrefix("https://") else { return nil }
        let rest = uri.dropFirst(lowered.hasPrefix("http://") ? 7 : 8)
        guard let slash = rest.firstIndex(where: { $0 == "/" || $0 == "?" }) else { return "/" }
        return rest[slash] == "/" ? String(rest[slash...]) : "/" + rest[slash...]
    }
}
