import Foundation
import Testing

/// `outrigger demo`, which promises what it then checks itself.
@Suite(.timeLimit(.minutes(10))) struct DemoTests {
    @Test("the demo's rollout does what it says, and its spans are in the collector")
    func demo() throws {
        let collector = try StubCollector()
        let result = try Outrigger.run(
            ["demo", "--requests", "100"], environment: ["OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:\(collector.port)"])
        #expect(result.status == 0, "\(result.output)\n\(result.errors)")
        #expect(result.output.contains("100 compared, 20 with other tool calls"))
        #expect(result.output.contains("each user stays with one version"))
        #expect(result.output.contains("requests v13 gets 0, and 0 fail"))
        #expect(result.output.contains("spans and events are in the collector"))
        // Each request has its SERVER span and more; so has each copy but for that.
        #expect(try collector.stats.unique_spans > 450 * 6)
    }

    @Test("it works where no collector is, and says so")
    func withoutACollector() throws {
        let result = try Outrigger.run(
            ["demo", "--requests", "20"], environment: ["OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:\(try Loopback.freePort())"])
        #expect(result.status == 0, "\(result.output)\n\(result.errors)")
        #expect(result.output.contains("No collector took the"))
    }
}
