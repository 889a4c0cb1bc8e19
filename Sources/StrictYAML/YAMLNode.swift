/// A value of a document, with its aliases replaced by what they stand for.
public struct YAMLNode: Sendable {
    public struct Entry: Sendable {
        public let key: String
        public let keyPosition: YAMLPosition
        public let value: YAMLNode
    }

    public enum Content: Sendable {
        /// `isPlain`: written without quotes and not as a block, so that the core schema says whether it is a number.
        case scalar(String, isPlain: Bool)
        case sequence([YAMLNode])
        /// In the order of the file; no key stands twice.
        case mapping([Entry])
    }

    public let content: Content
    /// Where it stands; for an alias, where the alias stands.
    public let position: YAMLPosition
    let weight: Weight

    /// How large a value is with its aliases replaced.
    struct Weight: Sendable {
        var nodes = 1
        var bytes = 0
        var height = 1

        /// Cannot overflow: every part was within ``YAMLLimits`` before.
        mutating func add(_ part: Weight) {
            nodes += part.nodes
            bytes += part.bytes
            height = max(height, part.height + 1)
        }
    }

    /// The same value, at the place of an alias.
    func moved(to position: YAMLPosition) -> YAMLNode { YAMLNode(content: content, position: position, weight: weight) }

    /// The value as the core schema of YAML 1.2.2 reads it.
    public var scalar: YAMLScalar? {
        guard case .scalar(let text, let isPlain) = content else { return nil }
        return isPlain ? YAMLScalar(plain: text) : .string(text)
    }

    /// What it is, for messages: `the text "yes"`, `a list`.
    public var summary: String {
        switch content {
        case .sequence: "a list"
        case .mapping: "a mapping"
        case .scalar(let text, _):
            switch scalar {
            case .null?: "nothing"
            case .bool?: "\(text) (true or false)"
            case .number?, .notFinite?: "the number \(quoted(text).dropFirst().dropLast())"
            default: "the text \(quoted(text))"
            }
        }
    }
}

/// What bounds a document, whoever wrote it.
public struct YAMLLimits: Sendable {
    /// Size of the file in bytes.
    public var fileBytes = 1 << 20
    /// How many lists and mappings may stand within one another, aliases replaced. At most 500.
    public var depth = 64
    /// How many values the document may have with its aliases replaced.
    public var nodes = 100_000
    /// How many bytes of text it may have with its aliases replaced.
    public var textBytes = 8 << 20

    public init() {}
}
