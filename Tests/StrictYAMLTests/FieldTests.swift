import StrictYAML
import Testing

@Suite struct FieldTests {
    @Test(arguments: [("true", true), ("False", false), ("TRUE", true)])
    func booleansAreThoseOfTheCoreSchema(_ text: String, _ expected: Bool) throws {
        #expect(try reading(text) { $0.bool() } == expected)
    }

    @Test(arguments: ["yes", "on", "y", "\"true\"", "1", "tRUE", "[true]", ""])
    func nothingElseIsABoolean(_ text: String) {
        #expect(throws: YAMLError.self) { try reading(text) { $0.bool() } }
    }

    @Test(arguments: [("0", 0), ("-17", -17), ("+5", 5), ("007", 7), ("0x1F", 31), ("0o17", 15), ("1e3", 1000), ("2.0", 2),
        ("9223372036854775807", Int.max), ("-9223372036854775808", Int.min)])
    func wholeNumbers(_ text: String, _ expected: Int) throws {
        #expect(try reading(text) { $0.int() } == expected)
    }

    @Test(arguments: ["9223372036854775808", "1.5", "\"5\"", "1_000", "1:30", ".inf", "0x", "0x+1", "1e", "e3", "-", ".", "1e99999"])
    func whatIsNoWholeNumber(_ text: String) {
        #expect(throws: YAMLError.self) { try reading(text) { $0.int() } }
    }

    @Test func boundsAreNamed() {
        #expect(complaints("v: 7") { $0["v"]?.int(in: 0...5) } == [
            "gate.yaml:1:4: v: found the number 7 where a whole number from 0 to 5 should be (choose a number within the bounds)"
        ])
    }

    @Test(arguments: [
        ("18446744073709551615", "a whole number from 0 to 9223372036854775807"), ("1e99", "a whole number from 0 to 9223372036854775807"),
        ("-1", "a whole number of at least 0"), ("1.5", "a whole number"),
    ])
    func boundsOfWholeNumbersAreNamedBeyondTheLargest(_ text: String, _ words: String) {
        #expect(complaints("v: \(text)") { $0["v"]?.int(in: 0...Int.max) }.first?.contains("where \(words) should be") == true)
    }

    @Test(arguments: [".nan", ".inf", "-.inf", "1e999", "13", "-1"])
    func boundsOfNumbersAreNamed(_ text: String) {
        #expect(complaints("v: \(text)") { $0["v"]?.double(in: 0...12) }.first?.contains("a number from 0.0 to 12.0") == true)
        guard text.contains("n") || text.contains("9") else { return }
        #expect(complaints("v: \(text)") { $0["v"]?.double() }.first?.contains("a finite number") == true)
    }

    @Test(arguments: ["100000000h", "99999999999999999999d", "365001d"])
    func boundsOfDurationsAreNamed(_ text: String) {
        #expect(complaints("v: \(text)") { $0["v"]?.duration() }.first?.contains("a duration of at most 1000 years") == true)
    }

    @Test(arguments: [("2s", Duration.seconds(2)), ("500ms", .milliseconds(500)), ("1.5m", .seconds(90)), ("0", .zero),
        ("250us", .microseconds(250)), ("1h", .seconds(3600)), ("7d", .seconds(604_800)), ("0.1ns", Duration(secondsComponent: 0, attosecondsComponent: 100_000_000))])
    func durations(_ text: String, _ expected: Duration) throws {
        #expect(try reading(text) { $0.duration() } == expected)
    }

    @Test(arguments: ["2", "-1s", "2 s", "s", "1e3s", "99999999999999999999d", "2w", "1.2.3s", "[2s]", "٣s", "0.0000000000000000001s"])
    func whatIsNoDuration(_ text: String) {
        #expect(throws: YAMLError.self) { try reading(text) { $0.duration() } }
    }

    @Test func percentagesNeedTheirSign() throws {
        #expect(try reading("2.5%") { $0.percentage() } == 2.5)
        for text in ["2.5", "101%", "-1%", "%", "yes%"] {
            #expect(throws: YAMLError.self) { try reading(text) { $0.percentage() } }
        }
    }

    enum Mode: String, CaseIterable { case strict, ordered, lenient }

    @Test func wordsAreKnownOrTheNearestIsNamed() throws {
        #expect(try reading("ordered") { $0.word(as: Mode.self) } == .ordered)
        #expect(complaints("m: ordred") { $0["m"]?.word(as: Mode.self) } == [
            #"gate.yaml:1:4: m: found the text "ordred" where one of strict, ordered, lenient should be (did you mean ordered?)"#
        ])
    }

    @Test func textIsNotMadeOfOtherThings() throws {
        #expect(try reading("2024-01-01") { $0.string() } == "2024-01-01")
        for text in ["5", "true", "~", "[a]", "{a: b}"] {
            #expect(throws: YAMLError.self) { try reading(text) { $0.string() } }
        }
    }

    @Test func manyMistakesComeTogetherInTheOrderOfTheFile() {
        let text = """
            checks:
              - contains: a
              - contains: 5
              - {contains: b, containz: c}
            max_faild: 1
            repeat: yes
            """
        let found = complaints(text) { fields -> Void? in
            _ = fields["repeat"]?.int()
            _ = fields["max_failed"]?.int()
            _ = fields["checks"]?.list { $0.mapping { $0.required("contains")?.string() } }
            return ()
        }
        #expect(found == [
            "gate.yaml:3:15: checks[1].contains: found the number 5 where a text should be (put it in quotes)",
            "gate.yaml:4:19: checks[2].containz: unknown key \"containz\" (did you mean contains?)",
            "gate.yaml:5:1: max_faild: unknown key \"max_faild\" (did you mean max_failed?)",
            "gate.yaml:6:9: repeat: found the text \"yes\" where a whole number should be (write digits, without quotes)",
        ])
    }

    @Test func missingFieldsAndFarKeysAreExplained() {
        #expect(complaints("qqqqqq: 1") { fields -> Int? in
            _ = fields["b"]
            _ = fields.required("alpha")
            return 1
        } == [
            "gate.yaml:1:1: alpha is missing (add alpha: …)",
            "gate.yaml:1:1: qqqqqq: unknown key \"qqqqqq\" (known are alpha, b)",
        ])
    }

    @Test func whatWasNotAskedForBecauseSomethingIsMissingIsNotUnknown() {
        let read = { (fields: YAMLMapping) -> Int? in fields.required("alpha")?.int().map { _ in fields["beta"]?.int() ?? 0 } }
        #expect(complaints("beta: 1", read) == ["gate.yaml:1:1: alpha is missing (add alpha: …)"])
        #expect(complaints("alphe: 1", read).contains { $0.contains("did you mean alpha?") })
    }

    @Test func complaintsAreBounded() throws {
        let text = (0..<500).map { "k\($0): 1\n" }.joined()
        do {
            _ = try document(text).read { $0.mapping { _ in () } }
            Issue.record("no error")
        } catch {
            #expect(error.problems.count == 20)
            #expect(error.omitted == 480)
            #expect(error.description.hasSuffix("… and 480 more"))
        }
    }

    @Test func hostileTextIsEscapedInMessages() {
        let found = complaints("\"a\\e[31m\\nb\u{202E}\": 1") { _ in () }
        #expect(found.count == 1 && !found[0].unicodeScalars.contains { $0 == "\u{1B}" || $0 == "\n" || $0 == "\u{202E}" })
    }
}
