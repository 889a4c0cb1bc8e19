internal import JSONDocuments
internal import Replay
internal import StrictYAML

/// Reads the checks of a gate file: each has a name and exactly one condition.
struct CheckReader {
    private let evaluators: [String]
    private var names: Set<String> = []

    init(evaluators: [String]) { self.evaluators = evaluators }

    private static let conditions = [
        "response_contains", "response_lacks", "response_matches", "response_equals", "response_path", "response_length",
        "required_tools", "forbidden_tools", "arguments", "max_calls", "max_tool_time", "score",
    ]

    /// - Returns: nil after reporting why.
    mutating func check(_ field: YAMLField) -> RunCheck? {
        let read = field.mapping { fields -> RunCheck? in
            let name = fields.required("name")?.string()
            let slice = fields["match"]?.mapping(GateFile.traceSlice) ?? TraceSlice()
            let ignoringCase = fields["ignore_case"]?.bool() ?? false
            // All are asked for, so that none of them is an unknown key.
            let found = Self.conditions.compactMap { key in fields[key].map { (key, $0) } }
            guard let (key, value) = found.first, found.count == 1 else {
                fields.report(
                    found.isEmpty ? "a check needs a condition" : "a check has one condition, this has \(found.map(\.0).joined(separator: ", "))",
                    remedy: found.isEmpty ? "add one of \(Self.conditions.joined(separator: ", "))" : "make a check of each")
                return nil
            }
            guard let name, let condition = condition(key, value, ignoringCase) else { return nil }
            if let lack = condition.emptiness {
                // It would count as evidence, and no run could ever fail it.
                value.report("this check holds for every run: \(lack)", remedy: "say what is wanted, or remove the check")
                return nil
            }
            return RunCheck(name: name, condition: condition, slice: slice)
        }
        guard let check = read ?? nil else { return nil }
        guard names.insert(check.name).inserted else {
            field.report("there are two checks named \(check.name)", remedy: "give each check a name of its own")
            return nil
        }
        return check
    }

    private func condition(_ key: String, _ value: YAMLField, _ ignoringCase: Bool) -> RunCheck.Condition? {
        switch key {
        case "response_contains": value.string().map { .responseContains($0, ignoringCase: ignoringCase) }
        case "response_lacks": value.string().map { .responseLacks($0, ignoringCase: ignoringCase) }
        case "response_matches": pattern(value)
        case "response_equals": document(value).map { .responseEquals($0) }
        case "response_path": path(value)
        case "response_length": length(value)
        case "required_tools": value.list { $0.string() }.map { .requiredTools($0) }
        case "forbidden_tools": value.list { $0.string() }.map { .forbiddenTools($0) }
        case "arguments": arguments(value)
        case "max_calls":
            value.mapping { fields in
                fields.required("calls")?.int(in: 0...Int.max).map { .callBudget(tool: fields["tool"]?.string(), maximum: $0) }
            } ?? nil
        case "max_tool_time":
            value.mapping { fields in
                fields.required("time")?.duration().map { .timeBudget(tool: fields["tool"]?.string(), milliseconds: $0.milliseconds) }
            } ?? nil
        case "score":
            value.mapping { fields in
                let field = fields.required("evaluator")
                if evaluators.isEmpty {
                    field?.report("no evaluator is defined, so there is no \(field?.text ?? "such")", remedy: "add it under evaluators")
                }
                guard !evaluators.isEmpty, let name = field?.word(of: evaluators), let minimum = fields.required("at_least")?.double()
                else { return nil }
                return .evaluator(EvaluatorName(name), minimum: minimum)
            } ?? nil
        default: nil
        }
    }

    private func pattern(_ field: YAMLField) -> RunCheck.Condition? {
        guard let source = field.string() else { return nil }
        do { return .responseMatches(try LinearPattern(source), source: source) } catch {
            field.report("this is no regular expression: \(error)")
            return nil
        }
    }

    private func document(_ field: YAMLField) -> JSONDocument? {
        guard let bytes = field.json() else { return nil }
        do { return try JSONDocument(parsing: bytes) } catch {
            field.report("this cannot be compared as JSON: \(error)")
            return nil
        }
    }

    private func path(_ field: YAMLField) -> RunCheck.Condition? {
        field.mapping { fields -> RunCheck.Condition? in
            guard let source = fields.required("path"), let text = source.string() else { return nil }
            let expected = fields["equals"].flatMap { document($0) }
            do { return .responsePath(try JSONPath(text), equals: expected) } catch {
                source.report("this is no JSONPath: \(error)")
                return nil
            }
        } ?? nil
    }

    private func length(_ field: YAMLField) -> RunCheck.Condition? {
        field.mapping { fields -> RunCheck.Condition? in
            let minimum = fields["min"]?.int(in: 0...Int.max) ?? 0
            let maximum = fields["max"]?.int(in: 0...Int.max) ?? .max
            guard minimum <= maximum else {
                fields.report("min is more than max")
                return nil
            }
            return .responseLength(minimum...maximum)
        } ?? nil
    }

    private func arguments(_ field: YAMLField) -> RunCheck.Condition? {
        field.mapping { fields -> RunCheck.Condition? in
            guard let tool = fields.required("tool")?.string(), let source = fields.required("schema"),
                let document = document(source)
            else { return nil }
            do {
                let schema = try JSONSchema(document)
                for keyword in schema.unknownKeywords { refuseSlip(keyword, source) }
                if SchemaEmptiness.holdsForAll(document) {
                    source.report("this check holds for every run: every value fits its schema", remedy: "say what is wanted, or remove the check")
                }
                return .arguments(tool: tool, schema: schema)
            } catch {
                source.report("this is no JSON Schema: \(error)")
                return nil
            }
        } ?? nil
    }
}

extension CheckReader {
    /// JSON Schema lets unknown keywords assert nothing. One that looks like a slip of the hand would be a check that passes
    /// for ever.
    private func refuseSlip(_ keyword: JSONSchema.UnknownKeyword, _ field: YAMLField) {
        guard let nearest = NearestWord.of(keyword.name, among: JSONSchema.keywords) else { return }
        field.report("JSON Schema has no keyword \"\(keyword.name)\" (at \(keyword.pointer))", remedy: "did you mean \(nearest)?")
    }
}

extension Duration {
    fileprivate var milliseconds: Double { Double(components.seconds) * 1e3 + Double(components.attoseconds) / 1e15 }
}
