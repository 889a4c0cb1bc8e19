/// The names and addresses by which this machine calls itself.
public enum LoopbackName {
    /// - Parameter authority: a host, with or without a port.
    public static func isIn(authority: String) -> Bool {
        var rest = authority[...]
        let host: Substring
        if rest.first == "[" {
            host = rest.dropFirst().prefix { $0 != "]" }
            rest = rest.dropFirst(host.count + 1)
            guard rest.popFirst() == "]" else { return false }
        } else {
            host = rest.prefix { $0 != ":" }
            rest = rest.dropFirst(host.count)
        }
        guard rest.isEmpty || (rest.first == ":" && rest.dropFirst().utf8.allSatisfy(isDigit)) else { return false }
        return isLoopback(String(host))
    }

    /// Only whole addresses count: `127.evil.example` is a name, and whose it is its owner says.
    public static func isLoopback(_ host: String) -> Bool {
        if host.lowercased() == "localhost" || host == "::1" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127"
            && parts.allSatisfy { (1...3).contains($0.utf8.count) && $0.utf8.allSatisfy(isDigit) && (Int($0) ?? 256) < 256 }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
}
