import JSONDocuments

/// Random documents, schemas and queries from a small stock of names and values, so that they often meet.
struct JSONGenerator {
    var random: SeededGenerator

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    static let names = ["a", "b", "c", "ab", "é", "x/y~"]

    mutating func number(below limit: Int) -> Int { Int.random(in: 0..<limit, using: &random) }
    mutating func pick<Element>(_ elements: [Element]) -> Element { elements[number(below: elements.count)] }
    mutating func name() -> String { pick(Self.names) }

    mutating func value(depth: Int = 3) -> JSONDocument {
        switch number(below: depth > 0 ? 9 : 5) {
        case 0: pick([.null, .bool(true), .bool(false)])
        case 1: .integer(number(below: 7) - 2)
        case 2: .number(pick(["0.1", "1.5", "2.0", "-0.75", "1e2", "0.30", "12345678901234567890"].compactMap(JSONNumber.init)))
        case 3, 4: .string(pick(["", "a", "ab", "abc", "é", "😀", "aab1", "1"]))
        case 5, 6: .array((0..<number(below: 4)).map { _ in value(depth: depth - 1) })
        default:
            .object(
                JSONObject(
                    (0..<number(below: 4)).map { _ in
                        JSONObject.Member(key: name(), value: value(depth: depth - 1))
                    }))
        }
    }

    // MARK: Schemas

    mutating func rootSchema(unevaluated: Bool) -> JSONDocument {
        let definition = schema(depth: 1, unevaluated: false)
        let list = JSONDocument.object(["properties": .object(["a": .object(["$ref": .string("#/$defs/list")])]),
            "maxProperties": .integer(2)])
        guard case .object(let object) = schema(depth: 3, unevaluated: unevaluated) else { return .bool(true) }
        var anchored = definition
        if case .object(let members) = definition { anchored = .object(members.setting("$anchor", to: .string("there"))) }
        return .object(
            object.setting(
                "$defs", to: .object(["one": definition, "list": list, "x/y": .bool(true),
                    "anchored": anchored == definition ? .object(["$anchor": .string("there")]) : anchored])))
    }

    mutating func schema(depth: Int, unevaluated: Bool) -> JSONDocument {
        if number(below: 12) == 0 { return .bool(number(below: 3) > 0) }
        var members: [JSONObject.Member] = []
        for _ in 0...number(below: 3) {
            let (key, value) = keyword(depth: depth, unevaluated: unevaluated)
            members.append(JSONObject.Member(key: key, value: value))
            if key == "if" {
                for branch in ["then", "else"] {
                    members.append(JSONObject.Member(key: branch, value: schema(depth: depth - 1, unevaluated: unevaluated)))
                }
            }
            if key == "contains", number(below: 2) == 0 {
                members.append(JSONObject.Member(key: "minContains", value: .integer(number(below: 3))))
                members.append(JSONObject.Member(key: "maxContains", value: .integer(1 + number(below: 3))))
            }
        }
        if unevaluated, number(below: 3) == 0 {
            let key = pick(["unevaluatedProperties", "unevaluatedItems"])
            members.append(JSONObject.Member(key: key, value: schema(depth: 0, unevaluated: false)))
        }
        return .object(JSONObject(members))
    }

