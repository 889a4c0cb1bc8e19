import JSONDocuments
import Testing

@Suite("JSON pointer")
struct PointerTests {
    static let sample = #"{"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\j":5,"k\"l":6," ":7,"m~n":8,"~1":9}"#

    /// The examples of RFC 6901, section 5.
    @Test("Leads to the values of the RFC", arguments: [
        ("/foo", #"["bar","baz"]"#), ("/foo/0", "\"bar\""), ("/", "0"), ("/a~1b", "1"), ("/c%d", "2"), ("/e^f", "3"),
        ("/g|h", "4"), ("/i\\j", "5"), ("/k\"l", "6"), ("/ ", "7"), ("/m~0n", "8"), ("/~01", "9"),
    ])
    func examples(text: String, expected: String) throws {
        let pointer = try JSONPointer(text)
        #expect(pointer.resolve(in: try document(Self.sample)) == (try document(expected)))
        #expect(pointer.description == text)
    }

    @Test("Leads nowhere", arguments: ["/none", "/foo/2", "/foo/-", "/foo/00", "/foo/-1", "/foo/ 0", "/foo/0/x", "/foo/", "/foo/99999999999999999999", "/foo/１"])
    func nowhere(text: String) throws { #expect(try JSONPointer(text).resolve(in: try document(Self.sample)) == nil) }

    @Test("Is refused", arguments: ["a", "foo/0", "/~", "/~2", "/a~", "#/a"])
    func refused(text: String) { #expect(throws: JSONPointerError.self) { try JSONPointer(text) } }

    @Test("Finds what the PyPI package jsonpointer finds")
    func agreesWithPython() throws {
        var random = JSONGenerator(seed: 41)
        let cases = (0..<1500).map { _ -> JSONDocument in
            let tokens = (0..<random.number(below: 4)).map { _ in random.pick(JSONGenerator.names + ["0", "1", "2", ""]) }
            return .object(["in": random.value(depth: 4), "pointer": .string(JSONPointer(tokens: tokens).description)])
        }
        var found = 0
        for (test, answer) in zip(cases, try Reference.answers(to: cases, from: "json_exact_reference.py")) {
            guard case .string(let text)? = test["pointer"], let instance = test["in"] else { continue }
            let value = try JSONPointer(text).resolve(in: instance)
            if value != nil { found += 1 }
            #expect(answer["value"] == value, "\(test)")
        }
        #expect(found > 300)
    }
}
