import OTelSettings
import Testing

/// Source: OpenTelemetry specification, "OTLP Exporter Configuration", "Endpoint URLs for OTLP/HTTP".
@Suite struct EndpointTests {
    /// The general variable is a base URL.
    @Test(
        arguments: [
            ("http://c:4318", "http://c:4318/v1/traces"),
            ("http://c:4318/", "http://c:4318/v1/traces"),
            ("http://c:4318/x", "http://c:4318/x/v1/traces"),
            ("http://c:4318/x/", "http://c:4318/x/v1/traces"),
            ("https://c/otlp/api?key=1", "https://c/otlp/api/v1/traces?key=1"),
            ("http://c?key=a/b", "http://c/v1/traces?key=a/b"),
            ("http://[::1]:4318", "http://[::1]:4318/v1/traces"),
            ("http://c/v1/traces", "http://c/v1/traces/v1/traces"),
        ])
    func theGeneralEndpointGetsThePathOfTraces(_ base: String, _ url: String) throws {
        #expect(try cleanSettings(["OTEL_EXPORTER_OTLP_ENDPOINT": base]).endpoint == url)
        #expect(OTelSettings.tracesURL(base: base) == url)
    }

    /// The signal's own variable is used as it is; an empty path is the root path.
    @Test(
        arguments: [
            ("http://c:4318/v1/traces", "http://c:4318/v1/traces"),
            ("http://c:4318/x", "http://c:4318/x"),
            ("http://c:4318/x/", "http://c:4318/x/"),
            ("http://c:4318/", "http://c:4318/"),
            ("http://c:4318", "http://c:4318/"),
            ("https://c/in?key=1", "https://c/in?key=1"),
        ])
    func theEndpointOfTracesIsUsedAsItIs(_ text: String, _ url: String) throws {
        #expect(try cleanSettings(["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": text]).endpoint == url)
        #expect(OTelSettings.url(forSignal: text) == url)
    }

    @Test(arguments: [("http://c?key=1", "http://c/?key=1"), ("http://c:4318?next=/a", "http://c:4318/?next=/a")])
    func anEmptyPathBeforeAQueryIsTheRootPathToo(_ text: String, _ url: String) {
        #expect(OTelSettings.url(forSignal: text) == url)
    }

    @Test func theEndpointOfTracesWins() throws {
        let settings = try cleanSettings([
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://general:4318", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://own:9/in",
        ])
        #expect(settings.endpoint == "http://own:9/in")
    }

    @Test func anEmptyEndpointOfTracesDoesNotHideTheGeneralOne() throws {
        let settings = try cleanSettings([
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://general:4318", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "",
        ])
        #expect(settings.endpoint == "http://general:4318/v1/traces")
    }
}
