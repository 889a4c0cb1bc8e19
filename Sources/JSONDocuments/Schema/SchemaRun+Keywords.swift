extension SchemaRun {
    /// Checks one keyword, and adds what it looked at.
    mutating func check(
        _ keyword: SchemaNode.Keyword, of node: SchemaNode, _ value: JSONDocument, _ evaluated: inout Evaluated
    ) -> Bool {
        switch (keyword.rule, value) {
        case (.items, .array(let items)), (.contains, .array(let items)), (.uniqueItems, .array(let items)),
            (.unevaluatedItems, .array(let items)):
            checkItems(keyword, of: node, items, &evaluated)
        case (.properties, .object(let object)), (.propertyNames, .object(let object)), (.required, .object(let object)),
            (.dependentRequired, .object(let object)), (.unevaluatedProperties, .object(let object)):
            checkMembers(keyword, of: node, object, &evaluated)
        case (.dependentSchemas(let rules), .object(let object)):
            rules.filter { object.index(of: $0.name) != nil }.reduce(true) { isValid, rule in
                applyHere(rule.schema, value, &evaluated) && isValid
            }
        case (.reference(let schema), _): applyHere(schema, value, &evaluated)
        case (.allOf(let schemas), _):
            schemas.reduce(true) { isValid, schema in applyHere(schema, value, &evaluated) && isValid }
        case (.anyOf(let schemas), _): checkAnyOf(schemas, node, value, &evaluated)
        case (.oneOf(let schemas), _): checkOneOf(schemas, node, value, &evaluated)
        case (.not(let schema), _): checkNot(schema, node, value)
        case (.conditional(let condition, let positive, let negative), _):
            checkCondition(condition, positive, negative, value, &evaluated)
        default: checkScalar(keyword, of: node, value)
        }
    }

    private mutating func applyHere(_ schema: Int, _ value: JSONDocument, _ evaluated: inout Evaluated) -> Bool {
        guard let other = apply(schema, to: value) else { return false }
        if self.schema.tracksEvaluation { evaluated.merge(other) }
        return true
    }

    private mutating func checkAnyOf(
        _ schemas: [Int], _ node: SchemaNode, _ value: JSONDocument, _ evaluated: inout Evaluated
    ) -> Bool {
        var isValid = false
        for schema in schemas {
            guard let outcome = probe(schema, value) else { return false }
            guard outcome.isValid else { continue }
            isValid = true
            // All that hold have looked at something; if nobody asks, one is enough.
            guard self.schema.tracksEvaluation else { return true }
            evaluated.merge(outcome.evaluated)
        }
        return isValid
            || fail(node, "anyOf", "\(value.excerpt) is none of the \(schemas.count) things that are allowed")
    }

    private mutating func checkOneOf(
        _ schemas: [Int], _ node: SchemaNode, _ value: JSONDocument, _ evaluated: inout Evaluated
    ) -> Bool {
        var holding: [Int] = []
        for (i, schema) in schemas.enumerated() {
            guard let outcome = probe(schema, value) else { return false }
            guard outcome.isValid else { continue }
            holding.append(i)
            if self.schema.tracksEvaluation { evaluated.merge(outcome.evaluated) }
        }
        if holding.count == 1 { return true }
        guard let first = holding.first, let last = holding.last else {
            return fail(node, "oneOf", "\(value.excerpt) is none of the \(schemas.count) things that are allowed")
        }
        return fail(
            node, "oneOf",
            "\(value.excerpt) must be only one of \(schemas.count) things, and is both number \(first) and \(last)")
    }

    private mutating func checkNot(_ schema: Int, _ node: SchemaNode, _ value: JSONDocument) -> Bool {
        guard let outcome = probe(schema, value) else { return false }
        return !outcome.isValid || fail(node, "not", "\(value.excerpt) is what is not allowed")
    }

    private mutating func checkCondition(
        _ condition: Int, _ positive: Int?, _ negative: Int?, _ value: JSONDocument, _ evaluated: inout Evaluated
    ) -> Bool {
        guard let outcome = probe(condition, value) else { return false }
        if outcome.isValid, schema.tracksEvaluation { evaluated.merge(outcome.evaluated) }
        guard let branch = outcome.isValid ? positive : negative else { return true }
        return applyHere(branch, value, &evaluated)
    }
}
