import OTelSettings
import RunSpans
import Testing

/// Attribute limits and the batch span processor's numbers.
@Suite struct LimitTests {
    @Test func theGeneralLimitsHoldForSpans() throws {
        let limits = try cleanSettings(["OTEL_ATTRIBUTE_COUNT_LIMIT": "7", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "20"]).limits
        #expect(limits.count == 7)
        #expect(limits.valueLength == 20)
    }

    @Test func theLimitsOfSpansWin() throws {
        let limits = try cleanSettings([
            "OTEL_ATTRIBUTE_COUNT_LIMIT": "7", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "20",
            "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "8", "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT": "21",
        ]).limits
        #expect(limits.count == 8)
        #expect(limits.valueLength == 21)
    }

    @Test func aLimitOfZeroIsALimit() throws {
        let limits = try cleanSettings(["OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "0", "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT": "0"]).limits
        #expect(limits.count == 0)
        #expect(limits.valueLength == 0)
    }

    @Test(
        arguments: [
            "OTEL_ATTRIBUTE_COUNT_LIMIT", "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
            "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
        ], ["-1", "many", "1.5"])
    func aLimitThatIsNoneIsWarnedAboutAndIgnored(_ name: String, _ text: String) throws {
        let settings = try settings([name: text])
        #expect(settings.limits.count == 128)
        #expect(settings.limits.valueLength == nil)
        #expect(try onlyWarning(settings, about: name).contains(text))
    }

    @Test func batchAndQueueAreCountedInSpans() throws {
        let settings = try cleanSettings(["OTEL_BSP_MAX_QUEUE_SIZE": "100", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "10"])
        #expect(settings.queueSpans == 100)
        #expect(settings.batchSpans == 10)
    }

    @Test func aSmallQueueMakesTheDefaultBatchSmallWithoutAWord() throws {
        let settings = try cleanSettings(["OTEL_BSP_MAX_QUEUE_SIZE": "100"])
        #expect(settings.batchSpans == 100)
    }

    @Test func aBatchThatIsLargerThanTheQueueIsCutToIt() throws {
        let settings = try settings(["OTEL_BSP_MAX_QUEUE_SIZE": "100", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "200"])
        #expect(settings.batchSpans == 100)
        #expect(try onlyWarning(settings, about: "OTEL_BSP_MAX_EXPORT_BATCH_SIZE").contains("using 100"))
    }

    @Test(arguments: ["OTEL_BSP_MAX_QUEUE_SIZE", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE"], ["0", "-5", "lots"])
    func sizesMustBePositive(_ name: String, _ text: String) throws {
        let settings = try settings([name: text])
        #expect(settings.queueSpans == 2048)
        #expect(settings.batchSpans == 512)
        #expect(try onlyWarning(settings, about: name).contains(text))
    }

    @Test func theExportTimeoutIsInMilliseconds() throws {
        #expect(try cleanSettings(["OTEL_BSP_EXPORT_TIMEOUT": "1500"]).exportTimeout == .milliseconds(1500))
    }

    /// Like every timeout of the specification, it may be 0 for no limit.
    @Test func anExportTimeoutOfZeroIsNotComplainedAbout() throws {
        #expect(try settings(["OTEL_BSP_EXPORT_TIMEOUT": "0"]).warnings == [])
    }

    @Test(arguments: ["OTEL_BSP_EXPORT_TIMEOUT", "OTEL_BSP_SCHEDULE_DELAY"], ["-1", "soon"])
    func durationsThatAreNoneAreWarnedAboutAndIgnored(_ name: String, _ text: String) throws {
        let settings = try settings([name: text])
        #expect(settings.exportTimeout == nil)
        #expect(try onlyWarning(settings, about: name).contains(text))
    }
}
