internal import JSONDocuments

/// Finds out whether a JSON Schema asks for nothing, with all that is in it: a check by it could never fail.
///
/// It knows the schemas that somebody may write by mistake or to look busy. One that only a proof would find out, such as a
/// `not` of what cannot be, is taken to ask for something.
struct SchemaEmptiness {
    private let root: JSONDocument
    /// The references that are being looked at: one that leads back to itself adds nothing.
    private var references: Set<String> = []
    /// Keywords looked at. References can make many of few.
    private var steps = 0
    private static let maximumSteps = 100_000

    private init(_ root: JSONDocument) { self.root = root }

    /// - Parameter schema: one that ``JSONSchema`` takes.
    static func holdsForAll(_ schema: JSONDocument) -> Bool {
        var emptiness = SchemaEmptiness(schema)
        return emptiness.asksForNothing(schema)
    }

    /// More than any string, list or object has of anything.
    private static let beyondAll = 1_000_000_000

    private mutating func asksForNothing(_ schema: JSONDocument) -> Bool {
        switch schema {
        case .bool(let isValid): return isValid
        case .object(let object):
            for member in object.members where !asksForNothing(member.key, member.value, in: object) { return false }
            return true
        default: return false
        }
    }

    private mutating func asksForNothing(_ keyword: String, _ value: JSONDocument, in schema: JSONObject) -> Bool {
        steps += 1
        guard steps <= Self.maximumSteps else { return false }
        switch keyword {
        case "type": return namesAllTypes(value)
        case "minLength", "minItems", "minProperties": return value == .integer(0)
        case "maxLength", "maxItems", "maxProperties": return Self.isBeyondAll(value)
        case "uniqueItems": return value == .bool(false)
        case "required": return Self.elements(value).isEmpty
        case "dependentRequired": return Self.values(value).allSatisfy { Self.elements($0).isEmpty }
        case "pattern": return Self.isAlwaysFound(value)
        case "properties", "patternProperties", "dependentSchemas": return Self.values(value).allSatisfy { asksForNothing($0) }
        case "additionalProperties", "unevaluatedProperties", "propertyNames", "items", "unevaluatedItems": return asksForNothing(value)
        case "allOf", "prefixItems": return Self.elements(value).allSatisfy { asksForNothing($0) }
        case "anyOf": return Self.elements(value).contains { asksForNothing($0) }
        case "oneOf":
            let choices = Self.elements(value).filter { $0 != .bool(false) }
            return choices.count == 1 && choices.allSatisfy { asksForNothing($0) }
        case "not": return value == .bool(false)
        // By itself an `if` asks for nothing, and what follows from none is not looked at.
        case "then", "else": return schema["if"] == nil || asksForNothing(value)
        case "contains": return schema["minContains"] == JSONDocument.integer(0) && (schema["maxContains"].map(Self.isBeyondAll) ?? true)
        case "$ref": return leadsToNothing(value)
        case "enum", "const", "multipleOf", "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum": return false
        // Words about the schema, definitions, bounds of a `contains`, and what the draft does not know.
        default: return true
        }
    }

    private func namesAllTypes(_ value: JSONDocument) -> Bool {
        ["null", "boolean", "object", "array", "number", "string"].allSatisfy { Self.elements(value).contains(.string($0)) }
    }

    private mutating func leadsToNothing(_ value: JSONDocument) -> Bool {
        guard case .string(let reference) = value, reference.hasPrefix("#") else { return false }
        guard let pointer = try? JSONPointer(String(reference.dropFirst())), let target = pointer.resolve(in: root) else { return false }
        guard references.insert(reference).inserted else { return true }
        defer { references.remove(reference) }
        return asksForNothing(target)
    }

    private static func isAlwaysFound(_ value: JSONDocument) -> Bool {
        guard case .string(let source) = value, let pattern = try? LinearPattern(source) else { return false }
        return pattern.isAlwaysFound
    }

    /// A number too large for an integer is beyond all: negative ones are no bounds of a schema.
    private static func isBeyondAll(_ value: JSONDocument) -> Bool {
        guard case .number(let number) = value else { return false }
        return number.intValue.map { $0 >= beyondAll } ?? true
    }

    private static func elements(_ value: JSONDocument) -> [JSONDocument] {
        if case .array(let elements) = value { elements } else { [] }
    }

    private static func values(_ value: JSONDocument) -> [JSONDocument] {
        if case .object(let object) = value { object.members.map(\.value) } else { [] }
    }
}
