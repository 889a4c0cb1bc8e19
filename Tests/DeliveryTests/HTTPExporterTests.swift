import OTLP
import Testing

@testable import Delivery

/// An exporter against a receiver that takes what it gets, or part of it.
@Suite(.timeLimit(.minutes(10))) struct HTTPExporterTests {
    @Test(arguments: [1, 4])
    func everySpanArrivesOnceAndIsAccepted(connections: Int) throws {
        let server = try LoopbackServer { _ in .accepted }
        let batches = Array(1...30)
        let export = try HTTPExport(to: server.endpoint, batches: batches, connections: connections)

        #expect(export.faults == [])
        #expect(export.settlements.total(\.accepted) == batches.reduce(0, +))
        let expected = batches.enumerated().flatMap { batch, count in (0..<count).map { "\(batch).\($0)" } }
        #expect(server.requests.flatMap(\.spans).sorted() == expected.sorted())
        #expect(server.requests.count == batches.count, "one request a batch")
        #expect(export.haltReason == nil)
    }

    @Test func theRequestSaysWhatItIs() throws {
        let server = try LoopbackServer { _ in .accepted }
        _ = try HTTPExport(to: server.endpoint, batches: [2]) {
            $0.headers = [("x-tenant", "a b"), ("authorization", "Bearer t")]
        }
        let request = try #require(server.requests.first)
        #expect(request.headers["content-type"] == "text/plain")
        #expect(request.headers["user-agent"] == "test/1")
        #expect(request.headers["x-tenant"] == "a b")
        #expect(request.headers["authorization"] == "Bearer t")
        #expect(request.headers["expect"] == nil)
        #expect(request.headers["content-encoding"] == nil)
        #expect(request.spans == ["0.0", "0.1"])
    }

    @Test func compressedRequestsSaySoAndCountBothSizes() throws {
        let server = try LoopbackServer { _ in .accepted }
        let export = try HTTPExport(to: server.endpoint, batches: [500]) { $0.compression = .gzip }
        let request = try #require(server.requests.first)
        #expect(request.headers["content-encoding"] == "gzip")
        #expect(request.body.starts(with: [0x1F, 0x8B]))
        #expect(export.traffic.wireBytes == request.body.count)
        #expect(export.traffic.bytes == NamedSpans.batch(0, of: 500).byteCount)
        #expect(export.settlements.total(\.accepted) == 500)
    }

    @Test(arguments: [(3, 7, 3), (10, 0, 10), (99, 0, 10), (0, 10, 0)])
    func aPartialSuccessIsCountedAndNotTriedAgain(said: Int, accepted: Int, rejected: Int) throws {
        let body = ExportAnswer.partial(rejected: said, "too old")
        let server = try LoopbackServer { _ in .status(200, headers: ["Content-Type: application/x-protobuf"], body: body) }
        let export = try HTTPExport(to: server.endpoint, batches: [10])

        #expect(server.requests.count == 1)
        #expect(export.faults == [])
        #expect(export.settlements.total(\.accepted) == accepted)
        #expect(export.settlements.total(\.rejected) == rejected)
        #expect(export.settlements.entries.first?.settlement.reason == (rejected > 0 ? "partial_success" : nil))
        #expect(export.traffic.warnings == ["too old": 1])
        #expect(export.settlements.notices.contains { $0.contains("too old") })
        #expect(export.haltReason == nil)
    }

    @Test func aNegativeCountOfRejectedSpansTakesNothingAway() throws {
        let json = #"{"partialSuccess":{"rejectedSpans":-5}}"#
        let server = try LoopbackServer { _ in
            .status(200, headers: ["Content-Type: application/json"], body: Array(json.utf8))
        }
        let export = try HTTPExport(to: server.endpoint, batches: [10])
        #expect(export.faults == [])
        #expect(export.settlements.total(\.accepted) == 10)
    }

    @Test func anAnswerOverTheLimitEndsTheExport() throws {
        let body = [UInt8](repeating: 0x20, count: 5 << 20)
        let server = try LoopbackServer { _ in .status(200, body: body) }
        let export = try HTTPExport(to: server.endpoint, batches: [2, 2])
        #expect(export.faults == [])
        #expect(server.requests.count == 1, "it would be as large again")
        #expect(export.settlements.total(\.unsent) == 4)
        #expect(export.haltReason?.contains("larger than 4 MiB") == true)
    }

    @Test func aBadBatchDoesNotSpoilTheOthers() throws {
        let server = try LoopbackServer { $0.spans.contains("1.0") ? .status(400) : .accepted }
        let export = try HTTPExport(to: server.endpoint, batches: [3, 4, 5])
        #expect(export.faults == [])
        #expect(export.settlements.total(\.accepted) == 8)
        #expect(export.settlements.entries(because: "http_400").map(\.batch) == [1])
        #expect(export.haltReason == nil)
        #expect(server.requests.count == 3, "a refusal is not tried again")
    }

    @Test func anUnreadableYesLeavesTheBatchUnsentAndIsNotTriedAgain() throws {
        let server = try LoopbackServer { _ in
            .status(200, headers: ["Content-Type: application/x-protobuf"], body: [0xFF, 0xFF])
        }
        let export = try HTTPExport(to: server.endpoint, batches: [3, 4])
        #expect(export.faults == [])
        #expect(export.settlements.entries(because: "unreadable_answer").count == 2)
        #expect(export.settlements.total(\.unsent) == 7)
        #expect(server.requests.count == 2)
    }
}
