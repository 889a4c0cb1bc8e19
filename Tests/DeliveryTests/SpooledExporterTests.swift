import Foundation
import Spool
import Testing
import Threads

@testable import Delivery

/// What was submitted arrives, whatever the collector does; or it is counted why not.
@Suite(.timeLimit(.minutes(10))) struct SpooledExporterTests {
    let folder = try? TemporaryFolder()

    private func spool() throws -> String { try #require(folder).path("spool") }

    @Test(arguments: [true, false]) func everythingArrivesAtTheEndpointOfItsSignal(isSpooled: Bool) throws {
        let server = try LoopbackServer { _ in .accepted }
        let delivering = try Delivering(to: server.port, spool: isSpooled ? spool() : nil)
        delivering.submit(0..<30, of: 3)
        delivering.submit(100..<110, .events)
        delivering.eventuallyNothingWaits()
        #expect(delivering.exporter.finish(within: .seconds(60)) == 0)
        #expect(delivering.counts.delivered == 100)
        #expect(delivering.counts.inFlight == 0)
        func arrived(_ path: String) -> [String] { server.requests.filter { $0.path == path }.flatMap(\.spans).sorted() }
        #expect(arrived("/v1/traces") == Delivering.names(0..<30, of: 3).sorted())
        #expect(arrived("/v1/logs") == Delivering.names(100..<110).sorted())
        #expect(delivering.spool?.counts.waitingItems ?? 0 == 0)
    }

    @Test func requestsAreFilledUpToTheirSize() throws {
        let gate = Gate()
        let server = try LoopbackServer { _ in
            gate.pass()
            return .accepted
        }
        let delivering = try Delivering(to: server.port, spool: spool(), batchItems: 20, delay: .seconds(3600))
        delivering.submit(0..<100, of: 2)
        gate.open()
        delivering.eventuallyNothingWaits()
        #expect(server.requests.map(\.spans.count) == Array(repeating: 20, count: 10))
        // What does not fill a request is not kept for its sake at the end.
        delivering.submit(100..<101)
        #expect(delivering.exporter.finish(within: .seconds(60)) == 0)
        #expect(delivering.counts.delivered == 201)
    }

    @Test(arguments: [true, false]) func whatIsSubmittedWhileNobodyIsThereArrivesLater(isSpooled: Bool) throws {
        let port = try unusedPort()
        let delivering = try Delivering(to: port, spool: isSpooled ? spool() : nil)
        delivering.submit(0..<50, of: 4)
        delivering.submit(50..<60, .events)
        delivering.eventually("it was tried", { $0.retries > 3 })
        #expect(delivering.counts.waiting == 210)
        #expect(delivering.spool?.counts.waitingItems == (isSpooled ? 210 : nil))
        let server = try LoopbackServer(port: port) { _ in .accepted }
        delivering.eventuallyNothingWaits()
        #expect(delivering.counts.delivered == 210)
        #expect(Set(server.requests.flatMap(\.spans)) == Set(Delivering.names(0..<50, of: 4) + Delivering.names(50..<60)))
        delivering.exporter.finish(within: .seconds(60))
    }

    @Test(arguments: [429, 502, 503, 504]) func aCollectorThatIsBusyGetsItLater(status: Int) throws {
        let server = try LoopbackServer { $0.number < 8 ? .status(status, headers: ["Retry-After: 0"]) : .accepted }
        let delivering = try Delivering(to: server.port, spool: spool())
        delivering.submit(0..<20, of: 5)
        delivering.eventuallyNothingWaits()
        #expect(delivering.counts.delivered == 100)
        #expect(delivering.counts.retries >= 8)
        delivering.exporter.finish(within: .seconds(60))
    }

    @Test func retryAfterTakesThePlaceOfTheBackoff() throws {
        // With the policy's own wait this would take an hour.
        let server = try LoopbackServer { $0.number == 0 ? .status(503, headers: ["Retry-After: 1"]) : .accepted }
        let delivering = try Delivering(to: server.port, spool: spool(), configuration: {
            $0.retry.initial = .seconds(3600)
            $0.retry.maximum = .seconds(3600)
        })
        delivering.submit(0..<1)
        delivering.eventuallyNothingWaits()
        #expect(delivering.counts.delivered == 1)
        #expect(delivering.notices.contains { $0.hasSuffix("trying again in 1.0 s") })
        delivering.exporter.finish(within: .seconds(60))
    }

    @Test func aWaitOfCenturiesIsNotTheEnd() throws {
        let server = try LoopbackServer { _ in .status(503, headers: ["Retry-After: 4294967295"]) }
        let delivering = try Delivering(to: server.port, spool: spool())
        delivering.submit(0..<5)
        delivering.eventually("it was asked to wait", { $0.requests > 0 })
        while delivering.notices.isEmpty { usleep(1000) }
        #expect(delivering.notices.first?.hasSuffix("trying again in 3600 s") == true)
        #expect(delivering.exporter.finish(within: .zero) == 5)
        #expect(delivering.counts.dropped.isEmpty)
    }

    @Test func whatIsNoHTTPAtAllIsTriedAgain() throws {
        let server = try LoopbackServer { $0.number < 3 ? .raw(Array("SSH-2.0-OpenSSH_9.2\r\n".utf8)) : .accepted }
        let delivering = try Delivering(to: server.port, spool: spool())
        delivering.submit(0..<5)
        delivering.eventuallyNothingWaits()
        #expect(delivering.counts.delivered == 5)
        delivering.exporter.finish(within: .seconds(60))
    }

    @Test func nobodyWaitsForASlowCollector() throws {
        let gate = Gate()
        let server = try LoopbackServer { _ in
            gate.pass()
            return .accepted
        }
        let delivering = try Delivering(to: server.port, spool: spool())
        // No request is answered before all of it is submitted.
        delivering.submit(0..<500, of: 2)
        #expect(delivering.counts.delivered == 0)
        #expect(delivering.counts.waiting == 1000)
        gate.open()
        delivering.eventuallyNothingWaits()
        #expect(delivering.counts.delivered == 1000)
        delivering.exporter.finish(within: .seconds(60))
    }

    @Test func spansDoNotWaitForEventsThatAreRefused() throws {
        let server = try LoopbackServer { $0.path == "/v1/logs" ? .status(503) : .accepted }
        let delivering = try Delivering(to: server.port, spool: spool())
        delivering.submit(0..<200, of: 3, .events)
        delivering.submit(1000..<1100, of: 3)
        delivering.eventually("the spans are there", { $0.delivered == 300 })
        #expect(delivering.exporter.finish(within: .zero) == 600)
        #expect(delivering.counts.imbalance == 0)
    }

    @Test func whatIsRefusedForGoodIsCountedAndNotTriedAgain() throws {
        let server = try LoopbackServer { $0.number == 0 ? .status(500, body: Array("no such thing\n".utf8)) : .accepted }
        let delivering = try Delivering(to: server.port, spool: spool(), batchItems: 4)
        delivering.submit(0..<1, of: 4)
        delivering.eventuallyNothingWaits()
        delivering.submit(1..<2, of: 4)
        delivering.eventuallyNothingWaits()
        #expect(delivering.counts.rejected == 4)
        #expect(delivering.counts.delivered == 4)
        #expect(delivering.counts.retries == 0)
        #expect(delivering.notices.contains { $0.contains("HTTP 500: no such thing") })
        delivering.exporter.finish(within: .seconds(60))
        #expect(delivering.spool?.counts.waitingItems == 0)
    }

    @Test func aPartialSuccessIsCounted() throws {
        let server = try LoopbackServer { _ in
            .status(200, headers: ["Content-Type: application/x-protobuf"], body: ExportAnswer.partial(rejected: 3, "too old"))
        }
        let delivering = try Delivering(to: server.port, spool: spool())
        delivering.submit(0..<1, of: 10)
        delivering.eventuallyNothingWaits()
        #expect(delivering.counts.delivered == 7)
        #expect(delivering.counts.rejected == 3)
        #expect(delivering.notices.contains { $0.contains("too old") })
        delivering.exporter.finish(within: .seconds(60))
        #expect(server.requests.count == 1)
        #expect(delivering.spool?.counts.waitingItems == 0)
    }

    @Test func whatIsTooLargeGoesInParts() throws {
        // Ten records in one request; the parts do not end where records do.
        let server = try LoopbackServer { $0.spans.count > 4 || $0.spans.contains("3.1") ? .status(413) : .accepted }
        let delivering = try Delivering(to: server.port, spool: spool(), batchItems: 30, delay: .seconds(3600))
        delivering.submit(0..<10, of: 3)
        delivering.eventuallyNothingWaits()
        #expect(delivering.counts.delivered == 29)
        #expect(delivering.counts.rejected == 1)
        let taken = server.requests.filter { $0.spans.count <= 4 && !$0.spans.contains("3.1") }.flatMap(\.spans)
        #expect(taken.sorted() == Delivering.names(0..<10, of: 3).filter { $0 != "3.1" }.sorted())
        delivering.exporter.finish(within: .seconds(60))
        #expect(delivering.spool?.counts.waitingItems == 0)
    }
}
