/// Where an arm's requests go: `http://host:port` or `https://host:port`, with an optional path in front of every request's.
public struct Upstream: Hashable, Sendable {
    public enum Scheme: String, Sendable {
        case http, https
    }

    public let scheme: Scheme
    /// A name or an address; IPv6 without its brackets.
    public let host: String
    public let port: Int
    /// Empty, or a path that starts with a slash and ends without one.
    public let basePath: String
    /// The URL again.
    public let url: String

    /// - Throws: ``UpstreamError`` that says what is wrong with the URL.
    public init(_ url: String) throws(UpstreamError) {
        func wrong(_ problem: String) -> UpstreamError { UpstreamError(message: "\(url): \(problem)") }
        guard url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { throw wrong("blanks and control characters cannot stand in a URL") }
        guard let colon = url.firstIndex(of: ":"), let scheme = Scheme(rawValue: url[..<colon].lowercased()),
            url[colon...].hasPrefix("://")
        else { throw wrong("must start with http:// or https://") }
        let rest = url[colon...].dropFirst(3)
        let slash = rest.firstIndex { "/?#".contains($0) } ?? rest.endIndex
        let path = rest[slash...]
        guard !path.contains(where: { "?#".contains($0) }) else { throw wrong("a query or fragment has no place in an upstream") }
        let authority = rest[..<slash]
        guard !authority.contains("@") else { throw wrong("credentials do not belong into the URL; send them in a header") }
        var host = authority
        var port = scheme == .http ? 80 : 443
        let afterHost = authority.hasPrefix("[") ? authority.firstIndex(of: "]").map(authority.index(after:)) : authority.firstIndex(of: ":")
        if let afterHost, afterHost < authority.endIndex {
            guard authority[afterHost] == ":", let number = Int(authority[afterHost...].dropFirst()), (1...65535).contains(number) else {
                throw wrong("the port must be a number from 1 to 65535")
            }
            port = number
            host = authority[..<afterHost]
        }
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        guard !host.isEmpty else { throw wrong("the host is missing") }
        self.scheme = scheme
        self.host = String(host)
        self.port = port
        basePath = path.hasSuffix("/") ? String(path.dropLast()) : String(path)
        self.url = "\(scheme.rawValue)://\(Self.authority(scheme, self.host, port))\(basePath)"
    }

    /// `host:port` as it stands in a Host header.
    public var authority: String { Self.authority(scheme, host, port) }

    private static func authority(_ scheme: Scheme, _ host: String, _ port: Int) -> String {
        let name = host.contains(":") ? "[\(host)]" : host
        return port == (scheme == .http ? 80 : 443) ? name : "\(name):\(port)"
    }
}

/// What is wrong with an upstream's URL.
public struct UpstreamError: Error, Sendable, CustomStringConvertible {
    public var message: String
    public var description: String { message }
}
