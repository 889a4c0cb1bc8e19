import Foundation
import JSONDocuments
import JSONText
import Testing

@Suite("Hostile JSON texts")
struct HostileTextTests {
    private func canonical(_ text: String) throws -> String {
        String(decoding: try JSONCanonical.bytes(ofJSON: Array(text.utf8)), as: UTF8.self)
    }

    @Test("Both ways to the canonical form agree", arguments: [
        (#"{"a":1,"\u0061":2,"a":3}"#, #"{"a":3}"#), (#"{"\ud800":1,"\udc00":2}"#, "{\"\u{FFFD}\":2}"),
        (#"{"\u0000":"\u0000","":0}"#, #"{"":0,"\u0000":"\u0000"}"#), (#""\ud83d\ude00\ud83d""#, "\"😀\u{FFFD}\""),
        (#""\b\f\n\r\t\"\\\/\u007f\u2028""#, "\"\\b\\f\\n\\r\\t\\\"\\\\/\u{7f}\u{2028}\""),
        ("{\"e\u{301}\":1,\"\u{e9}\":2}", "{\"e\u{301}\":1,\"\u{e9}\":2}"),
        (#"{"\uffff":1,"\ud800\udc00":2,"\ud7ff":3,"a":4,"":5}"#, "{\"\":5,\"a\":4,\"\u{d7ff}\":3,\"\u{10000}\":2,\"\u{ffff}\":1}"),
        (#"[-0, -0.0, 1E400, 0.1e-7]"#, "[0,0,1e+400,1e-8]"), ("\r\n\t {} ", "{}"),
    ])
    func canonicalForms(text: String, expected: String) throws {
        #expect(try Array(canonical(text).utf8) == Array(expected.utf8))
        #expect(try document(text).canonicalBytes == Array(expected.utf8))
        #expect(try canonical(expected) == expected)
    }

    @Test("Canonically equivalent strings are different texts everywhere")
    func codePoints() throws {
        let (composed, decomposed) = (try document("{\"\u{e9}\":\"\u{e9}\"}"), try document("{\"e\u{301}\":\"e\u{301}\"}"))
        #expect(composed != decomposed)
        #expect(Set([composed, decomposed]).count == 2)
        #expect(composed["e\u{301}"] == nil)
        #expect(try JSONPointer("/\u{e9}") != JSONPointer("/e\u{301}"))
        #expect(JSONDiff(from: composed, to: decomposed).changes.map(\.kind) == [.removed, .added])
        #expect(try JSONPath("$['e\u{301}']").nodes(in: composed).isEmpty)
        #expect(try JSONSchema(document("{\"required\":[\"\u{e9}\"]}")).validate(decomposed).count == 1)
    }

    @Test("Texts that are no JSON are refused with their place", arguments: [
        ("", 0), ("{", 1), ("[1,]", 3), ("nul", 0), ("{\"a\":1,}", 7), ("[1] 2", 4), ("\"\\x\"", 1), ("[01]", 1), ("\u{FEFF}1", 0),
    ])
    func errors(text: String, offset: Int) {
        let error = #expect(throws: JSONDocumentError.self) { try document(text) }
        #expect(error?.offset == offset, "\(text): \(error?.description ?? "")")
        let canonicalError = #expect(throws: JSONDocumentError.self) { _ = try JSONCanonical.bytes(ofJSON: Array(text.utf8)) }
        #expect(canonicalError == error)
    }

    @Test("Bytes that are no UTF-8 and raw NULs are refused")
    func bytes() {
        for text in [[0x22, 0xFF, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22], [0x22, 0, 0x22], [0], [0x31, 0]] as [[UInt8]] {
            #expect(throws: JSONDocumentError.self) { try JSONDocument(parsing: text) }
        }
    }

    @Test("512 levels go through everything on a thread of 2 MB, one more is refused")
    func depth() throws {
        @Sendable func nested(_ open: String, _ close: String, _ depth: Int, _ middle: String = "0") -> [UInt8] {
            Array((String(repeating: open, count: depth) + middle + String(repeating: close, count: depth)).utf8)
        }
        for (open, close) in [("[", "]"), (#"{"a":"#, "}")] {
            #expect(throws: JSONDocumentError(problem: .notJSON(.tooDeep), offset: 512 * open.utf8.count)) {
                try JSONDocument(parsing: nested(open, close, 513))
            }
            let done = DispatchSemaphore(value: 0)
            let thread = Thread {
                defer { done.signal() }
                do {
                    let a = try JSONDocument(parsing: nested(open, close, 512))
                    let b = try JSONDocument(parsing: nested(open, close, 512, "1"))
                    #expect(try JSONCanonical.bytes(ofJSON: nested(open, close, 512)) == a.canonicalBytes)
                    #expect(a != b && a.hashValue != b.hashValue)
                    let diff = JSONDiff(from: a, to: b)
                    #expect(diff.changes.count == 1)
                    #expect(try JSONPatch(from: a, to: b).apply(to: a) == b)
                    #expect(try JSONDocument(parsing: a.prettyText) == a)
                } catch {
                    Issue.record(error)
                }
            }
            thread.stackSize = 2 << 20
            thread.start()
            done.wait()
        }
        #expect(throws: JSONDocumentError.self) { try JSONDocument(parsing: nested("[", "]", 1_000_000)) }
    }

    @Test("Raw bytes are compared first, then what they say")
    func equality() throws {
        func equal(_ a: String, _ b: String) throws -> Bool { try JSONEquality.areEqual(Array(a.utf8), Array(b.utf8)) }
        #expect(try equal("no JSON", "no JSON"))
        #expect(try equal(#"{"a":[1.0,"\u0041"],"b":null}"#, #" {"b":null, "a":[1,"A"]}"#))
        #expect(try !equal("[1,2]", "[2,1]"))
        #expect(throws: JSONDocumentError.self) { try equal("{}", "{") }
    }

    @Test("A hundred thousand members, all different or all the same, are read in time", .timeLimit(.minutes(1)))
    func size() throws {
        let members = (0..<100_000).map { "\"k\(($0 * 7919) % 100_000)\":\($0)" }.joined(separator: ",")
        let value = try document("{\(members)}")
        #expect(value["k7919"] == .integer(1))
        #expect(try document(String(decoding: value.canonicalBytes, as: UTF8.self)) == value)
        let repeated = try document("{" + String(repeating: "\"a\":1,", count: 100_000) + "\"a\":2}")
        #expect(repeated == .object(["a": .integer(2)]))
    }

    @Test("Pretty text has two spaces for each level and reads back")
    func pretty() throws {
        let value = try document(#"{"b":[1,{"c":[]}],"a":{}}"#)
        #expect(value.prettyText == "{\n  \"b\": [\n    1,\n    {\n      \"c\": []\n    }\n  ],\n  \"a\": {}\n}")
        #expect(value.text == #"{"b":[1,{"c":[]}],"a":{}}"#)
    }

    @Test("Random damage to a text never ends the process, and what is read has one canonical form", arguments: [UInt64(21), 22])
    func damage(seed: UInt64) throws {
        var random = JSONGenerator(seed: seed)
        for _ in 0..<4000 {
            var bytes = Array(random.value(depth: 4).text.utf8)
            for _ in 0...random.number(below: 3) where !bytes.isEmpty {
                let place = random.number(below: bytes.count)
                bytes[place] = random.pick(Array("[]{},:\"\\u0019eE+-.ntf \0".utf8) + [0xFF, 0xC3, 0xED])
            }
            let read = try? JSONDocument(parsing: bytes)
            let canonical = try? JSONCanonical.bytes(ofJSON: bytes)
            #expect(read?.canonicalBytes == canonical, "\(bytes)")
        }
    }
}
