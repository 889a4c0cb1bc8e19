internal import struct FoundationEssentials.Data
internal import struct FoundationEssentials.URLComponents

/// An http(s) URL of an agent or evaluator, with its credentials taken out.
public struct AgentURL: Hashable, Sendable {
    /// Without user and password.
    let url: String
    /// The header for the user and password that stood in the URL.
    let authorization: String?
    /// The path, `/` if it is empty.
    let path: String
    /// Fit for reports: without user, password and query, any of which may be secret.
    public let displayName: String

    /// - Throws: ``AgentSpecification/UsageError`` that says what is wrong with it, without repeating a secret.
    public init(parsing text: String) throws(AgentSpecification.UsageError) {
        typealias UsageError = AgentSpecification.UsageError
        guard !text.unicodeScalars.contains(where: { $0.value <= 0x20 || $0.value == 0x7F }) else {
            throw UsageError("the URL has a space or a control character in it")
        }
        guard var parts = URLComponents(string: text), let scheme = parts.scheme?.lowercased() else {
            throw UsageError("the URL cannot be parsed")
        }
        guard scheme == "http" || scheme == "https" else {
            throw UsageError("\(Excerpt.text(scheme)) is not a scheme for agents: write http:// or https://")
        }
        guard let host = parts.host, !host.isEmpty else { throw UsageError("the URL names no host") }
        if let port = parts.port, !(1...65535).contains(port) { throw UsageError("\(port) is not a port") }
        if parts.user != nil || parts.password != nil {
            let pair = "\(parts.user ?? ""):\(parts.password ?? "")"
            authorization = "Basic " + Data(pair.utf8).base64EncodedString()
        } else {
            authorization = nil
        }
        parts.user = nil
        parts.password = nil
        parts.fragment = nil
        guard let url = parts.string else { throw UsageError("the URL cannot be parsed") }
        self.url = url
        path = parts.path.isEmpty ? "/" : parts.path
        parts.query = nil
        displayName = (parts.string ?? "\(scheme)://\(host)") + (url.contains("?") ? "?…" : "")
    }
}
