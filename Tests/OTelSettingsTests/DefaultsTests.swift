import Delivery
import OTelSettings
import RunSpans
import Testing

/// What holds when nothing is set. Source: OpenTelemetry specification, "Environment Variable Specification".
@Suite struct DefaultsTests {
    private func expectDefaults(_ settings: OTelSettings) {
        #expect(settings.isDisabled == false)
        #expect(settings.exporter == .otlp)
        #expect(settings.encoding == .protobuf)
        #expect(settings.endpoint == "http://localhost:4318/v1/traces")
        #expect(settings.headers.isEmpty)
        #expect(settings.compression == .none)
        #expect(settings.timeout == .seconds(10))
        #expect(settings.certificate == nil)
        #expect(settings.clientKey == nil)
        #expect(settings.clientCertificate == nil)
        #expect(settings.resource.isEmpty)
        #expect(settings.limits == AttributeLimits(count: 128, valueLength: nil))
        #expect(settings.sampler == .alwaysOn)
        #expect(settings.batchSpans == 512)
        #expect(settings.queueSpans == 2048)
        #expect(settings.exportTimeout == nil)
        #expect(settings.logLevel == "info")
    }

    @Test func unsetVariablesLeaveTheDefaults() throws {
        expectDefaults(try cleanSettings([:]))
    }

    /// Shells cannot always unset what a parent set, so the specification says: empty is unset.
    @Test func emptyVariablesAreUnset() throws {
        let general = [
            "OTEL_SDK_DISABLED", "OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES", "OTEL_TRACES_EXPORTER",
            "OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG", "OTEL_BSP_SCHEDULE_DELAY", "OTEL_BSP_EXPORT_TIMEOUT",
            "OTEL_BSP_MAX_QUEUE_SIZE", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "OTEL_ATTRIBUTE_COUNT_LIMIT",
            "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
            "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "OTEL_LOG_LEVEL", "OTEL_CONFIG_FILE",
        ]
        let exporter = [
            "ENDPOINT", "PROTOCOL", "HEADERS", "COMPRESSION", "TIMEOUT", "CERTIFICATE", "CLIENT_KEY", "CLIENT_CERTIFICATE",
        ].flatMap { ["OTEL_EXPORTER_OTLP_\($0)", "OTEL_EXPORTER_OTLP_TRACES_\($0)"] }
        expectDefaults(try cleanSettings(Dictionary(uniqueKeysWithValues: (general + exporter).map { ($0, "") })))
    }

    @Test func variablesOfOtherSignalsAndProgramsAreNotLookedAt() throws {
        expectDefaults(
            try cleanSettings([
                "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://metrics", "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL": "grpc",
                "OTEL_METRICS_EXPORTER": "nonsense", "OTEL_BLRP_MAX_QUEUE_SIZE": "-1", "PATH": "/bin",
            ]))
    }
}
