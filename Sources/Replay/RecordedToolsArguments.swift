internal import AgentRuns
internal import JSONDocuments

/// When the arguments of two calls are the same: the order of members, white space and the spelling of numbers do not
/// matter; no arguments, `null` and `{}` are the same; a string that holds an object or array, as models write arguments,
/// counts as that.
enum ToolArguments {
    /// A tool with arguments in canonical form.
    struct Key: Hashable, Sendable {
        var name: [UInt8]
        var arguments: [UInt8]

        init(name: [UInt8], arguments: [UInt8]) {
            self.name = name
            self.arguments = arguments
        }

        init(_ run: borrowing AgentRun, _ call: ToolCall) {
            name = call.name.map { Array(run.storage[$0.range]) } ?? []
            arguments = call.arguments.map { ToolArguments.canonical($0, run.storage) } ?? ToolArguments.none
        }
    }

    static let none = Array("{}".utf8)

    static func canonical(_ json: [UInt8]?) -> [UInt8] {
        // Text that is no JSON stands for itself.
        guard let json else { return none }
        guard let document = try? JSONDocument(parsing: json) else { return json }
        switch document {
        case .null: return none
        case .string(let text): return canonical(string: text)
        default: return document.canonicalBytes
        }
    }

    private static func canonical(_ content: Content, _ storage: [UInt8]) -> [UInt8] {
        let text = storage[content.text.range]
        return switch content.form {
        case .json: canonical(Array(text))
        case .string: canonical(string: String(decoding: text, as: UTF8.self))
        }
    }

    private static func canonical(string: String) -> [UInt8] {
        if let first = string.utf8.first(where: { $0 > 0x20 }), first == UInt8(ascii: "{") || first == UInt8(ascii: "["),
            let canonical = try? JSONCanonical.bytes(ofJSON: Array(string.utf8))
        {
            return canonical
        }
        return JSONDocument.string(string).canonicalBytes
    }
}
