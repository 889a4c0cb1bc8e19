import JSONDocuments
import Testing

@Suite("JSON diff")
struct DiffTests {
    private func changes(_ a: String, _ b: String) throws -> [String] {
        JSONDiff(from: try document(a), to: try document(b)).changes.map { change in
            "\(change.kind) \(change.pointer) \(change.old?.text ?? "-") \(change.new?.text ?? "-")"
        }
    }

    @Test("Changes", arguments: [
        ("1", "1.0", []), ("1", "2", ["changed  1 2"]), ("1", "\"1\"", ["typeChanged  1 \"1\""]),
        ("true", "false", ["changed  true false"]), ("null", "[]", ["typeChanged  null []"]), ("[]", "{}", ["typeChanged  [] {}"]),
        (#"{"a":1,"b":2}"#, #"{"b":2,"a":1}"#, []),
        (#"{"a":1,"b":2,"c":3}"#, #"{"d":4,"b":5,"c":3}"#, ["removed /a 1 -", "added /d - 4", "changed /b 2 5"]),
        ("[1,2,3,4]", "[1,9,2,3,4]", ["added /1 - 9"]), ("[1,2,3,4]", "[2,3,4]", ["removed /0 1 -"]),
        ("[1,2,3]", "[1,5,3]", ["changed /1 2 5"]), ("[1,1,1]", "[1]", ["removed /1 1 -", "removed /2 1 -"]),
        (#"[{"id":1,"v":"x"},{"id":2}]"#, #"[{"id":1,"v":"y"},{"id":2}]"#, [#"changed /0/v "x" "y""#]),
        (#"{"a/b":{"~":1}}"#, #"{"a/b":{"~":2}}"#, ["changed /a~1b/~0 1 2"]),
        ("[1,2,3,4,5]", "[3,4,9,5,1]", ["removed /0 1 -", "removed /1 2 -", "added /2 - 9", "added /4 - 1"]),
    ])
    func changes(a: String, b: String, expected: [String]) throws { #expect(try changes(a, b) == expected) }

    @Test("What is beyond the limit is counted, and then there is no patch")
    func limit() throws {
        let a = JSONDocument.array((0..<50).map { .integer($0) })
        let b = JSONDocument.array((0..<50).map { .integer($0 + 100) })
        for limit in [0, 1, 49, 50, 51] {
            let diff = JSONDiff(from: a, to: b, limit: limit)
            #expect(diff.changes.count == min(limit, 50) && diff.omitted == max(0, 50 - limit))
            #expect((JSONPatch(diff) == nil) == (limit < 50))
            #expect(!diff.isEmpty)
        }
    }

    @Test("Long arrays are aligned up to the limit, and compared by index beyond it", .timeLimit(.minutes(1)))
    func longArrays() throws {
        func list(_ values: some Sequence<Int>) -> JSONDocument { .array(values.map { .integer($0) }) }
        // The ends are not shared, so that the whole must be aligned.
        let aligned = JSONDiff(from: list(0..<2000), to: list([-1] + (1..<1000) + [-2] + (1001..<1999) + [-3]))
        #expect(aligned.changes.count == 3)
        let shifted = JSONDiff(from: list(Array(0..<1999)), to: list([-1, -2] + Array(1..<1998)))
        #expect(shifted.changes.count == 3)
        let long = JSONDiff(from: list(0..<100_000), to: list([-1] + (0..<99_998) + [-2]), limit: 10)
        #expect(long.changes.count == 10 && long.omitted == 99_990)
        // One insertion into a long array still is one change, since both ends are shared.
        #expect(JSONDiff(from: list(0..<100_000), to: list((0..<50_000) + [-1] + (50_000..<100_000))).changes.count == 1)
    }

    @Test("Pointers lead to the values, and the PyPI package jsonpatch makes the new document", arguments: [UInt64(31), 32])
    func patches(seed: UInt64) throws {
        var random = JSONGenerator(seed: seed)
        var cases: [JSONDocument] = []
        for i in 0..<1500 {
            let a = random.value(depth: 4)
            let b = i % 2 == 0 ? random.value(depth: 4) : edited(a, &random)
            let diff = JSONDiff(from: a, to: b, limit: .max)
            for change in diff.changes {
                #expect(change.oldPointer?.resolve(in: a) == change.old && change.newPointer?.resolve(in: b) == change.new)
            }
            let patch = try #require(JSONPatch(diff))
            #expect(try patch.apply(to: a) == b)
            cases.append(.object(["from": a, "to": b, "patch": patch.document]))
        }
        for (test, answer) in zip(cases, try Reference.answers(to: cases, from: "json_exact_reference.py")) {
            #expect(answer == .bool(true), "\(test)")
        }
    }

    /// The document with a few random changes, so that most of it stays.
    private func edited(_ value: JSONDocument, _ random: inout JSONGenerator) -> JSONDocument {
        switch value {
        case .array(var elements):
            for i in elements.indices { elements[i] = edited(elements[i], &random) }
            if random.number(below: 3) == 0 { elements.insert(random.value(depth: 1), at: random.number(below: elements.count + 1)) }
            if random.number(below: 3) == 0, !elements.isEmpty { elements.remove(at: random.number(below: elements.count)) }
            return .array(elements)
        case .object(let object):
            let members = object.members.map { JSONObject.Member(key: $0.key, value: edited($0.value, &random)) }
            return .object(random.number(below: 4) == 0 ? JSONObject(members.dropFirst()) : JSONObject(members))
        default: return random.number(below: 5) == 0 ? random.value(depth: 1) : value
        }
    }

    @Test("Operations of RFC 6902", arguments: [
        (#"{"foo":"bar"}"#, #"[{"op":"add","path":"/baz","value":"qux"}]"#, #"{"baz":"qux","foo":"bar"}"#),
        (#"{"foo":["bar","baz"]}"#, #"[{"op":"add","path":"/foo/1","value":"qux"}]"#, #"{"foo":["bar","qux","baz"]}"#),
        (#"{"foo":["bar","qux","baz"]}"#, #"[{"op":"remove","path":"/foo/1"}]"#, #"{"foo":["bar","baz"]}"#),
        (#"{"foo":{"bar":"baz","w":"f"},"q":{"c":"g"}}"#, #"[{"op":"move","from":"/foo/w","path":"/q/t"}]"#, #"{"foo":{"bar":"baz"},"q":{"c":"g","t":"f"}}"#),
        (#"{"foo":["all","grass","cows","eat"]}"#, #"[{"op":"move","from":"/foo/1","path":"/foo/3"}]"#, #"{"foo":["all","cows","eat","grass"]}"#),
        (#"{"foo":["bar"]}"#, #"[{"op":"add","path":"/foo/-","value":["abc"]}]"#, #"{"foo":["bar",["abc"]]}"#),
        (#"{"a":1}"#, #"[{"op":"test","path":"/a","value":1.0},{"op":"copy","from":"","path":"/b"}]"#, #"{"a":1,"b":{"a":1}}"#),
        (#"{"a":1}"#, #"[{"op":"replace","path":"","value":[null]}]"#, "[null]"),
        (#"{"":1}"#, #"[{"op":"replace","path":"/","value":null}]"#, #"{"":null}"#),
    ])
    func operations(text: String, patch: String, expected: String) throws {
        #expect(try JSONPatch(document(patch)).apply(to: document(text)) == document(expected))
    }

    @Test("What cannot be applied or read is refused", arguments: [
        (#"{"foo":"bar"}"#, #"[{"op":"add","path":"/baz/bat","value":1}]"#, JSONPatchError.Problem.noSuchPlace),
        (#"[1]"#, #"[{"op":"add","path":"/2","value":1}]"#, .noSuchPlace), (#"[1]"#, #"[{"op":"remove","path":"/-"}]"#, .noSuchPlace),
        (#"[1]"#, #"[{"op":"replace","path":"/01","value":1}]"#, .noSuchPlace), ("[1]", #"[{"op":"remove","path":""}]"#, .noSuchPlace),
        (#"{"a":{"b":1}}"#, #"[{"op":"move","from":"/a","path":"/a/b"}]"#, .intoItself),
        (#"{"a":10}"#, #"[{"op":"test","path":"/a","value":"10"}]"#, .testFailed), ("1", "{}", .malformed),
        ("1", #"[{"op":"add","path":""}]"#, .malformed), ("1", #"[{"op":"spam","path":""}]"#, .malformed),
        ("1", #"[{"op":"remove","path":"a"}]"#, .malformed),
    ])
    func refusals(text: String, patch: String, problem: JSONPatchError.Problem) throws {
        let error = #expect(throws: JSONPatchError.self) { try JSONPatch(document(patch)).apply(to: document(text)) }
        #expect(error?.problem == problem)
    }
}
