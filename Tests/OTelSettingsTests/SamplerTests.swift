import OTelSettings
import RunSpans
import Testing

/// A recorded run is a root span, so parent-based samplers come down to their root samplers.
@Suite struct SamplerTests {
    @Test(
        arguments: [
            ("always_on", TraceSampler.alwaysOn), ("parentbased_always_on", .alwaysOn), ("always_off", .alwaysOff),
            ("parentbased_always_off", .alwaysOff), ("Always_Off", .alwaysOff), ("traceidratio", .ratio(1)),
            ("parentbased_traceidratio", .ratio(1)),
        ])
    func samplersByName(_ name: String, _ sampler: TraceSampler) throws {
        #expect(try cleanSettings(["OTEL_TRACES_SAMPLER": name]).sampler == sampler)
    }

    @Test(arguments: ["traceidratio", "parentbased_traceidratio"], [("0", 0), ("0.25", 0.25), ("1", 1), ("1e-3", 0.001)])
    func theRatioIsTheArgument(_ name: String, _ argument: (String, Double)) throws {
        let settings = try cleanSettings(["OTEL_TRACES_SAMPLER": name, "OTEL_TRACES_SAMPLER_ARG": argument.0])
        #expect(settings.sampler == .ratio(argument.1))
    }

    @Test(arguments: ["-0.1", "1.1", "half", "nan", "inf", "50%"])
    func aRatioOutOfRangeIsWarnedAboutAndCountsAsUnset(_ text: String) throws {
        let settings = try settings(["OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": text])
        #expect(settings.sampler == .ratio(1))
        #expect(try onlyWarning(settings, about: "OTEL_TRACES_SAMPLER_ARG").contains(text))
    }

    @Test func theArgumentMeansNothingToOtherSamplers() throws {
        let settings = try cleanSettings(["OTEL_TRACES_SAMPLER": "always_on", "OTEL_TRACES_SAMPLER_ARG": "http://jaeger"])
        #expect(settings.sampler == .alwaysOn)
    }

    @Test(arguments: ["jaeger_remote", "xray", "ratio"])
    func anUnknownSamplerIsWarnedAboutAndIgnored(_ text: String) throws {
        let settings = try settings(["OTEL_TRACES_SAMPLER": text])
        #expect(settings.sampler == .alwaysOn)
        #expect(try onlyWarning(settings, about: "OTEL_TRACES_SAMPLER").contains(text))
    }
}
