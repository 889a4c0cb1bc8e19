/// One document on its way through a schema.
struct SchemaRun {
    /// What a valid subschema has looked at of a value, by place; kept only for `unevaluated…`.
    struct Evaluated {
        var members: Set<Int> = []
        var items: Set<Int> = []

        mutating func merge(_ other: Evaluated) {
            members.formUnion(other.members)
            items.formUnion(other.items)
        }
    }

    let schema: JSONSchema
    private let limit: Int
    private(set) var violations: [JSONSchema.Violation] = []
    private var steps = 0
    private var depth = 0
    /// Above 0 while it is only asked whether a subschema holds, as under `not`.
    private var quiet = 0
    /// Set once nothing more is to be found out: then every answer is “invalid”, and none may be turned round by `not`.
    private(set) var isOver = false
    private var path: [String] = []

    init(_ schema: JSONSchema, limit: Int) {
        self.schema = schema
        self.limit = limit
    }

    /// Applies a subschema to a value.
    ///
    /// - Returns: what it has looked at; nil if the value is not valid.
    mutating func apply(_ index: Int, to value: JSONDocument) -> Evaluated? {
        guard !isOver else { return nil }
        let node = schema.nodes[index]
        steps += 1
        guard steps <= JSONSchema.maximumSteps else {
            return stop(node, "the schema takes more than \(JSONSchema.maximumSteps) steps for this document")
        }
        guard depth < JSONSchema.maximumDepth else {
            return stop(node, "the schema leads back to itself for the same value, or all is nested too deeply")
        }
        guard !node.isNever else {
            let isMember = ["additionalProperties", "unevaluatedProperties"].contains(node.pointer.tokens.last)
            let name = path.last ?? ""
            report(node.pointer, isMember ? "“\(name)” is no member that is allowed" : "nothing is allowed here")
            return nil
        }
        depth += 1
        defer { depth -= 1 }
        var evaluated = Evaluated()
        var isValid = true
        for keyword in node.keywords {
            // For one that asks only, and for what is unevaluated, the first failure is enough.
            if !isValid, quiet > 0 || keyword.rule.asksForEvaluation { return nil }
            if !check(keyword, of: node, value, &evaluated) { isValid = false }
            if isOver { return nil }
        }
        return isValid ? evaluated : nil
    }

    /// Applies a subschema to something within the value.
    mutating func applyBelow(_ index: Int, to value: JSONDocument, _ token: @autoclosure () -> String) -> Bool {
        path.append(token())
        defer { path.removeLast() }
        return apply(index, to: value) != nil
    }

    /// Whether a subschema holds, without reporting why it does not. Nil once the run is over.
    mutating func probe(_ index: Int, _ value: JSONDocument) -> (isValid: Bool, evaluated: Evaluated)? {
        quiet += 1
        defer { quiet -= 1 }
        let evaluated = apply(index, to: value)
        return isOver ? nil : (evaluated != nil, evaluated ?? Evaluated())
    }

    /// Reports a violation of a keyword of this node and returns false.
    mutating func fail(_ node: SchemaNode, _ keyword: String, _ message: @autoclosure () -> String) -> Bool {
        report(node.pointer.appending(keyword), message())
        return false
    }

    /// Ends the run: what could not be decided is a violation, whoever asked.
    mutating func stop(_ node: SchemaNode, _ message: String) -> Evaluated? {
        guard !isOver else { return nil }
        quiet = 0
        report(node.pointer, message)
        isOver = true
        return nil
    }

    private mutating func report(_ place: JSONPointer, _ message: @autoclosure () -> String) {
        guard quiet == 0, !isOver else { return }
        violations.append(
            JSONSchema.Violation(
                instancePath: JSONPointer(tokens: path).description, schemaPath: place.description, message: message()))
        if violations.count >= limit { isOver = true }
    }
}
