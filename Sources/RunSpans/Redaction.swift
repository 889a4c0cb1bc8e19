/// What is taken out of content before it leaves.
public struct Redaction: Sendable {
    /// The values of these JSON keys are replaced whole, at any depth; compared without case, `-`, `_`, dots or spaces.
    public var keys: Set<String>
    /// Whether e-mail addresses, card numbers, bearer tokens and common API keys are replaced.
    public var usesBuiltInPatterns: Bool
    /// Regular expressions of the user, in Swift's syntax.
    public private(set) var patterns: [String] = []
    /// Whether keys that end like the default ones are meant too.
    private let usesSuffixes: Bool

    /// The keys that are always in the set unless the caller says otherwise.
    public static let defaultKeys: Set<String> = [
        "password", "passwd", "passphrase", "secret", "clientsecret", "token", "accesstoken", "refreshtoken", "idtoken",
        "apikey", "xapikey", "authorization", "proxyauthorization", "cookie", "setcookie", "privatekey", "credentials",
        "cvv", "cvc", "ssn",
    ]

    public init(keys: Set<String> = Redaction.defaultKeys, usesBuiltInPatterns: Bool = true) {
        self.keys = Set(keys.map { Self.normalized($0.utf8) })
        usesSuffixes = keys == Self.defaultKeys
        self.usesBuiltInPatterns = usesBuiltInPatterns
    }

    public mutating func add(key: String) { keys.insert(Self.normalized(key.utf8)) }

    /// - Throws: whatever the regular expression parser has against the pattern.
    public mutating func add(pattern: String) throws {
        _ = try Regex(pattern)
        patterns.append(pattern)
    }

    /// Whether the value of this JSON key is replaced.
    func hides(_ key: [UInt8]) -> Bool {
        let name = Self.normalized(key)
        return keys.contains(name) || usesSuffixes && Self.suffixes.contains { name.hasSuffix($0) }
    }

    /// `db_password`, `aws_secret_access_key`, `authToken`: what a key ends in tells.
    private static let suffixes = [
        "password", "passwd", "passphrase", "secret", "secretkey", "accesskey", "privatekey", "apikey", "token",
        "authorization", "credentials", "cookie", "pwd",
    ]

    private static let separators = Set("-_. \t".utf8)

    static func normalized(_ key: some Sequence<UInt8>) -> String {
        String(decoding: key.lazy.filter { !separators.contains($0) }, as: UTF8.self).lowercased()
    }
}
