/// The bundle that decides an agent's behaviour: named by ``version``, pinned by ``digest``.
public struct Release: Sendable {
    /// Where something of the bundle was written.
    public struct Source: Hashable, Sendable {
        public var file: String
        public var line: Int
    }

    public struct Prompt: Sendable {
        public var name: String
        /// The bytes as they are in the file, or as YAML reads the inline text.
        public var text: [UInt8]
        /// The file, line 1, or the place of the inline text.
        public var source: Source
    }

    public enum Effect: String, CaseIterable, Sendable {
        case read, write
    }

    public struct Tool: Sendable {
        public var name: String
        public var description: String?
        public var schema: ReleaseValue?
        /// Write when the bundle does not say: what is unknown is taken for dangerous.
        public var effect: Effect
        public var isEffectKnown: Bool
        public var source: Source
    }

    public struct AllowedTool: Sendable {
        public var name: String
        public var source: Source
    }

    public enum Policy: Hashable, Sendable {
        /// A mapping, written in place or in a `.json`, `.yaml` or `.yml` file.
        case value(ReleaseValue)
        /// The bytes of a file of any other kind.
        case text([UInt8])
    }

    public struct Model: Sendable {
        public var name: String
        public var provider: String?
        public var parameters: [String: ReleaseValue]
        public var source: Source
    }

    public var version: String
    public var prompts: [Prompt]
    public var tools: [Tool]
    /// Nil when the bundle has no allow-list.
    public var allowedTools: [AllowedTool]?
    public var policy: Policy?
    public var policySource: Source
    public var model: Model?
    /// Free; no part of the digest.
    public var metadata: ReleaseValue?
    /// The bundle's own file.
    public var file: String
    /// The files that it names, relative to its folder, in the order of their first mention.
    public var files: [String]
    /// Files beside those that the bundle does not name.
    public var unusedFiles: [String]

    /// Paths of all that the bundle was read from.
    public var paths: [String] {
        let folder = file.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(file[...$0]) } ?? ""
        return [file] + files.map { folder + $0 }
    }

    /// Reads a bundle with all its files.
    ///
    /// - Throws: ``ReleaseError`` with all that was found wrong, up to 20 problems.
    public static func load(_ path: String) throws(ReleaseError) -> Release { try ReleaseReader.load(path) }
}
