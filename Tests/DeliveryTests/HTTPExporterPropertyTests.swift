import Testing
import Threads

@testable import Delivery

/// Whatever a receiver answers, every span is settled exactly once, and none is called accepted that was not taken.
@Suite(.timeLimit(.minutes(10))) struct HTTPExporterPropertyTests {
    /// What the receiver took, by span: with a whole answer, so that the sender knows.
    private struct Receiver: Sendable {
        var numbers: SeededNumbers
        var taken: Set<String> = []

        mutating func reply(to request: LoopbackServer.Request) -> LoopbackServer.Reply {
            let protobuf = ["Content-Type: application/x-protobuf"]
            switch Int.random(in: 0..<12, using: &numbers) {
            case 0: return .close
            case 1: return .closeMidBody
            case 2: return .status(400)
            case 3: return .status(413)
            case 4: return .status(500, body: Array("oops\n".utf8))
            case 5: return .status(503)
            case 6: return .status(429, headers: ["Retry-After: 0"])
            case 7: return .status(200, headers: protobuf, body: [0xFF, 0xFF])
            case 8:
                let rejected = Int.random(in: 0...request.spans.count, using: &numbers)
                taken.formUnion(request.spans)
                return .status(200, headers: protobuf, body: ExportAnswer.partial(rejected: rejected, "some"))
            default:
                taken.formUnion(request.spans)
                return .accepted
            }
        }
    }

    @Test(arguments: [1, 2, 3, 4, 5, 6], [1, 4])
    func everySpanIsSettledExactlyOnce(seed: UInt64, connections: Int) throws {
        var numbers = SeededNumbers(seed: seed)
        let batches = (0..<60).map { _ in Int.random(in: 1...9, using: &numbers) }
        let receiver = Monitor(Receiver(numbers: SeededNumbers(seed: seed &* 1000)))
        let server = try LoopbackServer { request in receiver.withLock { $0.reply(to: request) } }
        let export = try HTTPExport(to: server.endpoint, batches: batches, connections: connections)

        #expect(export.faults == [])
        #expect(export.haltReason == nil)
        let taken = receiver.withLock { $0.taken }
        for entry in export.settlements.entries where entry.settlement.accepted > 0 {
            #expect(entry.range.allSatisfy { taken.contains("\(entry.batch).\($0)") })
        }
        // libcurl sends a request again by itself when a connection that it had kept open turns out to be closed.
        #expect(export.traffic.requests <= server.requests.count)
        #expect(export.traffic.requests == export.traffic.retries + Set(server.requests.map(\.spans)).count)
        #expect(export.settlements.total(\.accepted) > 0)
        #expect(export.settlements.total(\.rejected) > 0)
        #expect(export.settlements.total(\.unsent) > 0)
    }
}
