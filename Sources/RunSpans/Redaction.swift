/// What is taken out of content before it leaves.
public struct Redaction: Sendable {
    /// The values of these JSON keys are replaced whole, at any depth; compared without case, `-` or `_`.
    public var keys: Set<String>
    /// Whether e-mail addresses, card numbers, bearer tokens and common API keys are replaced.
    public var usesBuiltInPatterns: Bool
    /// Regular expressions of the user, in Swift's syntax.
    public private(set) var patterns: [String] = []

    /// The keys that are always in the set unless the caller says otherwise.
    public static let defaultKeys: Set<String> = [
        "password", "passwd", "passphrase", "secret", "clientsecret", "token", "accesstoken", "refreshtoken", "idtoken",
        "apikey", "xapikey", "authorization", "proxyauthorization", "cookie", "setcookie", "privatekey", "credentials",
        "cvv", "cvc", "ssn",
    ]

    public init(keys: Set<String> = Redaction.defaultKeys, usesBuiltInPatterns: Bool = true) {
        self.keys = Set(keys.map { Self.normalized($0.utf8) })
        self.usesBuiltInPatterns = usesBuiltInPatterns
    }

    public mutating func add(key: String) { keys.insert(Self.normalized(key.utf8)) }

    /// - Throws: whatever the regular expression parser has against the pattern.
    public mutating func add(pattern: String) throws {
        _ = try Regex(pattern)
        patterns.append(pattern)
    }

    static func normalized(_ key: some Sequence<UInt8>) -> String {
        String(decoding: key.lazy.filter { $0 != UInt8(ascii: "-") && $0 != UInt8(ascii: "_") }, as: UTF8.self).lowercased()
    }
}
