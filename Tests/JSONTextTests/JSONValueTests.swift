import JSONText
import Testing

@Suite("Writing JSON values")
struct JSONValueTests {
    @Test("Values are written compactly, members in the order given")
    func compact() {
        let value = JSONValue.object([
            ("z", .array([.null, .bool(true), .bool(false)])), ("a", .integer(.min)), ("n", .number(0.5)),
            ("key \"\n", .text("é\0")), ("empty", .object([])), ("none", .array([])),
        ])
        #expect(
            value.text
                == #"{"z":[null,true,false],"a":-9223372036854775808,"n":0.5,"key \"\n":"é\u0000","empty":{},"none":[]}"#)
    }

    @Test("A number that JSON cannot say becomes null", arguments: [Double.infinity, -.infinity, .nan])
    func notFinite(number: Double) {
        #expect(JSONValue.array([.number(number)]).text == "[null]")
    }

    @Test("Finite numbers are written as JSON", arguments: [0, -0.0, 1e300, .leastNonzeroMagnitude, -1.5, 1e16])
    func finite(number: Double) {
        let text = JSONValue.number(number).text
        #expect(ParsedText(text) == .tokens([.init(.number, text, next: 1)]))
        #expect(Double(text) == number)
    }

    @Test("Counts come sorted by name, so that equal counts are equal text")
    func counts() {
        #expect(JSONValue.counts(["b": 2, "a": 1, "c": 3]).text == #"{"a":1,"b":2,"c":3}"#)
    }
}
