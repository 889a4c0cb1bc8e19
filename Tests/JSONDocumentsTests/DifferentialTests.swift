import JSONDocuments
import Testing

/// The module against independent implementations, on generated cases.
struct DifferentialTests {
    /// Keywords whose errors both report at the same place, one for each keyword.
    private static let placed: Set<String> = [
        "type", "enum", "const", "multipleOf", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength",
        "maxLength", "pattern", "minItems", "maxItems", "uniqueItems", "required", "minProperties", "maxProperties",
        "dependentRequired", "anyOf", "oneOf", "not",
    ]

    @Test(arguments: [(UInt64(1), 2500, false), (2, 1500, true)])
    func validatesLikeJSONSchemaOfPython(seed: UInt64, count: Int, unevaluated: Bool) throws {
        var generator = JSONGenerator(seed: seed)
        var cases: [JSONDocument] = []
        var ours: [[JSONSchema.Violation]] = []
        while cases.count < count {
            let schema = generator.rootSchema(unevaluated: unevaluated)
            // Some generated schemas lead back to themselves.
            guard let compiled = try? JSONSchema(schema) else { continue }
            for _ in 0..<2 {
                let instance = generator.value()
                cases.append(.object(["schema": schema, "instance": instance]))
                ours.append(compiled.validate(instance, limit: .max))
            }
        }
        var valid = 0
        for ((test, violations), answer) in zip(zip(cases, ours), try Reference.answers(to: cases)) {
            #expect(answer["valid"] == .bool(violations.isEmpty), "\(test)\n\(violations)\n\(answer)")
            if violations.isEmpty { valid += 1 }
            // What is wrong with a name Python reports by the keyword in propertyNames, we by propertyNames.
            guard !unevaluated, !test.text.contains("propertyNames"), case .array(let places)? = answer["places"] else {
                continue
            }
            let theirs = Set(
                places.compactMap { place -> String? in
                    guard case .string(let path)? = place[0], case .string(let keyword)? = place[1],
                        Self.placed.contains(keyword)
                    else { return nil }
                    return "\(path) \(keyword)"
                })
            let mine = Set(
                violations.compactMap { violation -> String? in
                    let keyword = (try? JSONPointer(violation.schemaPath))?.tokens.last ?? ""
                    return Self.placed.contains(keyword) ? "\(violation.instancePath) \(keyword)" : nil
                })
            #expect(mine == theirs, "\(test)")
        }
        #expect(valid > count / 5 && valid < count * 4 / 5, "\(valid) of \(count) are valid, too few or many to tell")
    }

    @Test func findsLikeJSONPathOfPython() throws {
        var generator = JSONGenerator(seed: 3)
        var cases: [JSONDocument] = []
        for _ in 0..<3000 {
            cases.append(.object(["path": .string(generator.query()), "instance": generator.value(depth: 4)]))
        }
        var found = 0
        for (test, answer) in zip(cases, try Reference.answers(to: cases)) {
            guard case .string(let text)? = test["path"], let instance = test["instance"] else { continue }
            let path: JSONPath
            do throws(JSONPathError) { path = try JSONPath(text) } catch {
                #expect(answer["error"] != nil, "\(test): \(error)")
                continue
            }
            guard case .array(let theirs)? = answer["nodes"] else {
                Issue.record("\(text): \(answer)")
                continue
            }
            let nodes = path.nodes(in: instance)
            found += nodes.count
            #expect(nodes.map { $0.pointer.description } == theirs.map { node in
                if case .string(let pointer)? = node[0] { pointer } else { "?" }
            }, "\(test)")
            #expect(nodes.allSatisfy { $0.pointer.resolve(in: instance) == $0.value }, "\(test)")
        }
        #expect(found > 1000, "\(found) nodes are too few to tell")
    }
}
