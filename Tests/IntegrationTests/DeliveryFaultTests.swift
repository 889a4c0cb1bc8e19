import Foundation
import Testing

/// Collectors that answer wrong, late, or not at all: nothing is lost without being counted.
@Suite struct DeliveryFaultTests {
    struct Fault: CustomTestStringConvertible {
        var name: String
        var script: String
        var flags: [String] = []
        var status: Int32
        var accepted: Int
        var rejected = 0
        var unsent = 0
        /// What the user must be told.
        var told: String?
        var testDescription: String { name }
    }

    /// The sample has 68 spans; one batch holds them all.
    static let faults = [
        Fault(name: "200 with bytes that are no answer", script: #"[{"garbage":true}]"#, status: 1, accepted: 0, unsent: 68,
              told: "no ExportTraceServiceResponse"),
        Fault(name: "200 with a web page", script: #"[{"status":200,"content_type":"text/html","body":"<html>hi</html>"}]"#,
              status: 1, accepted: 0, unsent: 68, told: "web page"),
        Fault(name: "301", script: #"[{"status":301,"headers":{"Location":"http://127.0.0.1:1/x"}}]"#, status: 1, accepted: 0,
              rejected: 68, told: "redirected to http://127.0.0.1:1/x"),
        Fault(name: "400", script: #"[{"status":400,"body":"bad things","content_type":"text/plain"}]"#, status: 1, accepted: 0,
              rejected: 68, told: "bad things"),
        Fault(name: "401", script: #"[{"status":401}]"#, status: 1, accepted: 0, rejected: 68, told: "--header"),
        Fault(name: "404", script: #"[{"status":404}]"#, status: 1, accepted: 0, rejected: 68, told: "/v1/traces"),
        Fault(name: "500", script: #"[{"status":500}]"#, status: 1, accepted: 0, rejected: 68),
        Fault(name: "429 without Retry-After, twice", script: #"[{"status":429,"repeat":2}]"#, status: 0, accepted: 68),
        Fault(name: "429 with Retry-After", script: #"[{"status":429,"headers":{"Retry-After":"1"}}]"#, status: 0, accepted: 68),
        Fault(name: "503, then well", script: #"[{"status":503,"repeat":3}]"#, status: 0, accepted: 68),
        Fault(name: "502 for ever", script: #"[{"default":{"status":502}}]"#, flags: ["--retry-max", "300ms"], status: 1,
              accepted: 0, unsent: 68, told: "gave up"),
        Fault(name: "closes without an answer", script: #"[{"close":"before"}]"#, status: 0, accepted: 68),
        Fault(name: "closes in the middle of its answer", script: #"[{"close":"mid-body","repeat":2}]"#, status: 0, accepted: 68),
        Fault(name: "never answers, then does", script: #"[{"hang":true}]"#, flags: ["--timeout", "500ms"], status: 0, accepted: 68),
        Fault(name: "takes a part", script: #"[{"partial":{"rejected":3,"message":"too old"}}]"#, status: 1, accepted: 65,
              rejected: 3, told: "too old"),
        Fault(name: "takes all but warns", script: #"[{"partial":{"rejected":0,"message":"slow down"}}]"#, status: 0,
              accepted: 68, told: "slow down"),
        Fault(name: "413, then takes the halves", script: #"[{"status":413}]"#, status: 0, accepted: 68),
    ]

    @Test(.timeLimit(.minutes(10)), arguments: faults)
    func everySpanIsCountedWhenTheCollector(_ fault: Fault) throws {
        let collector = try StubCollector(script: fault.script)
        let result = try Outrigger.backfill(
            [Project.fixture("sample.jsonl"), "--endpoint", collector.endpoint, "--retry-initial", "20ms"] + fault.flags)
        let summary = try result.summary
        #expect(result.status == fault.status, "\(result.errors)")
        #expect(try summary.number("spans.built") == 68)
        #expect(try summary.number("spans.accepted") == fault.accepted)
        #expect(try summary.number("spans.rejected") == fault.rejected)
        #expect(try summary.number("spans.unsent") == fault.unsent)
        try expectNumbersAddUp(summary)
        if let told = fault.told { #expect(result.errors.contains(told), "\(result.errors)") }
        // Retries may double what the collector shows, but it has all that we call accepted.
        #expect(try collector.stats.unique_spans >= fault.accepted)
    }

    @Test("runs that a back end may find too old are told of where there is one", arguments: [
        (["--dry-run"], [:], true), (["--output", "console"], [:], false), (["--output", "FOLDER/spans.jsonl"], [:], false),
        (["--output", "FOLDER/spans.otlp", "--dry-run"], [:], false), ([], ["OTEL_TRACES_EXPORTER": "none"], false),
        ([], ["OTEL_TRACES_EXPORTER": "console"], false),
    ] as [([String], [String: String], Bool)])
    func age(flags: [String], environment: [String: String], isTold: Bool) throws {
        let folder = try Scratch.folder().path
        let result = try Outrigger.backfill(
            [Project.fixture("sample.jsonl")] + flags.map { $0.replacingOccurrences(of: "FOLDER", with: folder) }, environment: environment)
        #expect(result.status == 0, "\(result.errors)")
        #expect((try result.summary.value("warnings.older_than_72_hours") as? Int) == (isTold ? 8 : nil))
        #expect(result.errors.contains("older_than_72_hours") == isTold)
    }

    @Test func whatIsDeliveredIsToldFromWhatIsSentAgain() throws {
        let flags = [Project.fixture("sample.jsonl"), "--retry-initial", "20ms", "--endpoint"]
        let collector = try StubCollector()
        let plain = try Outrigger.backfill(flags + [collector.endpoint])
        #expect(try collector.stats.requests == 1)
        let size = try plain.summary.number("traffic.delivered_bytes")
        #expect(try plain.summary.number("traffic.bytes") == size)
        #expect(plain.errors.contains(" kB in 1 request\n") && !plain.errors.contains("delivered, of"), "\(plain.errors)")

        let busy = try StubCollector(script: #"[{"status":503,"repeat":3}]"#)
        let again = try Outrigger.backfill(flags + [busy.endpoint])
        #expect(try busy.stats.requests == 4)
        #expect(try again.summary.number("traffic.delivered_bytes") == size)
        #expect(try again.summary.number("traffic.bytes") == 4 * size)
        #expect(again.errors.contains(" kB in 4 requests, 3 of them retries\n") && again.errors.contains(" kB delivered, of "), "\(again.errors)")

        let nobody = try Outrigger.backfill(flags + ["http://127.0.0.1:\(try Loopback.freePort())", "--retry-max", "0ms"])
        #expect(try nobody.summary.number("traffic.delivered_bytes") == 0)
        #expect(nobody.errors.contains("  sent    0 B delivered, of "), "\(nobody.errors)")
    }

    @Test func aTooLargeBatchIsSplitUntilItFits() throws {
        let collector = try StubCollector(["--max-body", "3000"])
        let result = try Outrigger.backfill([Project.fixture("sample.jsonl"), "--endpoint", collector.endpoint])
        #expect(result.status == 0, "\(result.errors)")
        #expect(try collector.stats.unique_spans == 68)
        #expect(try collector.stats.duplicate_spans == 0)
    }

    @Test func requestsObeyTheirSizeLimit() throws {
        let collector = try StubCollector()
        let result = try Outrigger.backfill(
            [Project.fixture("sample.jsonl"), "--endpoint", collector.endpoint, "--batch-bytes", "4k"])
        #expect(result.status == 0)
        for request in try collector.requests {
            let body = try #require(request.body_b64.flatMap { Data(base64Encoded: $0) })
            #expect(body.count <= 4096)
        }
        #expect(try collector.stats.unique_spans == 68)
    }

    @Test func nobodyThereNamesTheEndpointAndTheRemedy() throws {
        let result = try Outrigger.backfill(
            [Project.fixture("sample.jsonl"), "--endpoint", "http://127.0.0.1:1", "--retry-max", "50ms", "--retry-initial", "10ms"])
        #expect(result.status == 1)
        #expect(result.errors.contains("http://127.0.0.1:1/v1/traces"))
        #expect(result.errors.contains("is the collector running"))
        #expect(try result.summary.number("spans.unsent") == 68)
    }

    @Test func aPortThatSpeaksNoHTTPIsNamed() throws {
        let result = try Outrigger.backfill(
            [Project.fixture("sample.jsonl"), "--endpoint", "gopher://127.0.0.1:1"])
        #expect(result.status == 2)
        #expect(result.errors.contains("http://"))
    }

    @Test func headersAndTheUserAgentArrive() throws {
        let collector = try StubCollector()
        let result = try Outrigger.backfill(
            [Project.fixture("sample.jsonl"), "--header", "x-tenant=a b", "--compression", "gzip"],
            environment: [
                "OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint,
                "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20secret-7,x-tenant=from-env",
            ])
        #expect(result.status == 0)
        let request = try #require(try collector.requests.first)
        #expect(request.path == "/v1/traces")
        #expect(request.headers["authorization"] == "Bearer secret-7")
        #expect(request.headers["x-tenant"] == "a b")
        #expect(request.headers["content-type"] == "application/x-protobuf")
        #expect(request.headers["content-encoding"] == "gzip")
        #expect(request.headers["user-agent"]?.contains("OTel-OTLP-Exporter-Swift/") == true)
        #expect(!result.errors.contains("secret-7"))
    }

    /// Neither a mistyped header nor a password in the URL may be shown or stored.
    @Test func secretsAreNotRepeated() throws {
        let typed = try Outrigger.backfill([Project.fixture("sample.jsonl"), "--header", "Authorization: Bearer s3cret"])
        #expect(typed.status == 2)
        #expect(!typed.errors.contains("s3cret"))

        let state = try Scratch.folder().appendingPathComponent("state").path
        let url = try Outrigger.backfill([
            Project.fixture("sample.jsonl"), "--endpoint", "http://user:s3cret@127.0.0.1:1", "--retry-max", "20ms",
            "--retry-initial", "5ms", "--state", state,
        ])
        #expect(url.status == 1)
        #expect(!url.errors.contains("s3cret") && !url.output.contains("s3cret"), "\(url.errors)")
        #expect(!String(decoding: try Data(contentsOf: URL(fileURLWithPath: state)), as: UTF8.self).contains("s3cret"))
    }

    @Test func aFullDiskIsCounted() throws {
        // A file name that ends right, on a device that is always full.
        let link = try Scratch.folder().appendingPathComponent("spans.jsonl")
        try FileManager.default.createSymbolicLink(at: link, withDestinationURL: URL(fileURLWithPath: "/dev/full"))
        let full = try Outrigger.backfill([Project.fixture("sample.jsonl"), "--output", link.path])
        #expect(full.status == 1)
        #expect(try full.summary.number("spans.unsent") == 68)
        #expect(full.errors.contains("No space left"))
    }

    @Test func jsonOverHTTPArrivesToo() throws {
        let collector = try StubCollector(["--no-decode"])
        let result = try Outrigger.backfill(
            [Project.fixture("sample.jsonl"), "--endpoint", collector.endpoint, "--protocol", "http/json"])
        #expect(result.status == 0, "\(result.errors)")
        let request = try #require(try collector.requests.first)
        #expect(request.headers["content-type"] == "application/json")
        let body = try #require(request.body_b64.flatMap { Data(base64Encoded: $0) })
        let object = try #require(JSONSerialization.jsonObject(with: body) as? [String: Any])
        #expect(object["resourceSpans"] != nil)
    }
}
