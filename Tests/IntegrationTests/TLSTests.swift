import Foundation
import Testing

/// Collectors behind TLS, with an authority of the test's own, and with client certificates.
@Suite struct TLSTests {
    private func backfill(_ collector: StubCollector, _ flags: [String], environment: [String: String] = [:]) throws -> Command.Result {
        try Outrigger.backfill(
            [Project.fixture("sample.jsonl"), "--endpoint", "https://127.0.0.1:\(collector.port)", "--retry-max", "200ms",
             "--retry-initial", "50ms"] + flags, environment: environment)
    }

    @Test(.timeLimit(.minutes(10)))
    func aServerIsTrustedOnlyByItsAuthority() throws {
        let certificates = try Certificates()
        let collector = try StubCollector(["--tls", certificates.path("server.pem"), certificates.path("server.key")])
        let trusted = try backfill(collector, ["--certificate", certificates.path("ca.pem")])
        #expect(trusted.status == 0, "\(trusted.errors)")
        #expect(try trusted.summary.number("spans.accepted") == 68)

        let byVariable = try backfill(collector, [], environment: ["OTEL_EXPORTER_OTLP_CERTIFICATE": certificates.path("ca.pem")])
        #expect(byVariable.status == 0, "\(byVariable.errors)")

        let unknown = try backfill(collector, [])
        #expect(unknown.status == 1)
        #expect(try unknown.summary.number("spans.unsent") == 68)
        #expect(unknown.errors.contains("--certificate"), "\(unknown.errors)")
    }

    @Test(.timeLimit(.minutes(10)))
    func aServerThatWantsACertificateGetsOne() throws {
        let certificates = try Certificates()
        let collector = try StubCollector([
            "--tls", certificates.path("server.pem"), certificates.path("server.key"), "--client-ca", certificates.path("ca.pem"),
        ])
        let trust = ["--certificate", certificates.path("ca.pem")]
        let known = try backfill(
            collector,
            trust + ["--client-certificate", certificates.path("client.pem"), "--client-key", certificates.path("client.key")])
        #expect(known.status == 0, "\(known.errors)")

        let unknown = try backfill(collector, trust)
        #expect(unknown.status == 1)
        #expect(try unknown.summary.number("spans.unsent") == 68)
    }

    @Test func aMissingCertificateFileIsAConfigurationError() throws {
        let result = try Outrigger.backfill([Project.fixture("sample.jsonl"), "--certificate", "none.pem"])
        #expect(result.status == 2)
        #expect(result.errors.contains("none.pem"))
    }
}
