/// Reads the keywords of one subschema.
struct SchemaReader {
    typealias Keyword = SchemaNode.Keyword

    let members: JSONObject
    let pointer: JSONPointer
    let compiler: SchemaCompiler
    private var keywords: [Keyword] = []

    init(members: JSONObject, pointer: JSONPointer, compiler: SchemaCompiler) {
        self.members = members
        self.pointer = pointer
        self.compiler = compiler
    }

    func error(_ keyword: String, _ problem: String, _ remedy: String) -> JSONSchemaError {
        JSONSchemaError(pointer: pointer.appending(keyword).description, problem: problem, remedy: remedy)
    }

    private mutating func add(_ name: String, _ rule: SchemaRule?) {
        if let rule { keywords.append(Keyword(name: name, rule: rule)) }
    }

    /// All assertions and applicators but `$ref`, in the order in which they are checked: `unevaluated…` ask for what
    /// the others have looked at, and so come last.
    mutating func read() throws(JSONSchemaError) -> [Keyword] {
        add("type", try types().map { .type($0) })
        add("enum", try list("enum").map { .oneOfValues($0) })
        add("const", members["const"].map { .const($0) })
        try readNumberRules()
        try readSizes()
        add("pattern", try patternRule())
        try readArrayRules()
        try readObjectRules()
        add("allOf", try schemas("allOf").map { .allOf($0) })
        add("anyOf", try schemas("anyOf").map { .anyOf($0) })
        add("oneOf", try schemas("oneOf").map { .oneOf($0) })
        add("not", try schema("not").map { .not($0) })
        let condition = try schema("if")
        let positive = try schema("then")
        let negative = try schema("else")
        add("if", condition.map { .conditional(if: $0, then: positive, else: negative) })
        add("unevaluatedItems", try schema("unevaluatedItems").map { .unevaluatedItems($0) })
        add("unevaluatedProperties", try schema("unevaluatedProperties").map { .unevaluatedProperties($0) })
        return keywords
    }

    private func types() throws(JSONSchemaError) -> [SchemaType]? {
        guard let value = members["type"] else { return nil }
        let names: [JSONDocument]
        if case .array(let elements) = value { names = elements } else { names = [value] }
        var types: [SchemaType] = []
        for name in names {
            guard case .string(let text) = name, let type = SchemaType(rawValue: text) else {
                let known = SchemaType.allCases.map(\.rawValue).joined(separator: ", ")
                throw error("type", "\(name.excerpt) is not a type", "write one of \(known), or a list of them")
            }
            types.append(type)
        }
        guard !types.isEmpty else { throw error("type", "the list is empty", "name a type, or remove the keyword") }
        return types
    }

    private mutating func readNumberRules() throws(JSONSchemaError) {
        if let divisor = try number("multipleOf") {
            guard divisor > JSONNumber(0) else { throw error("multipleOf", "must be above 0", "write a number above 0") }
            guard divisor.isDivisor else {
                throw error("multipleOf", "has more than 18 significant digits", "write a shorter number")
            }
            add("multipleOf", .multipleOf(divisor))
        }
        add("minimum", try number("minimum").map { .bound($0, isUpper: false, isExclusive: false) })
        add("maximum", try number("maximum").map { .bound($0, isUpper: true, isExclusive: false) })
        add("exclusiveMinimum", try number("exclusiveMinimum").map { .bound($0, isUpper: false, isExclusive: true) })
        add("exclusiveMaximum", try number("exclusiveMaximum").map { .bound($0, isUpper: true, isExclusive: true) })
    }

    private mutating func readSizes() throws(JSONSchemaError) {
        let sizes: [(String, SchemaSize)] = [("Length", .scalars), ("Items", .items), ("Properties", .members)]
        for (name, size) in sizes {
            add("min" + name, try count("min" + name).map { .size(size, $0, isUpper: false) })
            add("max" + name, try count("max" + name).map { .size(size, $0, isUpper: true) })
        }
    }

    private func patternRule() throws(JSONSchemaError) -> SchemaRule? {
        guard let value = members["pattern"] else { return nil }
        guard case .string(let text) = value else { throw error("pattern", "is no string", "write a regular expression") }
        return .pattern(try pattern(text, keyword: "pattern"), text: text)
    }

    func pattern(_ text: String, keyword: String) throws(JSONSchemaError) -> LinearPattern {
        do throws(PatternError) {
            return try LinearPattern(text)
        } catch {
            throw self.error(
                keyword, "the pattern “\(text)” cannot be used: \(error)",
                "write an ECMAScript regular expression without look-around and back-references")
        }
    }

    private mutating func readArrayRules() throws(JSONSchemaError) {
        if case .array? = members["items"] {
            throw error("items", "a list is not a schema in draft 2020-12", "use prefixItems")
        }
        let prefix = try schemas("prefixItems")
        let rest = try schema("items")
        if prefix != nil || rest != nil { add("items", .items(prefix: prefix ?? [], rest: rest)) }
        let minimum = try count("minContains")
        let maximum = try count("maxContains")
        add("contains", try schema("contains").map { .contains($0, minimum: minimum ?? 1, maximum: maximum) })
        switch members["uniqueItems"] {
        case nil, .bool(false): break
        case .bool(true): add("uniqueItems", .uniqueItems)
        default: throw error("uniqueItems", "is no boolean", "write true or false")
        }
    }

    private mutating func readObjectRules() throws(JSONSchemaError) {
        let named = try namedSchemas("properties")
        let matching = try namedSchemas("patternProperties")
        let additional = try schema("additionalProperties")
        if named != nil || matching != nil || additional != nil {
            var byName: [ExactKey: Int] = [:]
            for (name, schema) in named ?? [] { byName[ExactKey(text: name)] = schema }
            var patterns: [PatternRule] = []
            for (text, schema) in matching ?? [] {
                let pattern = try pattern(text, keyword: "patternProperties")
                patterns.append(PatternRule(text: text, pattern: pattern, schema: schema))
            }
            add("properties", .properties(named: byName, patterns: patterns, additional: additional))
        }
        add("propertyNames", try schema("propertyNames").map { .propertyNames($0) })
        if let value = members["required"] { add("required", .required(try strings(value, keyword: "required"))) }
        if let dependents = try object("dependentRequired") {
            var rules: [(name: String, required: [String])] = []
            for member in dependents.members {
                rules.append((member.key, try strings(member.value, keyword: "dependentRequired")))
            }
            add("dependentRequired", .dependentRequired(rules))
        }
        add("dependentSchemas", try namedSchemas("dependentSchemas").map { .dependentSchemas($0) })
    }
}
