import Testing
import Threads

@testable import Delivery

/// An exporter that finds out that there is no use in going on: the rest is settled, not lost and not waited for.
@Suite(.timeLimit(.minutes(10))) struct HTTPExporterHaltTests {
    @Test func nobodyThereIsGivenUpAndTheRestIsHalted() throws {
        let endpoint = "http://127.0.0.1:\(try unusedPort())/v1/traces"
        let export = try HTTPExport(to: endpoint, batches: [5, 6, 7]) { $0.retry.giveUpAfter = .milliseconds(20) }
        #expect(export.faults == [])
        #expect(export.settlements.entries(because: "gave_up").map(\.batch) == [0])
        #expect(export.settlements.entries(because: "halted").map(\.batch) == [1, 2])
        #expect(export.settlements.total(\.unsent) == 18)
        let reason = try #require(export.haltReason)
        #expect(reason.contains(endpoint))
        #expect(reason.contains("is the collector running"))
        #expect(reason.contains("gave up after"))
        #expect(export.settlements.notices.filter { $0 == reason }.count == 1, "said once")
    }

    @Test(arguments: [301, 401, 403, 404, 405, 415])
    func whatConcernsAllBatchesIsAskedOnce(status: Int) throws {
        let server = try LoopbackServer { _ in .status(status) }
        let export = try HTTPExport(to: server.endpoint, batches: [5, 6, 7])
        #expect(export.faults == [])
        #expect(server.requests.count == 1)
        #expect(export.settlements.entries(because: "http_\(status)").map(\.batch) == [0])
        #expect(export.settlements.total(\.rejected) == 5)
        #expect(export.settlements.entries(because: "halted").map(\.batch) == [1, 2])
        #expect(export.haltReason?.contains("HTTP \(status)") == true)
    }

    @Test func aWebPageEndsTheExport() throws {
        let server = try LoopbackServer { _ in
            .status(200, headers: ["Content-Type: text/html"], body: Array("<html></html>".utf8))
        }
        let export = try HTTPExport(to: server.endpoint, batches: [5, 6])
        #expect(export.faults == [])
        #expect(server.requests.count == 1)
        #expect(export.settlements.total(\.unsent) == 11)
        #expect(export.haltReason?.contains("web page") == true)
    }

    @Test func aURLThatCannotBePostedToIsTriedOnce() throws {
        let export = try HTTPExport(to: "gopher://127.0.0.1:1/", batches: [2, 3])
        #expect(export.faults == [])
        #expect(export.traffic.requests == 1)
        #expect(export.haltReason?.contains("http://") == true)
    }

    @Test func nothingIsTriedAgainOnceAskedToStop() throws {
        let stop = StopFlag()
        let server = try LoopbackServer { _ in
            stop.set()
            return .status(503)
        }
        let export = try HTTPExport(to: server.endpoint, batches: [5, 6], stop: stop)
        #expect(export.faults == [])
        #expect(server.requests.count == 1, "whoever asked to stop does not wait for the rest to fail too")
        #expect(export.settlements.entries(because: "stopped").map(\.batch) == [0])
        #expect(export.settlements.entries(because: "halted").map(\.batch) == [1])
    }

    @Test func aLongWaitIsCutShortByStopping() throws {
        let stop = StopFlag()
        let server = try LoopbackServer { _ in .status(503, headers: ["Retry-After: 3600"]) }
        let settlements = Settlements()
        var configuration = ExportConfiguration(endpoint: server.endpoint, userAgent: "test/1")
        configuration.retry.giveUpAfter = .seconds(7200)
        let exporter = try HTTPExporter<Int>(
            configuration, form: NamedSpans.form, stop: stop, onSettled: settlements.settle,
            // The notice is the announcement of the wait.
            onNotice: { _ in stop.set() })
        exporter.submit(NamedSpans.batch(0, of: 5), 0)
        exporter.finish()
        #expect(settlements.faults(batches: [5]) == [])
        #expect(settlements.entries(because: "stopped").count == 1)
    }
}
