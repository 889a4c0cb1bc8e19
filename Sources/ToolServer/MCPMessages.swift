internal import JSONDocuments
internal import ToolGateway

/// What is said to an MCP server, and what of its answers can be passed on.
///
/// Source: JSON-RPC 2.0; Model Context Protocol 2025-06-18, "Tools".
enum MCPMessages {
    static func request(_ id: JSONDocument, _ method: String, _ parameters: JSONDocument) -> [UInt8] {
        JSONDocument.object(["jsonrpc": .string("2.0"), "id": id, "method": .string(method), "params": parameters]).canonicalBytes
    }

    static func notification(_ method: String, _ parameters: JSONDocument) -> [UInt8] {
        JSONDocument.object(["jsonrpc": .string("2.0"), "method": .string(method), "params": parameters]).canonicalBytes
    }

    /// The response to a request, be it an error.
    static func response(in answer: UpstreamHTTP.Answer, to id: JSONDocument) throws(ToolFailure) -> JSONDocument {
        if let document = try? JSONDocument(parsing: answer.body) {
            // Servers send errors of JSON-RPC with a status of failure too, and without the id of what they could not read.
            if document["error"] != nil, document["id"] == nil || document["id"] == .null || document["id"] == id { return document }
            if document["result"] != nil, document["id"] == id { return document }
        }
        guard (200..<300).contains(answer.status) else {
            throw ToolFailure(.badAnswer, "the MCP server answered with status \(answer.status)")
        }
        throw ToolFailure(.badAnswer, "the MCP server's answer is no response of JSON-RPC to what it was asked")
    }

    /// A result as agents' MCP clients can read it; nil for what is none.
    static func callToolResult(_ document: JSONDocument) -> JSONDocument? {
        guard case .object(let result) = document else { return nil }
        let structured = result["structuredContent"]
        if let structured, structured != .null { guard case .object = structured else { return nil } }
        if let flag = result["isError"], flag != .null { guard case .bool = flag else { return nil } }
        guard let content = result["content"] else {
            guard case .object? = structured else { return nil }
            return .object(result.setting("content", to: .array([])))
        }
        guard case .array(let blocks) = content else { return nil }
        for block in blocks { guard case .object = block, case .string? = block["type"] else { return nil } }
        return document
    }

    /// What a caller without MCP is given: the structured result, else the only text, else all the content.
    static func content(of result: JSONDocument) -> JSONDocument {
        if let structured = result["structuredContent"], case .object = structured { return structured }
        guard let content = result["content"] else { return .null }
        if case .array(let blocks) = content, blocks.count == 1, blocks[0]["type"] == .string("text"), let text = blocks[0]["text"] { return text }
        return content
    }

    /// A tool's definition without what is not as it must be: one bad definition would spoil the whole list for an agent.
    static func definition(_ document: JSONDocument) -> JSONDocument {
        var sound: [JSONObject.Member] = []
        for key in ["title", "description"] {
            if case .string? = document[key], let value = document[key] { sound.append(.init(key: key, value: value)) }
        }
        for key in ["inputSchema", "outputSchema"] {
            if let value = document[key], value["type"] == .string("object") { sound.append(.init(key: key, value: value)) }
        }
        for key in ["annotations", "_meta"] {
            if case .object? = document[key], let value = document[key] { sound.append(.init(key: key, value: value)) }
        }
        return .object(JSONObject(sound))
    }
}
