import OTelSettings
import Testing

@Suite struct ResourceTests {
    private func resource(_ variables: [String: String]) throws -> [String] {
        try cleanSettings(variables).resource.map { "\($0.key)=\($0.value)" }
    }

    @Test func theServiceNameIsAResourceAttribute() throws {
        #expect(try resource(["OTEL_SERVICE_NAME": "shop"]) == ["service.name=shop"])
    }

    @Test func theServiceNameWinsOverTheAttribute() throws {
        let variables = [
            "OTEL_RESOURCE_ATTRIBUTES": "service.name=other,deployment.environment.name=test", "OTEL_SERVICE_NAME": "shop",
        ]
        #expect(try resource(variables) == ["service.name=shop", "deployment.environment.name=test"])
    }

    @Test func theServiceNameIsNotPercentDecoded() throws {
        #expect(try resource(["OTEL_SERVICE_NAME": "a%20b,c=d"]) == ["service.name=a%20b,c=d"])
    }

    @Test func theServiceNameSurvivesDamagedAttributes() throws {
        let settings = try settings(["OTEL_RESOURCE_ATTRIBUTES": "a=%", "OTEL_SERVICE_NAME": "shop"])
        #expect(settings.resource.map(\.value) == ["shop"])
        #expect(settings.warnings.count == 1)
    }

    @Test func aRepeatedKeyKeepsItsLastValue() throws {
        #expect(try resource(["OTEL_RESOURCE_ATTRIBUTES": "a=1,b=2,a=3"]) == ["a=3", "b=2"])
    }

    @Test func settingAnAttributeReplacesItsValue() throws {
        var settings = try cleanSettings(["OTEL_RESOURCE_ATTRIBUTES": "a=1"])
        settings.setResource("a", "2")
        settings.setResource("b", "3")
        #expect(settings.resource.map(\.key) == ["a", "b"])
        #expect(settings.resource.map(\.value) == ["2", "3"])
    }
}
