extension ReleaseLint {
    static func toolFindings(_ release: Release) -> [Finding] {
        var found: [Finding] = []
        var lines: [String: Int] = [:]
        for tool in release.tools {
            if !isToolName(tool.name) {
                found.append(finding(
                    .error, "tool-name-invalid", tool.source, "\"\(tool.name)\" is no tool name that models accept",
                    "use 1 to 64 of A–Z, a–z, 0–9, _ and -"))
            }
            if let line = lines.updateValue(tool.source.line, forKey: tool.name) {
                found.append(finding(
                    .error, "tool-name-duplicate", tool.source, "the tool \"\(tool.name)\" stands in line \(line) already",
                    "keep one of them"))
            }
            if !tool.isEffectKnown {
                found.append(finding(
                    .warning, "tool-effect-unknown", tool.source,
                    "the tool \"\(tool.name)\" does not say whether it writes; it counts as writing", "add effect: read or write"))
            }
            if tool.description?.utf8.contains(where: { $0 > 0x20 }) != true {
                found.append(finding(
                    .warning, "tool-description-missing", tool.source, "the tool \"\(tool.name)\" has no description",
                    "tell the model when to use it"))
            }
            found += schemaFindings(tool)
        }
        return found
    }

    private static func schemaFindings(_ tool: Release.Tool) -> [Finding] {
        guard let schema = tool.schema else {
            return [finding(
                .error, "tool-schema-missing", tool.source, "the tool \"\(tool.name)\" has no schema",
                "add schema: with the JSON Schema of its arguments")]
        }
        guard schema["type"]?.canonical == Array(#""object""#.utf8) else {
            return [finding(
                .error, "tool-schema-not-object", tool.source,
                "the schema of \"\(tool.name)\" does not describe an object, which arguments are", "add type: object")]
        }
        guard case .array(let required)? = schema["required"] else { return [] }
        return required.compactMap { name in
            guard case .string(let name) = name, schema["properties"]?[name] == nil else { return nil }
            return finding(
                .warning, "tool-schema-required-unknown", tool.source,
                "the schema of \"\(tool.name)\" requires \"\(name)\" without describing it", "add it to properties")
        }
    }

    static func allowListFindings(_ release: Release) -> [Finding] {
        guard let allowed = release.allowedTools else {
            guard !release.tools.isEmpty else { return [] }
            return [finding(
                .warning, "allow-list-missing", .init(file: release.file, line: 1), "there is no allow-list",
                "add allowed_tools: with the tools that the agent may call")]
        }
        var found: [Finding] = []
        let tools = Set(release.tools.map(\.name))
        var seen: Set<String> = []
        for entry in allowed {
            if !seen.insert(entry.name).inserted {
                found.append(finding(
                    .warning, "allowed-tool-duplicate", entry.source, "\"\(entry.name)\" is allowed twice", "keep it once"))
            } else if !tools.contains(entry.name) {
                found.append(finding(
                    .error, "allowed-tool-unknown", entry.source, "the allowed tool \"\(entry.name)\" is not in the bundle",
                    "add it to tools: with its schema, or take it off the list"))
            }
        }
        for tool in release.tools where !seen.contains(tool.name) {
            found.append(finding(
                .warning, "tool-not-allowed", tool.source, "the tool \"\(tool.name)\" is not on the allow-list",
                "add it to allowed_tools: or take it out of the bundle"))
        }
        return found
    }

    static func isToolName(_ name: String) -> Bool {
        (1...64).contains(name.utf8.count) && name.utf8.allSatisfy(isNameByte)
    }

    static func isNameByte(_ byte: UInt8) -> Bool {
        let letter = byte | 0x20
        return letter >= UInt8(ascii: "a") && letter <= UInt8(ascii: "z") || byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
            || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
    }
}
