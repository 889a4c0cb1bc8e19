internal import JSONDocuments

/// A call as it is compared with others: the rule of `outrigger replay`. The order of members, white space and the spelling
/// of numbers do not matter; no arguments, `null` and `{}` are the same.
struct ToolCallKey: Hashable, Sendable {
    var name: String
    /// Canonical JSON.
    var arguments: [UInt8]

    init(name: String, arguments: JSONDocument) { self.init(name: name, canonical: arguments.canonicalBytes) }

    init(name: String, canonical: [UInt8]) {
        self.name = name
        arguments = canonical
    }

    static func == (a: ToolCallKey, b: ToolCallKey) -> Bool {
        // Strings are equal when they look alike; names must be the same bytes.
        a.arguments == b.arguments && a.name.utf8.elementsEqual(b.name.utf8)
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(arguments)
        for byte in name.utf8 { hasher.combine(byte) }
    }
}

/// The arguments of a call as an object.
struct ToolArguments {
    let document: JSONDocument

    /// - Parameter json: nil, or nothing but JSON's white space, for a call without any.
    /// - Returns: nil for what is no JSON object, nor a string that holds one as models write it.
    init?(_ json: [UInt8]?) {
        // Other control characters are no white space: what has only those is broken, and not a call without arguments.
        guard let json, json.contains(where: { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }) else {
            document = .object([:])
            return
        }
        guard let parsed = try? JSONDocument(parsing: json) else { return nil }
        switch parsed {
        case .null: document = .object([:])
        case .object: document = parsed
        case .string(let text):
            guard let inner = try? JSONDocument(parsing: text), case .object = inner else { return nil }
            document = inner
        default: return nil
        }
    }
}
