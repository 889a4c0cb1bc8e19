import RunSpans
import Testing

@Suite("Redaction of JSON")
struct RedactorTests {
    private let redaction = Redaction()

    @Test(
        "The value of a secret's key is replaced whole, at any depth and whatever it is",
        arguments: [
            (#"{"password":"x"}"#, #"{"password":"[REDACTED]"}"#), (#"{"a":[{"b":{"token":5}}]}"#, #"{"a":[{"b":{"token":"[REDACTED]"}}]}"#),
            (#"{"credentials":{"user":"u","pw":["p"]},"n":1}"#, #"{"credentials":"[REDACTED]","n":1}"#), (#"{"secret":null}"#, #"{"secret":"[REDACTED]"}"#),
            (#"{"API-Key":"x","api_key":"x","apiKey":"x"}"#, #"{"API-Key":"[REDACTED]","api_key":"[REDACTED]","apiKey":"[REDACTED]"}"#),
            (#"{"Set-Cookie":"x"}"#, #"{"Set-Cookie":"[REDACTED]"}"#), (#"{"p\u0061ssword":"x"}"#, #"{"password":"[REDACTED]"}"#),
            (#"{"tokens":5,"password_hint":"h"}"#, #"{"tokens":5,"password_hint":"h"}"#), (#"["password","x"]"#, #"["password","x"]"#),
        ])
    func keys(json: String, expected: String) {
        #expect(redaction.json(json) == expected)
    }

    @Test("Keys can be added, in any spelling")
    func ownKeys() {
        var redaction = Redaction(keys: ["Account-No"])
        redaction.add(key: "IBAN")
        #expect(
            redaction.json(#"{"account_no":1,"iban":"x","password":"p"}"#)
                == #"{"account_no":"[REDACTED]","iban":"[REDACTED]","password":"p"}"#)
    }

    @Test("JSON comes out compact, with its numbers and order as they were")
    func compact() {
        #expect(
            redaction.json("{ \"b\" : [ 1.50, -0, 1e+3, true, null ] ,\n\"a\":{ }, \"a\" : \"\\u00e9\\/\" }")
                == #"{"b":[1.50,-0,1e+3,true,null],"a":{},"a":"é/"}"#)
    }

    @Test("Strings and keys are searched, with their escapes undone")
    func strings() {
        #expect(redaction.json(#"["ann@example.com"]"#) == #"["[REDACTED:email]"]"#)
        #expect(redaction.json(#"["ann\u0040example.com"]"#) == #"["[REDACTED:email]"]"#)
        #expect(redaction.json(#"["\u0061nn@ex\u0061mple.com \"quoted\""]"#) == #"["[REDACTED:email] \"quoted\""]"#)
        #expect(redaction.json(#"{"ann@example.com":1}"#) == #"{"[REDACTED:email]":1}"#)
    }

    @Test(
        "A number that is a card's becomes a string, all others stay as written",
        arguments: [
            ("[4111111111111111]", #"["[REDACTED:card]"]"#), ("[4111111111111112]", "[4111111111111112]"), ("[12, 1.0E5]", "[12,1.0E5]"),
            ("[41111111111111110000]", "[41111111111111110000]"),
        ])
    func numbers(json: String, expected: String) {
        #expect(redaction.json(json) == expected)
    }

    /// One in ten numbers passes the check digit: scores with sixteen decimals must not vanish.
    @Test("The decimals of a number are no card number")
    func decimals() {
        #expect(redaction.json("[0.4111111111111111,-12.4111111111111111]") == "[0.4111111111111111,-12.4111111111111111]")
    }

    @Test(
        "JSON within a string is treated as JSON",
        arguments: [
            (#"{"args":"{\"password\": \"x\"}"}"#, #"{"args":"{\"password\":\"[REDACTED]\"}"}"#),
            (#"["[{\"a\":\"{\\\"token\\\":1}\"}]"]"#, #"["[{\"a\":\"{\\\"token\\\":\\\"[REDACTED]\\\"}\"}]"]"#),
            (#"["{\"card\":4111111111111111}"]"#, #"["{\"card\":\"[REDACTED:card]\"}"]"#),
        ])
    func nestedJSON(json: String, expected: String) {
        #expect(redaction.json(json) == expected)
    }

    @Test("White space around JSON within a string does not hide its secrets", arguments: [" ", "\n", "\t\r\n"])
    func nestedJSONAfterSpace(space: String) {
        #expect(!redaction.text(space + #"{"password":"hunter2"}"# + space).contains("hunter2"))
    }

    @Test("JSON within a string that holds no secret stays as it was written", arguments: [#"{ "a" : 1 }"#, "[ ]", #"{"a":"\u0041"}"#])
    func nestedJSONUnchanged(text: String) {
        #expect(redaction.text(text) == text)
    }

    @Test("What only looks like JSON is searched as text", arguments: ["{ann@example.com", "[ann@example.com]"])
    func notJSON(text: String) {
        #expect(redaction.text(text) == text.replacing("ann@example.com", with: "[REDACTED:email]"))
    }

    @Test("Deep JSON within JSON neither crashes nor leaks")
    func deepNesting() {
        let deep = String(repeating: "[", count: 5000) + #""ann@example.com""# + String(repeating: "]", count: 5000)
        #expect(!redaction.text(deep).contains("ann@"))
        var json = #"{"mail":"ann@example.com"}"#
        for _ in 0..<8 { json = #"{"a":"# + quoted(json) + "}" }
        #expect(!redaction.json(json).contains("ann@"))
    }

    private func quoted(_ text: String) -> String {
        "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }

    @Test("The user's patterns apply to strings, after the built-in ones or alone")
    func patterns() throws {
        var redaction = Redaction()
        try redaction.add(pattern: "PRJ-[0-9]+")
        #expect(redaction.text("see PRJ-12, PRJ-7 and ann@example.com") == "see [REDACTED], [REDACTED] and [REDACTED:email]")
        #expect(redaction.json(#"{"PRJ-1":["PRJ-2"]}"#) == #"{"[REDACTED]":["[REDACTED]"]}"#)
        var alone = Redaction(usesBuiltInPatterns: false)
        try alone.add(pattern: "PRJ-[0-9]+")
        #expect(alone.text("PRJ-12 ann@example.com") == "[REDACTED] ann@example.com")
    }

    @Test("A pattern that is none is refused when it is added")
    func badPattern() {
        var redaction = Redaction()
        #expect(throws: (any Error).self) { try redaction.add(pattern: "(") }
        #expect(redaction.patterns.isEmpty)
    }
}
