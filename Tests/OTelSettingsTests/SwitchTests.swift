import OTelSettings
import Testing

/// What turns export on, off, or elsewhere.
@Suite struct SwitchTests {
    @Test(arguments: ["true", "TRUE", "True"])
    func trueInAnyCaseDisables(_ text: String) throws {
        #expect(try cleanSettings(["OTEL_SDK_DISABLED": text]).isDisabled)
    }

    @Test(arguments: ["false", "FALSE"])
    func falseInAnyCaseDoesNot(_ text: String) throws {
        #expect(try cleanSettings(["OTEL_SDK_DISABLED": text]).isDisabled == false)
    }

    @Test(arguments: ["1", "yes", "on", "t", " true"])
    func anythingElseIsFalseWithAWarning(_ text: String) throws {
        let settings = try settings(["OTEL_SDK_DISABLED": text])
        #expect(settings.isDisabled == false)
        #expect(try onlyWarning(settings, about: "OTEL_SDK_DISABLED").contains("false"))
    }

    @Test(
        arguments: [
            ("otlp", OTelSettings.Exporter.otlp), ("console", .console), ("none", .none), ("NONE", .none), ("Console", .console),
        ])
    func exportersByName(_ text: String, _ exporter: OTelSettings.Exporter) throws {
        #expect(try cleanSettings(["OTEL_TRACES_EXPORTER": text]).exporter == exporter)
    }

    @Test(arguments: ["zipkin", "jaeger", "stdout"])
    func anUnknownExporterIsWarnedAboutAndIgnored(_ text: String) throws {
        let settings = try settings(["OTEL_TRACES_EXPORTER": text])
        #expect(settings.exporter == .otlp)
        #expect(try onlyWarning(settings, about: "OTEL_TRACES_EXPORTER").contains(text))
    }

    /// It takes over from all other variables: to ignore it would be to ignore all that the user says.
    @Test func aConfigurationFileIsAnErrorThatNamesTheWayOut() {
        let error = #expect(throws: OTelSettingsError.self) { try settings(["OTEL_CONFIG_FILE": "otel.yaml"]) }
        #expect(error?.description.contains("OTEL_CONFIG_FILE") == true)
        #expect(error?.description.contains("unset it") == true)
    }

    @Test(arguments: [("debug", "debug"), ("WARN", "warn"), ("none", "none")])
    func logLevelsInAnyCase(_ text: String, _ level: String) throws {
        #expect(try cleanSettings(["OTEL_LOG_LEVEL": text]).logLevel == level)
    }

    @Test func anUnknownLogLevelIsWarnedAboutAndIgnored() throws {
        let settings = try settings(["OTEL_LOG_LEVEL": "loud"])
        #expect(settings.logLevel == "info")
        #expect(try onlyWarning(settings, about: "OTEL_LOG_LEVEL").contains("loud"))
    }

    @Test func everyProblemIsTold() throws {
        let settings = try settings(["OTEL_TRACES_SAMPLER": "x", "OTEL_SDK_DISABLED": "y", "OTEL_BSP_MAX_QUEUE_SIZE": "z"])
        #expect(settings.warnings.count == 3)
    }
}
