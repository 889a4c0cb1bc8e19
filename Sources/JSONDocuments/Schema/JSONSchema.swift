/// A JSON Schema (draft 2020-12), read once and then applied to any number of documents.
///
/// All assertions and applicators of the draft are there. `format` and keywords unknown to the draft assert nothing, as
/// it says. A `$ref` leads to a place in the same schema: `#`, a JSON Pointer (`#/$defs/item`) or an anchor (`#item`).
/// Refused with ``JSONSchemaError`` rather than misread are remote references, `$dynamicRef`, `$id` below the root,
/// other drafts in `$schema`, and whatever ``LinearPattern`` cannot match.
///
/// Numbers are compared by their exact decimals, lengths are in code points, and work and depth are bounded.
public struct JSONSchema: Sendable {
    /// How many times subschemas are applied to values for one document.
    public static let maximumSteps = 1_000_000
    /// How many applications of subschemas may stand within one another.
    public static let maximumDepth = 1600

    let nodes: [SchemaNode]
    /// Whether anything asks what has been evaluated; if not, none of it is kept.
    let tracksEvaluation: Bool

    /// Keywords that the draft does not know, which therefore assert nothing: the first hundred. Some are slips of the hand.
    public let unknownKeywords: [UnknownKeyword]

    public struct UnknownKeyword: Hashable, Sendable {
        /// As a JSON Pointer to where it is written in the schema.
        public let pointer: String
        public let name: String
    }

    /// The keywords of the draft, and `definitions`, its name for `$defs` of old.
    ///
    /// Source: JSON Schema 2020-12, the vocabularies core, applicator, unevaluated, validation, meta-data, format and content.
    public static let keywords: Set<String> = [
        "$schema", "$id", "$ref", "$anchor", "$dynamicRef", "$dynamicAnchor", "$vocabulary", "$comment", "$defs", "definitions",
        "prefixItems", "items", "contains", "additionalProperties", "properties", "patternProperties", "dependentSchemas",
        "propertyNames", "if", "then", "else", "allOf", "anyOf", "oneOf", "not", "unevaluatedItems", "unevaluatedProperties",
        "type", "enum", "const", "multipleOf", "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum", "maxLength",
        "minLength", "pattern", "maxItems", "minItems", "uniqueItems", "maxContains", "minContains", "maxProperties",
        "minProperties", "required", "dependentRequired", "title", "description", "default", "deprecated", "readOnly",
        "writeOnly", "examples", "format", "contentEncoding", "contentMediaType", "contentSchema",
    ]

    /// - Throws: ``JSONSchemaError`` with the place in the schema and what to do about it.
    public init(_ schema: JSONDocument) throws(JSONSchemaError) {
        let compiler = SchemaCompiler(schema)
        nodes = try compiler.compile()
        unknownKeywords = compiler.unknownKeywords
        tracksEvaluation = nodes.contains { $0.keywords.contains { $0.rule.asksForEvaluation } }
    }

    /// What in a document is not as the schema says.
    public struct Violation: Hashable, Sendable, CustomStringConvertible {
        /// The value, as a JSON Pointer into the document; empty for the whole.
        public let instancePath: String
        /// The keyword, as a JSON Pointer to where it is written in the schema.
        public let schemaPath: String
        public let message: String

        public var description: String {
            "\(instancePath.isEmpty ? "the root" : instancePath): \(message) (schema \(schemaPath))"
        }
    }

    /// What the document violates, in the order of the schema; nothing if it is valid.
    ///
    /// - Parameter limit: how many violations are enough. At least one is looked for.
    public func validate(_ instance: JSONDocument, limit: Int = 20) -> [Violation] {
        var run = SchemaRun(self, limit: max(1, limit))
        _ = run.apply(0, to: instance)
        return run.violations
    }
}

/// Why a document is not a schema that can be used.
public struct JSONSchemaError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The place in the schema, as a JSON Pointer.
    public let pointer: String
    public let problem: String
    /// What to write instead.
    public let remedy: String

    public var description: String { "\(pointer.isEmpty ? "the root" : pointer): \(problem); \(remedy)" }
}
