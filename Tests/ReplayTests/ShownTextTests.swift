import JSONDocuments
import RunSpans
import Testing

@testable import Replay

@Suite("Long texts in reports")
struct ShownTextTests {
    private let redactor = TextRedactor(Redaction())
    private let long = String(repeating: "word ", count: 40_000)

    @Test("wherever JSON is cut, it stays JSON")
    func closing() throws {
        let text = #"{"a": [1, "two \u00e9 \" \\ x", {"b": null}, [], {}], "c": "{\"password\": \"x\"}", "d\"": true, "e": "\ud83d\ude00"}"#
        let bytes = Array(text.utf8)
        for count in 1...bytes.count {
            let closed = try #require(JSONStart.closed(bytes[..<count]), "\(text.prefix(count))")
            let document = try JSONDocument(parsing: closed)
            if case .string(let inner)? = document["c"] { #expect(inner.isEmpty || inner == #"{"password": "x"}"#) }
        }
        let whole = try #require(JSONStart.closed(bytes[...]))
        #expect(String(decoding: whole, as: UTF8.self) == text)
    }

    @Test("what is no JSON is not taken for it", arguments: ["[note] all is well", "{so it is, and so", "[1] and, more", "{\"a\": 1} x", "[1, nonsense, 2"])
    func noJSON(_ text: String) { #expect(JSONStart.closed(Array(text.utf8)[...]) == nil) }

    @Test("secrets at the start are known for what they are, however long the text", arguments: [
        #"{"password": "hunter2", "text": "LONG"}"#, #"{"text": "{\"password\": \"hunter2\", \"more\": \"LONG\"}"}"#,
        #"[{"deep": [{"api_key": "hunter2", "x": 1}]}, "LONG"]"#, #"{"a": {"token": "hunter2"}, "b": ["LONG", "LONG"]}"#,
        #"{"text": "\u007b\"password\": \"hunter2\", \"more\": \"LONG\"}"}"#, "mail hunter2@example.com LONG", "[hunter2@example.com] LONG",
    ])
    func secrets(_ form: String) {
        let text = form.replacing("LONG", with: long)
        let shown = redactor.shown(text, limit: 4000)
        #expect(!shown.contains("hunter2"), "\(shown.prefix(200))")
        #expect(shown.count <= 4001 && shown.hasSuffix("…"))
        let value = form.hasPrefix("{") ? text : "\"" + text + "\""
        #expect(!redactor.shown(json: value, key: nil, limit: 200).contains("hunter2"))
        #expect(redactor.shown(json: value, key: "password", limit: 200) == #""[REDACTED]""#)
    }

    @Test("a secret is not shown in part where the text was cut in it")
    func cutSecret() {
        // Characters of many bytes each, so that all that was looked at would be shown.
        let character = "e" + String(repeating: "\u{301}", count: 15)
        for offset in 0...50 {
            let room = TextRedactor.maximumLookedAt - offset
            let padding = String(repeating: character, count: room / 31) + String(repeating: " ", count: room % 31)
            let text = padding + "sk-abcdefghijklmnopqrstuvwxyz0123456789" + long
            #expect(!redactor.shown(text, limit: 4000).contains("sk-"), "\(offset)")
        }
    }

    @Test("shorter texts are shown as they always were")
    func short() {
        #expect(redactor.shown("all is well", limit: 4000) == "all is well")
        #expect(redactor.shown("all is well", limit: 3) == "all…")
        #expect(redactor.shown(#"{"password": "x", "a": 1}"#, limit: 99) == #"{"password":"[REDACTED]","a":1}"#)
    }
}
