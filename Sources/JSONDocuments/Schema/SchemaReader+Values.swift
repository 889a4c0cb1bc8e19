/// Values of keywords, checked for their types.
extension SchemaReader {
    func number(_ keyword: String) throws(JSONSchemaError) -> JSONNumber? {
        switch members[keyword] {
        case nil: return nil
        case .number(let number): return number
        case let value?: throw error(keyword, "\(value.excerpt) is no number", "write a number")
        }
    }

    func count(_ keyword: String) throws(JSONSchemaError) -> Int? {
        guard let number = try number(keyword) else { return nil }
        guard number.isIntegral, number >= JSONNumber(0) else {
            throw error(keyword, "\(number.text) is no count", "write an integer of 0 or more")
        }
        // No text or array is that long, so beyond the largest integer all are the same.
        return number.intValue ?? .max
    }

    func list(_ keyword: String) throws(JSONSchemaError) -> [JSONDocument]? {
        switch members[keyword] {
        case nil: return nil
        case .array(let elements): return elements
        case let value?: throw error(keyword, "\(value.excerpt) is no list", "write an array")
        }
    }

    func object(_ keyword: String) throws(JSONSchemaError) -> JSONObject? {
        switch members[keyword] {
        case nil: return nil
        case .object(let object): return object
        case let value?: throw error(keyword, "\(value.excerpt) is no object", "write an object")
        }
    }

    func strings(_ value: JSONDocument, keyword: String) throws(JSONSchemaError) -> [String] {
        guard case .array(let elements) = value else {
            throw error(keyword, "\(value.excerpt) is no list of names", "write an array of strings")
        }
        var names: [String] = []
        for element in elements {
            guard case .string(let name) = element else {
                throw error(keyword, "\(element.excerpt) is no name", "write an array of strings")
            }
            names.append(name)
        }
        return names
    }

    func schema(_ keyword: String) throws(JSONSchemaError) -> Int? {
        guard let value = members[keyword] else { return nil }
        return try compiler.add(value, at: pointer.appending(keyword))
    }

    func schemas(_ keyword: String) throws(JSONSchemaError) -> [Int]? {
        guard let elements = try list(keyword) else { return nil }
        guard !elements.isEmpty else { throw error(keyword, "the list is empty", "add a schema or remove the keyword") }
        var indices: [Int] = []
        for (i, element) in elements.enumerated() {
            indices.append(try compiler.add(element, at: pointer.appending(keyword).appending(i)))
        }
        return indices
    }

    func namedSchemas(_ keyword: String) throws(JSONSchemaError) -> [(name: String, schema: Int)]? {
        guard let object = try object(keyword) else { return nil }
        var schemas: [(name: String, schema: Int)] = []
        for member in object.members {
            let place = pointer.appending(keyword).appending(member.key)
            schemas.append((member.key, try compiler.add(member.value, at: place)))
        }
        return schemas
    }
}

/// References and what they lead to.
extension SchemaReader {
    enum Target {
        case place(Int)
        case anchor(String)
    }

    /// Reads the schemas under `$defs`, and `definitions` as earlier drafts had it, so that none of them is left
    /// unchecked and their anchors are known.
    func readDefinitions() throws(JSONSchemaError) {
        _ = try namedSchemas("$defs")
        _ = try namedSchemas("definitions")
    }

    func anchor() throws(JSONSchemaError) -> String? {
        switch members["$anchor"] {
        case nil: return nil
        case .string(let name) where Self.isAnchor(name): return name
        default:
            throw error("$anchor", "is no name", "write a letter or _, then letters, digits, “-”, “_” and “.”")
        }
    }

    private static func isAnchor(_ name: String) -> Bool {
        for (i, scalar) in name.unicodeScalars.enumerated() {
            switch scalar {
            case "a"..."z", "A"..."Z", "_": continue
            case "0"..."9", "-", ".": if i == 0 { return false }
            default: return false
            }
        }
        return !name.isEmpty
    }

    func reference() throws(JSONSchemaError) -> Target? {
        guard let value = members["$ref"] else { return nil }
        guard case .string(let written) = value else {
            throw error("$ref", "\(value.excerpt) is no string", "write a reference such as #/$defs/name")
        }
        guard let fragment = localFragment(written) else {
            throw error(
                "$ref", "“\(written)” leads out of this schema",
                "copy what it means under $defs and refer to it as #/$defs/name")
        }
        guard let text = Self.percentDecoded(fragment) else {
            throw error("$ref", "“\(written)” has a malformed percent escape", "write % and two hexadecimal digits")
        }
        if Self.isAnchor(text) { return .anchor(text) }
        guard let place = try? JSONPointer(text), let schema = place.resolve(in: compiler.document) else {
            throw error("$ref", "“\(written)” leads nowhere", "name a place of this schema, such as #/$defs/name")
        }
        return .place(try compiler.add(schema, at: place))
    }

    /// What follows the `#`, if the reference is to this schema: without a name, or with the root's own `$id`.
    private func localFragment(_ reference: String) -> String? {
        let parts = reference.utf8.split(separator: UInt8(ascii: "#"), maxSplits: 1, omittingEmptySubsequences: false)
        let name = parts.first.map { String($0) ?? "" } ?? ""
        if !name.isEmpty {
            guard case .string(let id)? = compiler.document["$id"], ExactText.areEqual(id, name) else { return nil }
        }
        return parts.count > 1 ? String(parts[1]) : ""
    }

    private static func percentDecoded(_ text: String) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            let digits = String(decoding: rest.prefix(2), as: UTF8.self)
            guard digits.utf8.count == 2, digits.allSatisfy(\.isHexDigit), let value = UInt8(digits, radix: 16) else {
                return nil
            }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