    private mutating func keyword(depth: Int, unevaluated: Bool) -> (String, JSONDocument) {
        var count: JSONDocument { .integer(number(below: 4)) }
        var bound: JSONDocument { .number(pick(["0", "1", "1.5", "2.0", "100", "-1"].compactMap(JSONNumber.init))) }
        func strings(_ names: [String]) -> JSONDocument {
            .array(Set(names).sorted().map { .string($0) })
        }
        switch number(below: depth > 0 ? 34 : 18) {
        case 0, 1, 2:
            return ("type", .string(pick(["null", "boolean", "object", "array", "number", "string", "integer"])))
        case 3: return ("type", strings([pick(["object", "array"]), pick(["string", "number", "integer"])]))
        case 4: return ("enum", .array((0..<4).map { _ in value(depth: 1) }))
        case 5: return ("const", value(depth: 1))
        case 6: return ("multipleOf", .number(pick(["0.1", "2", "1.5", "0.25", "10"].compactMap(JSONNumber.init))))
        case 7: return (pick(["minimum", "exclusiveMinimum"]), bound)
        case 8: return (pick(["maximum", "exclusiveMaximum"]), bound)
        case 9: return (pick(["minLength", "maxLength"]), count)
        case 10: return ("pattern", .string(pick(["a", "^a*$", "b|1", "[^a]", "^.{2}$", "(ab)+c?"])))
        case 11: return (pick(["minItems", "maxItems"]), count)
        case 12: return ("uniqueItems", .bool(true))
        case 13: return (pick(["minProperties", "maxProperties"]), count)
        case 14, 15: return ("required", strings([name(), name()].dropLast(number(below: 2))))
        case 16: return ("dependentRequired", .object([name(): strings([name()])]))
        case 17: return ("$ref", .string(pick(["#/$defs/one", "#/$defs/list", "#/$defs/x~1y", "#there", "#/$defs/x%7E1y"])))
        case 18: return ("items", schema(depth: depth - 1, unevaluated: unevaluated))
        case 19: return ("prefixItems", schemas(depth, unevaluated))
        case 20: return ("contains", schema(depth: depth - 1, unevaluated: unevaluated))
        case 21: return ("patternProperties", .object([pick(["a", "^.$", "b$"]): schema(depth: depth - 1, unevaluated: unevaluated)]))
        case 22: return ("additionalProperties", schema(depth: depth - 1, unevaluated: unevaluated))
        case 23: return ("propertyNames", schema(depth: depth - 1, unevaluated: unevaluated))
        case 24: return ("dependentSchemas", .object([name(): schema(depth: depth - 1, unevaluated: false)]))
        case 25: return ("allOf", schemas(depth, unevaluated))
        case 26: return ("anyOf", schemas(depth, unevaluated))
        case 27: return ("oneOf", schemas(depth, unevaluated))
        case 28: return ("not", schema(depth: depth - 1, unevaluated: unevaluated))
        case 29: return ("if", schema(depth: depth - 1, unevaluated: unevaluated))
        default:
            let members = (0...number(below: 3)).map { _ in
                JSONObject.Member(key: name(), value: schema(depth: depth - 1, unevaluated: unevaluated))
            }
            return ("properties", .object(JSONObject(members)))
        }
    }

    private mutating func schemas(_ depth: Int, _ unevaluated: Bool) -> JSONDocument {
        .array((0...number(below: 3)).map { _ in schema(depth: depth - 1, unevaluated: unevaluated) })
    }

    // MARK: Queries

    mutating func query(depth: Int = 2) -> String { "$" + (0..<number(below: 4)).map { _ in segment(depth) }.joined() }

    private mutating func segment(_ depth: Int) -> String {
        let descendant = number(below: 5) == 0
        switch number(below: 4) {
        case 0: return (descendant ? ".." : ".") + pick(["a", "b", "ab", "é", "*"])
        default:
            let selectors = (0...(number(below: 4) / 3)).map { _ in selector(depth) }
            return (descendant ? ".." : "") + "[" + selectors.joined(separator: pick([",", " , "])) + "]"
        }
    }

    private mutating func index() -> String { String(number(below: 7) - 3) }

    private mutating func selector(_ depth: Int) -> String {
        switch number(below: depth > 0 ? 9 : 6) {
        case 0: return "'\(name())'"
        case 1: return "\"\(name())\""
        case 2: return "*"
        case 3: return index()
        case 4, 5:
            let parts = (0...1 + number(below: 2)).map { _ in number(below: 3) == 0 ? "" : index() }
            return parts.joined(separator: ":")
        default: return "?" + pick(["", " "]) + condition(depth)
        }
    }

    private mutating func condition(_ depth: Int) -> String {
        switch number(below: 8) {
        case 0 where depth > 0: return condition(depth - 1) + " && " + condition(depth - 1)
        case 1 where depth > 0: return condition(depth - 1) + "||" + condition(depth - 1)
        case 2 where depth > 0: return pick(["!", ""]) + "(" + condition(depth - 1) + ")"
        case 3: return pick(["!", ""]) + "@" + segment(depth - 1)
        default: return operand() + pick(["==", " != ", "<", " <=", ">", ">= "]) + operand()
        }
    }

    private mutating func operand() -> String {
        switch number(below: 3) {
        case 0: pick(["1", "-1", "1.5", "2.0", "1e2", "'a'", "\"ab\"", "true", "false", "null", "'\\u00e9'"])
        default: pick(["@", "@", "$"]) + pick(["", ".a", "['b']", "[0]", "[-1]", ".a.b", "['é']"])
        }
    }
}
