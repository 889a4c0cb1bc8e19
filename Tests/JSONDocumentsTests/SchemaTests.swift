import JSONDocuments
import Testing

struct SchemaTests {
    /// A schema, documents that it takes, and documents that it does not.
    struct Case: Sendable, CustomTestStringConvertible {
        let schema: String
        let valid: [String]
        let invalid: [String]

        init(_ schema: String, _ valid: [String], _ invalid: [String]) {
            self.schema = schema
            self.valid = valid
            self.invalid = invalid
        }

        var testDescription: String { schema }
    }

    @Test(arguments: [
        Case("true", ["1"], []),
        Case("false", [], ["1"]),
        Case(#"{"type":"integer"}"#, ["1", "1.0", "1e3", "-0"], ["1.5", "\"1\"", "true"]),
        Case(#"{"type":["null","string"]}"#, ["null", "\"\""], ["0", "[]"]),
        Case(#"{"enum":[1,"a",{"b":[]}]}"#, ["1.0", "\"a\"", #"{"b":[]}"#], ["true", "2"]),
        Case(#"{"const":{"a":1,"b":2}}"#, [#"{"b":2.0,"a":1}"#], ["{}", #"{"a":1}"#]),
        Case(#"{"multipleOf":0.01}"#, ["0.07", "19.99", "1e30", "\"x\""], ["0.075"]),
        Case(#"{"minimum":9007199254740993}"#, ["9007199254740993"], ["9007199254740992"]),
        Case(#"{"maximum":1.5}"#, ["1.5", "-2"], ["1.50000000000000000001"]),
        Case(#"{"exclusiveMinimum":0}"#, ["1e-400"], ["0", "-1"]),
        Case(#"{"exclusiveMaximum":0}"#, ["-1"], ["0.0"]),
        Case(#"{"minLength":2}"#, ["\"ab\"", "1"], ["\"😀\""]),
        Case(#"{"maxLength":1}"#, ["\"😀\""], ["\"ab\"", "\"e\u{301}\""]),
        Case(#"{"pattern":"^a+$"}"#, ["\"aa\"", "1"], ["\"ba\""]),
        Case(#"{"pattern":"b"}"#, ["\"abc\""], ["\"ac\""]),
        Case(#"{"prefixItems":[{"type":"string"}],"items":{"type":"number"}}"#, ["[]", #"["a",1]"#], ["[1]", #"["a","b"]"#]),
        Case(#"{"contains":{"const":1}}"#, ["[0,1]"], ["[]", "[0]"]),
        Case(#"{"contains":{"const":1},"minContains":0}"#, ["[]"], []),
        Case(#"{"contains":{"const":1},"minContains":2,"maxContains":2}"#, ["[1,1]"], ["[1]", "[1,1,1]"]),
        Case(#"{"minItems":1,"maxItems":2}"#, ["[0]", "[0,0]"], ["[]", "[0,0,0]"]),
        Case(#"{"uniqueItems":true}"#, ["[1,\"1\",true]"], ["[1,1.0]", #"[{"a":1,"b":2},{"b":2,"a":1}]"#]),
        Case(#"{"properties":{"a":{"type":"null"}},"additionalProperties":false}"#, ["{}", #"{"a":null}"#], [#"{"a":1}"#, #"{"b":1}"#]),
        Case(#"{"patternProperties":{"^x":{"type":"null"}},"additionalProperties":{"type":"number"}}"#, [#"{"x1":null,"b":1}"#], [#"{"x":1}"#, #"{"b":null}"#]),
        Case(#"{"propertyNames":{"maxLength":1}}"#, [#"{"a":1}"#], [#"{"ab":1}"#]),
        Case(#"{"required":["a"]}"#, [#"{"a":null}"#, "1"], ["{}"]),
        Case(#"{"minProperties":1,"maxProperties":1.0}"#, [#"{"a":1}"#], ["{}", #"{"a":1,"b":1}"#]),
        Case(#"{"dependentRequired":{"a":["b"]}}"#, ["{}", #"{"a":1,"b":1}"#], [#"{"a":1}"#]),
        Case(#"{"dependentSchemas":{"a":{"required":["b"]}}}"#, ["{}", #"{"a":1,"b":1}"#], [#"{"a":1}"#]),
        Case(#"{"allOf":[{"minimum":1},{"maximum":2}]}"#, ["1"], ["0", "3"]),
        Case(#"{"anyOf":[{"type":"string"},{"minimum":2}]}"#, ["\"a\"", "2"], ["1"]),
        Case(#"{"oneOf":[{"multipleOf":2},{"multipleOf":3}]}"#, ["2", "3"], ["6", "1"]),
        Case(#"{"not":{"type":"string"}}"#, ["1"], ["\"a\""]),
        Case(#"{"if":{"type":"string"},"then":{"minLength":1},"else":{"minimum":1}}"#, ["\"a\"", "1"], ["\"\"", "0"]),
        Case(##"{"$ref":"#/$defs/a~1b","$defs":{"a/b":{"type":"null"}}}"##, ["null"], ["1"]),
        Case(##"{"properties":{"next":{"$ref":"#"}},"required":["v"]}"##, [#"{"v":1,"next":{"v":2}}"#], [#"{"v":1,"next":{}}"#]),
        Case(##"{"$ref":"#x","$defs":{"a":{"$anchor":"x","type":"null"}}}"##, ["null"], ["1"]),
        Case(##"{"$id":"https://e.org/s","$ref":"https://e.org/s#/$defs/a","$defs":{"a":{"type":"null"}}}"##, ["null"], ["1"]),
        Case(#"{"allOf":[{"properties":{"a":true}}],"unevaluatedProperties":false}"#, [#"{"a":1}"#], [#"{"b":1}"#]),
        Case(#"{"anyOf":[{"prefixItems":[{"const":1}]},{"contains":{"const":2}}],"unevaluatedItems":false}"#, ["[1]", "[1,2]"], ["[1,3]"]),
        Case(#"{"format":"email","x-own":{"a":1},"dependencies":7}"#, ["\"no\""], []),
    ])
    func takesWhatIsValidOnly(test: Case) throws {
        let schema = try JSONSchema(document(test.schema))
        for text in test.valid { #expect(schema.validate(try document(text)) == [], "\(text)") }
        for text in test.invalid { #expect(!schema.validate(try document(text)).isEmpty, "\(text)") }
    }

    @Test(arguments: [
        ("1", ""), (#"{"properties":{"a":7}}"#, "/properties/a"), (#"{"type":"int"}"#, "/type"),
        (#"{"type":[]}"#, "/type"), (#"{"minimum":"1"}"#, "/minimum"), (#"{"minLength":-1}"#, "/minLength"),
        (#"{"minLength":1.5}"#, "/minLength"), (#"{"multipleOf":0}"#, "/multipleOf"), (#"{"required":"a"}"#, "/required"),
        (#"{"items":[{}]}"#, "/items"), (#"{"allOf":[]}"#, "/allOf"), (#"{"uniqueItems":1}"#, "/uniqueItems"),
        (#"{"properties":{"a":{"pattern":"("}}}"#, "/properties/a/pattern"), (#"{"pattern":"(?=a)"}"#, "/pattern"),
        (#"{"patternProperties":{"[":true}}"#, "/patternProperties"), (#"{"$ref":"other.json"}"#, "/$ref"),
        (##"{"$ref":"#/$defs/none"}"##, "/$ref"), (##"{"$ref":"#none"}"##, "/$ref"), (##"{"$ref":"#%zz"}"##, "/$ref"),
        (##"{"$ref":"#"}"##, ""), (##"{"allOf":[{"not":{"$ref":"#/allOf/0"}}]}"##, "/allOf/0"),
        (##"{"$dynamicRef":"#a"}"##, "/$dynamicRef"), (#"{"$defs":{"a":{"$id":"b"}}}"#, "/$defs/a/$id"),
        (#"{"$schema":"http://json-schema.org/draft-07/schema#"}"#, "/$schema"), (#"{"enum":1}"#, "/enum"),
        (#"{"$anchor":"1"}"#, "/$anchor"), (#"{"$defs":{"a":{"$anchor":"x"},"b":{"$anchor":"x"}}}"#, "/$defs/b/$anchor"),
    ])
    func refusesWhatIsNoSchema(text: String, pointer: String) throws {
        let schema = try document(text)
        let error = #expect(throws: JSONSchemaError.self) { try JSONSchema(schema) }
        // A loop is told by any of the schemas in it.
        if error?.problem.contains("leads back") != true { #expect(error?.pointer == pointer) }
        #expect(error?.remedy.isEmpty == false)
    }

    @Test func namesThePlaces() throws {
        let schema = try JSONSchema(
            document(##"{"properties":{"a/b":{"items":{"$ref":"#/$defs/n"}}},"$defs":{"n":{"type":"number"}}}"##))
        let violations = schema.validate(try document(#"{"a/b":[1,"x",null]}"#))
        #expect(violations.map(\.instancePath) == ["/a~1b/1", "/a~1b/2"])
        #expect(violations.map(\.schemaPath) == ["/$defs/n/type", "/$defs/n/type"])
        #expect(violations.first?.message == #"expected number, got string "x""#)
        #expect(schema.validate(try document(#"{"a/b":["x","x","x"]}"#), limit: 2).count == 2)
        #expect(schema.validate(try document(#"{"a/b":["x","x","x"]}"#), limit: 0).count == 1)
    }

    /// What cannot be decided is a violation, under `not` as well.
    @Test func endsWhenThereIsTooMuchToDo() throws {
        // Each level asks for the next one twice: 2^40 steps.
        let levels = (0..<40).map { ##""l\##($0)":{"allOf":[{"$ref":"#/$defs/l\##($0 + 1)"},{"$ref":"#/$defs/l\##($0 + 1)"}]}"## }
        let text = ##"{"not":{"$ref":"#/$defs/l0"},"$defs":{"## + levels.joined(separator: ",") + #","l40":{"type":"null"}}}"#
        #expect(try JSONSchema(document(text)).validate(.null).count == 1)
        // Leads back to itself by a condition, which only shows with a value.
        let loop = try JSONSchema(document(##"{"not":{"if":{"type":"null"},"then":{"$ref":"#"}}}"##))
        #expect(loop.validate(.null).count == 1)
        #expect(loop.validate(.bool(true)).count == 1)
        // As above, with the most that can stand between.
        let deepLoop = ##"{"dependentSchemas":{"a":{"anyOf":[{"oneOf":[{"allOf":[{"if":true,"then":{"$ref":"#"}}]}]}]}}}"##
        #expect(try JSONSchema(document(deepLoop)).validate(document(#"{"a":1}"#)).count == 1)
    }

    @Test func goesAsDeepAsDocumentsAre() throws {
        let schema = try JSONSchema(document(##"{"allOf":[{"items":{"$ref":"#"}}],"type":"array"}"##))
        let deep = try document(String(repeating: "[", count: 512) + String(repeating: "]", count: 512))
        #expect(schema.validate(deep) == [])
    }
}
