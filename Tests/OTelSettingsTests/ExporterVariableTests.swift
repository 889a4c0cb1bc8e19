import Delivery
import OTelSettings
import Testing

/// `OTEL_EXPORTER_OTLP_*` apart from endpoint and headers.
@Suite struct ExporterVariableTests {
    /// A value of each variable that the settings show as it is.
    struct Variable: Sendable, CustomTestStringConvertible {
        var suffix: String
        var general: String
        var own: String
        var shown: @Sendable (OTelSettings) -> String?
        var testDescription: String { suffix }
    }

    static let variables = [
        Variable(suffix: "PROTOCOL", general: "http/protobuf", own: "http/json") { $0.encoding.rawValue },
        Variable(suffix: "COMPRESSION", general: "none", own: "gzip") { $0.compression.rawValue },
        Variable(suffix: "TIMEOUT", general: "1500", own: "2500") { $0.timeout.map { "\(Int($0 / .milliseconds(1)))" } },
        Variable(suffix: "CERTIFICATE", general: "/a/ca.pem", own: "/b/ca.pem") { $0.certificate },
        Variable(suffix: "CLIENT_KEY", general: "/a/key.pem", own: "/b/key.pem") { $0.clientKey },
        Variable(suffix: "CLIENT_CERTIFICATE", general: "/a/c.pem", own: "/b/c.pem") { $0.clientCertificate },
        Variable(suffix: "HEADERS", general: "k=general", own: "k=own") { $0.headers.map { "\($0.name)=\($0.value)" }.first },
    ]

    @Test(arguments: variables)
    func theVariableOfTracesWinsOverTheGeneralOne(_ variable: Variable) throws {
        let (general, own) = ("OTEL_EXPORTER_OTLP_\(variable.suffix)", "OTEL_EXPORTER_OTLP_TRACES_\(variable.suffix)")
        #expect(variable.shown(try cleanSettings([general: variable.general])) == variable.general)
        #expect(variable.shown(try cleanSettings([own: variable.own])) == variable.own)
        #expect(variable.shown(try cleanSettings([general: variable.general, own: variable.own])) == variable.own)
        #expect(variable.shown(try cleanSettings([general: variable.own, own: variable.general])) == variable.general)
        #expect(variable.shown(try cleanSettings([general: variable.general, own: ""])) == variable.general)
    }

    @Test func headersOfTracesReplaceTheGeneralOnesAsAWhole() throws {
        let settings = try cleanSettings([
            "OTEL_EXPORTER_OTLP_HEADERS": "a=1,b=2", "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "b=3",
        ])
        #expect(settings.headers.map(\.name) == ["b"])
        #expect(settings.headers.map(\.value) == ["3"])
    }

    @Test func aTimeoutOfZeroIsNone() throws {
        #expect(try cleanSettings(["OTEL_EXPORTER_OTLP_TIMEOUT": "0"]).timeout == nil)
    }

    @Test(arguments: ["HTTP/JSON", "Http/Json"])
    func theProtocolIsReadInAnyCase(_ text: String) throws {
        #expect(try cleanSettings(["OTEL_EXPORTER_OTLP_PROTOCOL": text]).encoding == .json)
    }

    @Test(arguments: ["GZIP", "Gzip"])
    func theCompressionIsReadInAnyCase(_ text: String) throws {
        #expect(try cleanSettings(["OTEL_EXPORTER_OTLP_COMPRESSION": text]).compression == .gzip)
    }

    @Test(arguments: ["-1", "ten", "1.5", "10s", "99999999999999999999"])
    func aTimeoutThatIsNoneIsWarnedAboutAndIgnored(_ text: String) throws {
        let settings = try settings(["OTEL_EXPORTER_OTLP_TIMEOUT": text])
        #expect(settings.timeout == .seconds(10))
        #expect(try onlyWarning(settings, about: "OTEL_EXPORTER_OTLP_TIMEOUT").contains(text))
    }

    @Test(arguments: ["zstd", "deflate", "1"])
    func anUnknownCompressionIsWarnedAboutAndIgnored(_ text: String) throws {
        let settings = try settings(["OTEL_EXPORTER_OTLP_TRACES_COMPRESSION": text])
        #expect(settings.compression == .none)
        #expect(try onlyWarning(settings, about: "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION").contains("none, gzip"))
    }

    @Test func anUnknownProtocolIsWarnedAboutAndIgnored() throws {
        let settings = try settings(["OTEL_EXPORTER_OTLP_PROTOCOL": "http/xml"])
        #expect(settings.encoding == .protobuf)
        #expect(try onlyWarning(settings, about: "OTEL_EXPORTER_OTLP_PROTOCOL").contains("http/xml"))
    }

    /// Sending something else than what was asked for would be a surprise: this must be an error, with the way out.
    @Test(arguments: ["OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"], ["grpc", "GRPC"])
    func grpcIsAnErrorThatNamesTheWayOut(_ name: String, _ word: String) {
        let error = #expect(throws: OTelSettingsError.self) { try settings([name: word]) }
        #expect(error?.description.contains(name) == true)
        #expect(error?.description.contains("http/protobuf") == true)
        #expect(error?.description.contains("4318") == true)
    }

    @Test func grpcForOtherSignalsOnlyIsNoError() throws {
        let settings = try cleanSettings([
            "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/json",
        ])
        #expect(settings.encoding == .json)
    }
}
