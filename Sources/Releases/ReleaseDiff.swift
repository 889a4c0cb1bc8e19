/// What changed from one release to another.
public struct ReleaseDiff: Sendable {
    public enum Kind: String, Sendable {
        case added, removed, changed
    }

    /// A value within a schema, a policy or the parameters; nil where it was not there. The values are canonical JSON,
    /// numbers of their own written plainly.
    public struct ValueChange: Hashable, Sendable {
        public var path: String
        public var old: String?
        public var new: String?
    }

    public struct PromptChange: Sendable {
        public var name: String
        public var kind: Kind
        /// Lines of a unified diff, from the first `@@` on.
        public var lines: [String]
    }

    public struct ToolChange: Sendable {
        public var name: String
        public var kind: Kind
        /// `description`, `effect`, `schema` and what is in it.
        public var changes: [ValueChange]
        public var isSchemaChanged: Bool { changes.contains { $0.path == "schema" || $0.path.hasPrefix("schema.") || $0.path.hasPrefix("schema[") } }
    }

    public var oldVersion: String
    public var newVersion: String
    public var oldDigest: String
    public var newDigest: String
    public var prompts: [PromptChange]
    public var tools: [ToolChange]
    /// Names in the new allow-list only, and in the old one only.
    public var allowed: [String]
    public var disallowed: [String]
    /// Set when one of the releases has no allow-list, the other has.
    public var allowList: Kind?
    public var policy: [ValueChange]
    /// Lines of a unified diff, when both policies are texts.
    public var policyLines: [String]
    /// `name`, `provider`, `parameters.temperature`, …
    public var model: [ValueChange]

    /// Whether the releases differ in more than their version label and metadata. If not, they are one arm, not two.
    public var changesBehaviour: Bool {
        !(prompts.isEmpty && tools.isEmpty && allowed.isEmpty && disallowed.isEmpty && allowList == nil && policy.isEmpty
            && policyLines.isEmpty && model.isEmpty)
    }

    public init(from old: Release, to new: Release) {
        (oldVersion, newVersion) = (old.version, new.version)
        (oldDigest, newDigest) = (old.digest, new.digest)
        prompts = Self.prompts(old, new)
        tools = Self.tools(old, new)
        let (before, after) = (Set((old.allowedTools ?? []).map(\.name)), Set((new.allowedTools ?? []).map(\.name)))
        allowed = after.subtracting(before).sorted()
        disallowed = before.subtracting(after).sorted()
        allowList = switch (old.allowedTools == nil, new.allowedTools == nil) {
        case (true, false): .added
        case (false, true): .removed
        default: nil
        }
        (policy, policyLines) = ([], [])
        switch (old.policy, new.policy) {
        case (.text(let before)?, .text(let after)?): policyLines = LineDiff.hunks(before, after)
        default: policy = Self.changes("", old.policy?.canonicalValue, new.policy?.canonicalValue)
        }
        model = Self.changes("", old.model?.canonicalValue, new.model?.canonicalValue)
    }

    private static func prompts(_ old: Release, _ new: Release) -> [PromptChange] {
        pairs(old.prompts, new.prompts, name: \.name).compactMap { name, before, after in
            guard before?.text != after?.text else { return nil }
            let lines = LineDiff.hunks(before?.text ?? [], after?.text ?? [])
            return PromptChange(name: name, kind: before == nil ? .added : after == nil ? .removed : .changed, lines: lines)
        }
    }

    private static func tools(_ old: Release, _ new: Release) -> [ToolChange] {
        func value(_ tool: Release.Tool) -> ReleaseValue {
            var members: [String: ReleaseValue] = ["effect": .string(tool.effect.rawValue)]
            if let description = tool.description { members["description"] = .string(description) }
            if let schema = tool.schema { members["schema"] = schema }
            return .object(members)
        }
        return pairs(old.tools, new.tools, name: \.name).compactMap { name, before, after in
            let changes = changes("", before.map(value), after.map(value))
            guard !changes.isEmpty else { return nil }
            guard before != nil, after != nil else {
                return ToolChange(name: name, kind: before == nil ? .added : .removed, changes: [])
            }
            return ToolChange(name: name, kind: .changed, changes: changes)
        }
    }

    /// What bears the same name on both sides; the n-th of a name belongs to the n-th.
    private static func pairs<Item>(_ old: [Item], _ new: [Item], name: (Item) -> String) -> [(String, Item?, Item?)] {
        let before = Dictionary(grouping: old, by: name)
        let after = Dictionary(grouping: new, by: name)
        return Set(before.keys).union(after.keys).sorted(by: ReleaseValue.bytesAscend).flatMap { name in
            let (left, right) = (before[name] ?? [], after[name] ?? [])
            return (0..<max(left.count, right.count)).map {
                (name, $0 < left.count ? left[$0] : nil, $0 < right.count ? right[$0] : nil)
            }
        }
    }

    static func changes(_ path: String, _ old: ReleaseValue?, _ new: ReleaseValue?) -> [ValueChange] {
        // Bytes, not strings, which Swift compares by canonical equivalence.
        guard old?.canonical != new?.canonical else { return [] }
        switch (old, new) {
        case (.object(let before)?, .object(let after)?):
            return Set(before.keys).union(after.keys).sorted(by: ReleaseValue.bytesAscend).flatMap {
                changes(path.isEmpty ? $0 : "\(path).\($0)", before[$0], after[$0])
            }
        case (.array(let before)?, .array(let after)?) where before.count == after.count:
            return before.indices.flatMap { changes("\(path)[\($0)]", before[$0], after[$0]) }
        default: return [ValueChange(path: path, old: old?.shown, new: new?.shown)]
        }
    }
}
