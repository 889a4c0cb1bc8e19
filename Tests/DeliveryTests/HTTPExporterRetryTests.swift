import OTLP
import Testing
import Threads

@testable import Delivery

/// An exporter against a receiver that is busy for a while.
@Suite(.timeLimit(.minutes(10))) struct HTTPExporterRetryTests {
    @Test(arguments: [429, 502, 503, 504])
    func overloadIsRetriedUntilTheBatchIsTaken(status: Int) throws {
        let server = try LoopbackServer { $0.number < 3 ? .status(status) : .accepted }
        let export = try HTTPExport(to: server.endpoint, batches: [5])
        #expect(export.faults == [])
        #expect(export.settlements.total(\.accepted) == 5)
        #expect(server.requests.map(\.spans) == Array(repeating: (0..<5).map { "0.\($0)" }, count: 4))
        #expect(export.traffic.requests == 4)
        #expect(export.traffic.retries == 3)
        let size = NamedSpans.batch(0, of: 5).byteCount
        #expect(export.traffic.bytes == 4 * size && export.traffic.deliveredBytes == size)
    }

    @Test func aConnectionClosedWithoutAnAnswerIsRetried() throws {
        let server = try LoopbackServer { $0.number < 2 ? .close : .accepted }
        let export = try HTTPExport(to: server.endpoint, batches: [5])
        #expect(export.faults == [])
        #expect(export.settlements.total(\.accepted) == 5)
        #expect(export.settlements.notices.contains { $0.contains("the collector closed the connection") })
    }

    @Test func aConnectionClosedInTheMiddleOfTheAnswerIsRetried() throws {
        let server = try LoopbackServer { $0.number < 2 ? .closeMidBody : .accepted }
        let export = try HTTPExport(to: server.endpoint, batches: [5])
        #expect(export.faults == [])
        #expect(export.settlements.total(\.accepted) == 5)
        #expect(server.requests.count == 3)
        #expect(export.traffic.retries == 2)
    }

    @Test func retryAfterTakesThePlaceOfTheBackoff() throws {
        // With the policy's own wait this would take an hour.
        let server = try LoopbackServer { $0.number == 0 ? .status(503, headers: ["Retry-After: 1"]) : .accepted }
        let export = try HTTPExport(to: server.endpoint, batches: [5]) {
            $0.retry.initial = .seconds(3600)
            $0.retry.maximum = .seconds(3600)
            $0.retry.giveUpAfter = .seconds(7200)
        }
        #expect(export.faults == [])
        #expect(export.settlements.total(\.accepted) == 5)
        #expect(server.requests.count == 2)
        #expect(export.settlements.notices.contains { $0.hasSuffix("trying again in 1.0 s") })
    }

    @Test func aRefusedBatchIsTakenBeforeTheNextOneIsSent() throws {
        let server = try LoopbackServer { $0.number < 2 ? .status(429, headers: ["Retry-After: 0"]) : .accepted }
        let export = try HTTPExport(to: server.endpoint, batches: [1, 1])
        #expect(export.faults == [])
        #expect(server.requests.map(\.spans) == [["0.0"], ["0.0"], ["0.0"], ["1.0"]])
    }

    @Test func allSendersRestWhileTheReceiverAsksForIt() throws {
        // The first batch is refused for an hour. The other sender goes on at most until it learns of that: from then on,
        // what it is given stays with it.
        let server = try LoopbackServer { $0.spans == ["0.0"] ? .status(429, headers: ["Retry-After: 3600"]) : .accepted }
        let settlements = Settlements()
        let stop = StopFlag()
        var configuration = ExportConfiguration(endpoint: server.endpoint, userAgent: "test/1")
        configuration.connections = 2
        configuration.retry.giveUpAfter = .seconds(7200)
        let exporter = try HTTPExporter<Int>(
            configuration, form: NamedSpans.form, stop: stop, onSettled: settlements.settle, onNotice: settlements.notice)
        exporter.submit(NamedSpans.batch(0, of: 1), 0)
        var submitted = 1
        var isResting = false
        while !isResting, submitted < 1000 {
            exporter.submit(NamedSpans.batch(submitted, of: 1), submitted)
            isResting = !settlements.isSettled(submitted, within: .milliseconds(200))
            submitted += 1
        }
        #expect(isResting)
        stop.set()
        exporter.finish()
        #expect(settlements.faults(batches: Array(repeating: 1, count: submitted)) == [])
        #expect(settlements.entries(because: "stopped").map(\.batch).contains(0))
    }

    @Test func aWaitBeyondThePatienceIsGivenUpAtOnce() throws {
        let server = try LoopbackServer { _ in .status(503, headers: ["Retry-After: 3600"]) }
        let export = try HTTPExport(to: server.endpoint, batches: [5, 6])
        #expect(server.requests.count == 1)
        #expect(export.traffic.bytes > 0 && export.traffic.deliveredBytes == 0)
        #expect(export.faults == [])
        #expect(export.settlements.entries(because: "gave_up").map(\.batch) == [0])
        #expect(export.settlements.entries(because: "halted").map(\.batch) == [1])
        #expect(export.haltReason?.contains("HTTP 503") == true)
    }

    @Test func aReceiverThatAsksForNoWaitIsNotHammered() throws {
        // Each wait of the policy is at least half of 200 ms, so no more than three retries fit into 300 ms; a clock that
        // is behind the receiver's turns every HTTP date into such a wait.
        let server = try LoopbackServer { _ in .status(503, headers: ["Retry-After: 0"]) }
        let export = try HTTPExport(to: server.endpoint, batches: [1]) {
            $0.retry.initial = .milliseconds(200)
            $0.retry.maximum = .milliseconds(200)
            $0.retry.giveUpAfter = .milliseconds(300)
        }
        #expect(export.faults == [])
        #expect(server.requests.count <= 4)
    }
}
