internal import Digests

extension Release {
    /// `sha256:` and 64 lower-case hex digits: the SHA-256 of the 20 bytes `outrigger/release/1` NUL, followed by
    /// ``canonicalForm``.
    public var digest: String { Self.sha256(Array("outrigger/release/1\0".utf8) + canonicalForm) }

    /// What the digest is taken of: one JSON document in UTF-8, without a final line feed, built as follows.
    ///
    /// - No white space between tokens. Members of an object stand in ascending order of their names' UTF-8 bytes.
    /// - In strings, `"` and `\` are escaped by a backslash; line feed, carriage return and tab are `\n`, `\r`, `\t`; other
    ///   characters below U+0020 are `\u00` and two lower-case hex digits. Everything else stands as it is. Nothing is
    ///   normalised.
    /// - A number is exact: an optional `-`, the decimal digits without leading and trailing zeros, and, unless it is 0,
    ///   `e` and the power of ten they are multiplied by, in decimal without `+`. Zero is `0`. So `184.50` is `1845e-1`,
    ///   `100` is `1e2`, and `1.0` is `1`.
    ///
    /// The document is an object with these six members, all of them always there:
    ///
    /// - `allowed_tools`: the names, each once, in ascending order of their bytes; `null` without an allow-list.
    /// - `model`: `null`, or an object of `name`, `parameters` (an object, empty if none are given) and `provider` (`null`
    ///   if not given).
    /// - `policy`: `null`; the policy's mapping; or, for a policy that is a file of another kind than JSON or YAML,
    ///   `"sha256:HEX"` of the file's bytes.
    /// - `prompts`: an object of prompt names and `"sha256:HEX"` of each prompt's bytes. The bytes are those of the file,
    ///   line endings included, or the UTF-8 of the inline text as YAML reads it. The file's name does not count.
    /// - `tools`: an array of objects with `description` (`null` if not given), `effect` (`"write"` if not given), `name` and
    ///   `schema` (the schema's own JSON value; `null` if not given), in ascending order of the
    ///   bytes of `name`, and of the canonical bytes of the object where names are equal.
    /// - `version`: the label.
    ///
    /// Neither `metadata` nor the order of keys, tools or allowed tools, YAML's many forms, comments, or how the bundle is
    /// laid out in files counts.
    public var canonicalForm: [UInt8] { canonicalValue.canonical }

    private var canonicalValue: ReleaseValue {
        .object([
            "allowed_tools": allowedTools.map { allowed in
                .array(Set(allowed.map { Array($0.name.utf8) }).sorted { $0.lexicographicallyPrecedes($1) }
                    .map { .string(String(decoding: $0, as: UTF8.self)) })
            } ?? .null,
            "model": model?.canonicalValue ?? .null,
            "policy": policy?.canonicalValue ?? .null,
            "prompts": .object(Dictionary(prompts.map { ($0.name, .string(Self.sha256($0.text))) }) { first, _ in first }),
            "tools": .array(sortedTools),
            "version": .string(version),
        ])
    }

    private var sortedTools: [ReleaseValue] {
        tools.map { (Array($0.name.utf8), $0.canonicalValue, $0.canonicalValue.canonical) }
            .sorted { $0.0 == $1.0 ? $0.2.lexicographicallyPrecedes($1.2) : $0.0.lexicographicallyPrecedes($1.0) }
            .map(\.1)
    }

    static func sha256(_ bytes: [UInt8]) -> String {
        var text = Array("sha256:".utf8)
        bytes.withUnsafeBytes { SHA256.appendHex(of: $0, to: &text) }
        return String(decoding: text, as: UTF8.self)
    }
}

extension Release.Tool {
    fileprivate var canonicalValue: ReleaseValue {
        .object([
            "name": .string(name), "description": description.map(ReleaseValue.string) ?? .null,
            "effect": .string(effect.rawValue), "schema": schema ?? .null,
        ])
    }
}

extension Release.Model {
    var canonicalValue: ReleaseValue {
        .object([
            "name": .string(name), "provider": provider.map(ReleaseValue.string) ?? .null, "parameters": .object(parameters),
        ])
    }
}

extension Release.Policy {
    var canonicalValue: ReleaseValue {
        switch self {
        case .value(let value): value
        case .text(let bytes): .string(Release.sha256(bytes))
        }
    }
}
