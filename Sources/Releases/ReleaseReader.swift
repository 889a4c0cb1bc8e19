internal import StrictYAML

/// Reads `release.yaml` and the files that it names.
struct ReleaseReader {
    private var folder: BundleFolder
    private let file: String

    static func load(_ path: String) throws(ReleaseError) -> Release {
        do throws(YAMLError) {
            let document = try YAMLDocument(path: path)
            guard let folder = BundleFolder(ofFile: path) else {
                let problem = "the folder cannot be found any more"
                throw YAMLError([YAMLProblem(file: path, position: .init(line: 1, column: 1), problem: problem)])
            }
            var reader = ReleaseReader(folder: folder, file: path)
            return try document.read { root in root.mapping { reader.release($0) } }
        } catch {
            throw ReleaseError(error)
        }
    }

    private mutating func release(_ fields: YAMLMapping) -> Release? {
        let version = fields.required("version").flatMap(Self.label)
        let prompts = fields["prompts"]?.entries()?.compactMap { self.prompt($0.key, $0.value) }
        let tools = fields["tools"]?.list { self.tool($0) }
        let allowed = fields["allowed_tools"]?.list { field -> Release.AllowedTool? in
            Self.label(field).map { Release.AllowedTool(name: $0, source: source(field)) }
        }
        let policyField = fields["policy"]
        let policy = policyField.flatMap { self.policy($0) }
        let model = fields["model"]?.mapping { self.model($0) }
        let metadata = fields["metadata"].flatMap(ReleaseValue.init)
        guard let version else { return nil }
        return Release(
            version: version, prompts: prompts ?? [], tools: tools ?? [], allowedTools: allowed, policy: policy,
            policySource: policyField.map(source) ?? .init(file: file, line: fields.position.line), model: model,
            metadata: metadata, file: file, files: folder.files, unusedFiles: folder.unusedFiles())
    }

    /// A text without line breaks or other control characters that is not empty.
    private static func label(_ field: YAMLField) -> String? {
        guard let text = field.string() else { return nil }
        let isLabel = !text.isEmpty && text.utf8.count <= 256
            && !text.unicodeScalars.contains { $0.properties.generalCategory == .control }
        if !isLabel { field.report("found a text that is no label", remedy: "write 1 to 256 bytes on one line") }
        return isLabel ? text : nil
    }

    private func source(_ field: YAMLField) -> Release.Source { .init(file: file, line: field.position.line) }

    /// A file's name, a text of several lines, or a mapping that says which of both it is.
    private mutating func prompt(_ name: String, _ field: YAMLField) -> Release.Prompt? {
        guard field.isMapping else {
            guard let text = field.string() else { return nil }
            guard !text.utf8.contains(0x0A) else { return .init(name: name, text: Array(text.utf8), source: source(field)) }
            return prompt(name, file: field)
        }
        var prompt: Release.Prompt?
        field.mapping { fields -> Void? in
            switch (fields["file"], fields["text"]) {
            case (let file?, nil): prompt = self.prompt(name, file: file)
            case (nil, let text?):
                prompt = text.string().map { .init(name: name, text: Array($0.utf8), source: source(text)) }
            default: fields.report("a prompt is either a file or a text", remedy: "write file: PATH or text: |")
            }
            return ()
        }
        return prompt
    }

    private mutating func prompt(_ name: String, file field: YAMLField) -> Release.Prompt? {
        guard let path = field.string(), let bytes = read(field, path, hint: "; write text: … for a prompt in place") else { return nil }
        guard String(validating: bytes, as: UTF8.self) != nil else {
            field.report("\(path) holds bytes that are not UTF-8", remedy: "save the file as UTF-8")
            return nil
        }
        return .init(name: name, text: bytes, source: .init(file: folder.shown(path), line: 1))
    }

    private mutating func tool(_ field: YAMLField) -> Release.Tool? {
        field.mapping { fields -> Release.Tool? in
            let name = fields.required("name")?.string()
            let description = fields["description"]?.string()
            let schema = fields["schema"].flatMap { $0.text != nil ? value(file: $0) : ReleaseValue($0) }
            let effect = fields["effect"]?.word(as: Release.Effect.self)
            return name.map {
                Release.Tool(
                    name: $0, description: description, schema: schema, effect: effect ?? .write,
                    isEffectKnown: effect != nil, source: source(field))
            }
        }
    }

    private mutating func policy(_ field: YAMLField) -> Release.Policy? {
        guard let path = field.text else {
            guard field.isMapping else {
                field.report("found \(field.node.summary) where a mapping or a file name should be", remedy: "write key: value lines, or a relative path")
                return nil
            }
            return ReleaseValue(field).map(Release.Policy.value)
        }
        guard [".json", ".yaml", ".yml"].contains(where: path.hasSuffix) else {
            return read(field, path).map(Release.Policy.text)
        }
        guard let value = value(file: field) else { return nil }
        guard case .object = value else {
            field.report("\(path) holds no mapping", remedy: "write the policy as a mapping")
            return nil
        }
        return .value(value)
    }

    private func model(_ fields: YAMLMapping) -> Release.Model? {
        let name = fields.required("name").flatMap(Self.label)
        let provider = fields["provider"].flatMap(Self.label)
        var parameters: [String: ReleaseValue] = [:]
        for (key, field) in fields["parameters"]?.entries() ?? [] { parameters[key] = ReleaseValue(field) }
        return name.map {
            .init(name: $0, provider: provider, parameters: parameters, source: .init(file: file, line: fields.position.line))
        }
    }

    /// A value in a file of its own: YAML by its name, JSON otherwise.
    private mutating func value(file field: YAMLField) -> ReleaseValue? {
        guard let path = field.string(), let bytes = read(field, path) else { return nil }
        guard !path.hasSuffix(".yaml"), !path.hasSuffix(".yml") else {
            do {
                let document = try YAMLDocument(bytes: bytes, name: folder.shown(path))
                return try document.read { ReleaseValue($0) }
            } catch {
                field.report("\(path) cannot be used: \(error)", remedy: "mend that file")
                return nil
            }
        }
        do {
            return try ReleaseValue(json: bytes)
        } catch {
            let line = bytes.prefix(error.offset ?? 0).count { $0 == 0x0A } + 1
            field.report("\(path), line \(line): \(error.problem)", remedy: "mend that file")
            return nil
        }
    }

    private mutating func read(_ field: YAMLField, _ path: String, hint: String = "") -> [UInt8]? {
        do {
            return try folder.read(path)
        } catch {
            field.report(error.problem, remedy: error.remedy + hint)
            return nil
        }
    }
}
