/// Keywords for objects.
extension SchemaRun {
    mutating func checkMembers(
        _ keyword: SchemaNode.Keyword, of node: SchemaNode, _ object: JSONObject, _ evaluated: inout Evaluated
    ) -> Bool {
        switch keyword.rule {
        case .properties(let named, let patterns, let additional):
            checkEach(object, named, patterns, additional, node, &evaluated)
        case .propertyNames(let schema): checkNames(object, schema, node)
        case .required(let names):
            names.reduce(true) { isValid, name in
                object.index(of: name) != nil ? isValid : fail(node, "required", "“\(name)” is missing")
            }
        case .dependentRequired(let rules): checkDependents(object, rules, node)
        case .unevaluatedProperties(let schema):
            object.members.indices.reduce(true) { isValid, i in
                guard !isOver, evaluated.members.insert(i).inserted else { return isValid }
                return applyBelow(schema, to: object.members[i].value, object.members[i].key) && isValid
            }
        default: true
        }
    }

    private mutating func checkEach(
        _ object: JSONObject, _ named: [ExactKey: Int], _ patterns: [PatternRule], _ additional: Int?,
        _ node: SchemaNode, _ evaluated: inout Evaluated
    ) -> Bool {
        var isValid = true
        for (i, member) in object.members.enumerated() {
            var schemas = named[ExactKey(text: member.key)].map { [$0] } ?? []
            for rule in patterns {
                guard let isMatch = matches(rule.pattern, rule.text, member.key, node) else { return false }
                if isMatch { schemas.append(rule.schema) }
            }
            if schemas.isEmpty, let additional { schemas = [additional] }
            for schema in schemas {
                if !applyBelow(schema, to: member.value, member.key) { isValid = false }
                if isOver { return false }
            }
            if !schemas.isEmpty, schema.tracksEvaluation { evaluated.members.insert(i) }
        }
        return isValid
    }

    /// A name is no place in the document, so that the object is the one that is at fault, and the message names it.
    private mutating func checkNames(_ object: JSONObject, _ schema: Int, _ node: SchemaNode) -> Bool {
        var isValid = true
        for member in object.members {
            guard let outcome = probe(schema, .string(member.key)) else { return false }
            if !outcome.isValid {
                isValid = fail(node, "propertyNames", "the name “\(member.key)” is not allowed")
            }
        }
        return isValid
    }

    private mutating func checkDependents(
        _ object: JSONObject, _ rules: [(name: String, required: [String])], _ node: SchemaNode
    ) -> Bool {
        var isValid = true
        for rule in rules where object.index(of: rule.name) != nil {
            for name in rule.required where object.index(of: name) == nil {
                isValid = fail(node, "dependentRequired", "“\(name)” is missing, which “\(rule.name)” asks for")
            }
        }
        return isValid
    }
}
