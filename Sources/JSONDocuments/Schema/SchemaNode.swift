/// A subschema as compiled: it names others by their places in one list, so that references may lead back.
struct SchemaNode: Sendable {
    let pointer: JSONPointer
    /// The schema `false`, which nothing satisfies.
    var isNever = false
    var keywords: [Keyword] = []

    struct Keyword: Sendable {
        let name: String
        let rule: SchemaRule
    }
}

/// A subschema that applies to what has a name that matches.
struct PatternRule: Sendable {
    let text: String
    let pattern: LinearPattern
    let schema: Int
}

/// What a keyword, or some that depend on each other, asks for.
enum SchemaRule: Sendable {
    case type([SchemaType])
    case oneOfValues([JSONDocument])
    case const(JSONDocument)

    case multipleOf(JSONNumber)
    case bound(JSONNumber, isUpper: Bool, isExclusive: Bool)

    case size(SchemaSize, Int, isUpper: Bool)
    case pattern(LinearPattern, text: String)

    case items(prefix: [Int], rest: Int?)
    case contains(Int, minimum: Int, maximum: Int?)
    case uniqueItems

    case properties(named: [ExactKey: Int], patterns: [PatternRule], additional: Int?)
    case propertyNames(Int)
    case required([String])
    case dependentRequired([(name: String, required: [String])])
    case dependentSchemas([(name: String, schema: Int)])

    case reference(Int)
    case allOf([Int])
    case anyOf([Int])
    case oneOf([Int])
    case not(Int)
    case conditional(if: Int, then: Int?, else: Int?)

    case unevaluatedItems(Int)
    case unevaluatedProperties(Int)

    var asksForEvaluation: Bool {
        switch self {
        case .unevaluatedItems, .unevaluatedProperties: true
        default: false
        }
    }

    /// The subschemas that are applied to the same value whatever it is.
    var inPlace: [Int] {
        switch self {
        case .reference(let schema), .not(let schema): [schema]
        case .allOf(let schemas), .anyOf(let schemas), .oneOf(let schemas): schemas
        case .conditional(let condition, _, _): [condition]
        default: []
        }
    }
}

enum SchemaSize: Sendable {
    case scalars, items, members
}

/// The types that `type` can name.
enum SchemaType: String, Sendable, CaseIterable {
    case null, boolean, object, array, number, string, integer

    func accepts(_ value: JSONDocument) -> Bool {
        switch (self, value) {
        case (.null, .null), (.boolean, .bool), (.object, .object), (.array, .array), (.number, .number),
            (.string, .string):
            true
        case (.integer, .number(let number)): number.isIntegral
        default: false
        }
    }
}
