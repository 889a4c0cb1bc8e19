public import JSONDocuments

/// What an arm's release says of its tools. A call must fit both this and the configuration.
public struct ReleaseTools: Sendable {
    public struct Tool: Sendable {
        public var description: String?
        /// A JSON schema as the release has it, for `tools/list`.
        public var schema: JSONDocument?
        /// What the arguments must be; nil for any JSON object.
        public var arguments: JSONSchema?
        /// nil where the release does not say.
        public var effect: ToolEffect?

        public init() {}
    }

    public var version: String
    /// The names that the release allows; nil for a release without an allow-list.
    public var allowed: Set<String>?
    public var tools: [String: Tool]

    public init(version: String, allowed: Set<String>? = nil, tools: [String: Tool] = [:]) {
        self.version = version
        self.allowed = allowed
        self.tools = tools
    }
}

/// What a run may call now.
public struct CallableTools: Sendable {
    /// In the order of the names.
    public var names: [String]
    /// Whether it may cause any request to the tools.
    public var mayAsk: Bool
    /// What the run's release says of them; nil where it names no release file.
    public var release: ReleaseTools?
}
