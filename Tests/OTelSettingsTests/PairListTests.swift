import OTelSettings
import Testing

/// `k=v,k=v` with percent-encoding: headers and resource attributes.
@Suite struct PairListTests {
    struct Reading: Sendable, CustomTestStringConvertible {
        var text: String
        var keys: [String]
        var values: [String]
        var testDescription: String { text }

        init(_ text: String, _ pairs: KeyValuePairs<String, String>) {
            self.text = text
            keys = pairs.map(\.key)
            values = pairs.map(\.value)
        }
    }

    static let readings = [
        Reading("a=1", ["a": "1"]),
        Reading("a=1,b=2", ["a": "1", "b": "2"]),
        Reading(" a = 1 ,\tb = 2 ", ["a": "1", "b": "2"]),
        Reading("a=1,,b=2,", ["a": "1", "b": "2"]),
        Reading("a=", ["a": ""]),
        Reading("authorization=Basic dXNlcjpwYXNz==", ["authorization": "Basic dXNlcjpwYXNz=="]),
        Reading("authorization=Bearer%20secret%2Cwith%3Dsigns", ["authorization": "Bearer secret,with=signs"]),
        Reading("a= %20padded%20 ", ["a": " padded "]),
        Reading("a=100%25", ["a": "100%"]),
        Reading("n%61me=gr%C3%B6%c3%9fe", ["name": "größe"]),
        Reading("a=größe", ["a": "größe"]),
        Reading("a=1+1", ["a": "1+1"]),
    ]

    @Test(arguments: readings)
    func headersAreDecoded(_ reading: Reading) throws {
        let headers = try cleanSettings(["OTEL_EXPORTER_OTLP_HEADERS": reading.text]).headers
        #expect(headers.map(\.name) == reading.keys)
        #expect(headers.map(\.value) == reading.values)
    }

    @Test(arguments: readings)
    func resourceAttributesAreDecoded(_ reading: Reading) throws {
        let resource = try cleanSettings(["OTEL_RESOURCE_ATTRIBUTES": reading.text]).resource
        #expect(resource.map(\.key) == reading.keys)
        #expect(resource.map(\.value) == reading.values)
    }

    /// Values can be secrets, and warnings go to logs.
    @Test(
        arguments: ["OTEL_RESOURCE_ATTRIBUTES", "OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS"],
        [
            "good=1,hunter2", "good=1,=hunter2", "good=1,k=hunter2%", "good=1,k=hunter2%2", "good=1,k=hunter2%zz",
            "good=1,k=hunter2%FF", "good=1,%=hunter2", "good=1,k=hunter2%C3",
        ])
    func anErrorDiscardsAllWithAWarningThatKeepsTheValue(_ name: String, _ text: String) throws {
        let settings = try settings([name: text])
        #expect(settings.headers.isEmpty)
        #expect(settings.resource.isEmpty)
        #expect(try !onlyWarning(settings, about: name).contains("hunter2"))
    }

    /// Two hex digits follow a percent sign; a sign before one digit is a number for some readers of numbers.
    @Test(arguments: ["k=%+5", "k=%-0"])
    func aSignIsNoHexDigit(_ text: String) throws {
        let settings = try settings(["OTEL_RESOURCE_ATTRIBUTES": text])
        #expect(settings.resource.isEmpty)
        #expect(settings.warnings.count == 1)
    }
}
