public import JSONDocuments

/// Where a tool is. Only these URLs are ever asked: nothing that a caller says becomes part of one.
public struct ToolTarget: Sendable {
    public enum Kind: Sendable {
        /// POST of the arguments to the URL; the answer's JSON is the result.
        case http
        /// A tool of the MCP server at the URL, under the name that it has there.
        case mcp(name: String)
    }

    public var url: String
    public var kind: Kind
    /// Sent with each request; may hold secrets.
    public var headers: [(name: String, value: String)]
    /// For `tools/list`; an MCP server's own words where nil.
    public var description: String?
    /// A JSON schema, for `tools/list`.
    public var schema: JSONDocument?

    public init(url: String, kind: Kind, headers: [(name: String, value: String)] = [], description: String? = nil, schema: JSONDocument? = nil) {
        self.url = url
        self.kind = kind
        self.headers = headers
        self.description = description
        self.schema = schema
    }

    /// Its name on an MCP server; nil for plain HTTP.
    var remoteName: String? {
        if case .mcp(let name) = kind { name } else { nil }
    }
}
