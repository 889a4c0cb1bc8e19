import Foundation
import Spool
import Testing
import Threads

@testable import Delivery

/// What waits is kept: beyond the end of the process, within its bounds, and while the spool cannot be written.
@Suite(.timeLimit(.minutes(10))) struct SpooledExporterKeepingTests {
    let folder = try? TemporaryFolder()

    private func spool() throws -> String { try #require(folder).path("spool") }

    @Test func theNextProcessSendsWhatThisOneCouldNot() throws {
        let port = try unusedPort()
        do {
            let delivering = try Delivering(to: port, spool: spool())
            delivering.submit(0..<40, of: 3)
            delivering.submit(100..<105, .events)
            #expect(delivering.exporter.finish(within: .zero) == 125)
            #expect(delivering.counts.imbalance == 0)
            #expect(delivering.counts.inFlight == 0)
        }
        let server = try LoopbackServer(port: port) { _ in .accepted }
        let again = try Delivering(to: port, spool: spool())
        #expect(again.counts.recovered == 125)
        again.submit(200..<201)
        again.eventuallyNothingWaits()
        #expect(again.counts.delivered == 126)
        let expected = Delivering.names(0..<40, of: 3) + Delivering.names(100..<105) + Delivering.names(200..<201)
        #expect(server.requests.flatMap(\.spans).sorted() == expected.sorted())
        again.exporter.finish(within: .seconds(60))
    }

    @Test func whatWasDeliveredDoesNotComeAgain() throws {
        // Some of it is taken before the collector goes away.
        let first = try LoopbackServer { $0.number < 4 ? .accepted : .status(503) }
        do {
            let delivering = try Delivering(to: first.port, spool: spool())
            delivering.submit(0..<100)
            delivering.eventually("four requests were taken", { $0.retries > 0 && $0.delivered > 0 })
            delivering.exporter.finish(within: .zero)
            #expect(delivering.counts.delivered + delivering.counts.waiting == 100)
        }
        let taken = first.requests[..<4].flatMap(\.spans)
        let second = try LoopbackServer { _ in .accepted }
        let again = try Delivering(to: second.port, spool: spool())
        again.eventuallyNothingWaits()
        #expect((taken + second.requests.flatMap(\.spans)).sorted() == Delivering.names(0..<100).sorted())
        again.exporter.finish(within: .seconds(60))
    }

    @Test func recordsOfAnotherEncodingGoAsWhatTheyAre() throws {
        let port = try unusedPort()
        do {
            let delivering = try Delivering(to: port, spool: spool())
            delivering.submit(0..<5)
            delivering.submit(5..<6, .events)
            #expect(delivering.exporter.finish(within: .zero) == 6)
        }
        let server = try LoopbackServer(port: port) { _ in .accepted }
        let again = try Delivering(to: port, spool: spool(), isJSON: true)
        again.submit(10..<15)
        again.eventuallyNothingWaits()
        func arrived(_ type: String, _ path: String) -> [String] {
            server.requests.filter { $0.headers["content-type"] == type && $0.path == path }.flatMap(\.spans).sorted()
        }
        #expect(arrived("text/plain", "/v1/traces") == Delivering.names(0..<5))
        #expect(arrived("text/plain", "/v1/logs") == ["5.0"])
        #expect(arrived("application/json", "/v1/traces") == Delivering.names(10..<15))
        again.exporter.finish(within: .seconds(60))
    }

    @Test func aCollectorThatHangsDoesNotHoldUpTheEnd() throws {
        let gate = Gate()
        let server = try LoopbackServer { _ in
            gate.pass()
            return .accepted
        }
        let delivering = try Delivering(to: server.port, spool: spool(), configuration: { $0.timeout = nil })
        delivering.submit(0..<200)
        delivering.eventually("requests are under way", { $0.inFlight > 0 })
        // It would hang for ever, as the collector does.
        #expect(delivering.exporter.finish(within: .milliseconds(10)) == 200)
        #expect(delivering.counts.imbalance == 0)
        #expect(delivering.spool?.counts.waitingItems == 200)
        gate.open()
    }

    @Test func withoutASpoolTheRestIsDroppedAtTheEndAndCounted() throws {
        let delivering = try Delivering(to: try unusedPort(), spool: nil)
        delivering.submit(0..<100, of: 2)
        delivering.eventually("it was tried", { $0.retries > 0 })
        #expect(delivering.exporter.finish(within: .zero) == 0)
        #expect(delivering.counts.dropped == ["stopped": 200])
        #expect(delivering.counts.imbalance == 0)
        delivering.submit(100..<101, of: 2)
        #expect(delivering.counts.dropped == ["stopped": 202])
    }

    /// The collector is back, but who failed while it was away would wait for an hour before trying again.
    @Test(arguments: [true, false]) func atTheEndNobodyWaitsLongToTryAgain(hasSpool: Bool) throws {
        let isBack = Monitor(false)
        let server = try LoopbackServer { _ in isBack.withLock { $0 } ? .accepted : .status(503) }
        let delivering = try Delivering(
            to: server.port, spool: hasSpool ? spool() : nil,
            configuration: { $0.retry.initial = .seconds(3600); $0.retry.maximum = .seconds(3600) })
        delivering.submit(0..<100)
        delivering.eventually("it was tried", { $0.requests > 0 })
        isBack.withLock { $0 = true }
        #expect(delivering.exporter.finish(within: .seconds(60)) == 0)
        #expect(delivering.counts.delivered == 100)
        #expect(delivering.counts.imbalance == 0)
    }

    @Test func whatIsSubmittedAfterTheEndIsKeptForTheNextStart() throws {
        let server = try LoopbackServer { _ in .accepted }
        do {
            let delivering = try Delivering(to: server.port, spool: spool())
            #expect(delivering.exporter.finish(within: .seconds(60)) == 0)
            delivering.submit(0..<3)
            #expect(delivering.counts.waiting == 3)
        }
        let again = try Delivering(to: server.port, spool: spool())
        again.eventuallyNothingWaits()
        #expect(again.counts.delivered == 3)
        again.exporter.finish(within: .seconds(60))
    }

    @Test func withoutASpoolTheOldestGoesWhenMemoryIsFull() throws {
        let port = try unusedPort()
        let delivering = try Delivering(to: port, spool: nil, maximumMemory: 2000)
        delivering.submit(0..<5000)
        #expect(delivering.counts.imbalance == 0)
        let dropped = try #require(delivering.counts.dropped["queue_full"])
        // At most what memory holds and what the senders have, of at least four bytes each.
        #expect(dropped >= 5000 - 500 - 60)
        #expect(delivering.notices.contains { $0.contains("no more room in memory") })
        let server = try LoopbackServer(port: port) { _ in .accepted }
        delivering.eventuallyNothingWaits()
        #expect(delivering.counts.delivered == 5000 - dropped)
        #expect(server.requests.flatMap(\.spans).contains("4999.0"))
        delivering.exporter.finish(within: .seconds(60))
    }

    @Test func aFullSpoolDropsTheOldestAndCountsIt() throws {
        let gate = Gate()
        let server = try LoopbackServer { _ in
            gate.pass()
            return .accepted
        }
        let delivering = try Delivering(to: server.port, spool: spool(), settings: {
            $0.maximumBytes = 20_000
            $0.segmentBytes = 2_000
        })
        delivering.submit(0..<1)
        delivering.eventually("the first is with a sender", { $0.inFlight > 0 })
        delivering.submit(1..<2000)
        let counts = delivering.counts
        #expect(counts.imbalance == 0)
        #expect(counts.dropped.keys.sorted() == ["spool_full"])
        #expect(counts.spoolBytes <= 20_000)
        #expect(delivering.notices.contains { $0.contains("the spool is full") })
        gate.open()
        delivering.eventuallyNothingWaits()
        // What was with the senders when its file went arrives as well, and is no loss then.
        let arrived = server.requests.flatMap(\.spans)
        #expect(arrived.contains("0.0"))
        #expect(arrived.contains("1999.0"))
        #expect(Set(arrived).count == arrived.count)
        #expect(delivering.counts.delivered == arrived.count)
        #expect(delivering.counts.delivered + delivering.counts.droppedInAll == 2000)
        delivering.exporter.finish(within: .seconds(60))
    }

    @Test func whileTheSpoolCannotBeWrittenMemoryHoldsItAndGivesItBack() throws {
        let port = try unusedPort()
        let path = try spool()
        let delivering = try Delivering(to: port, spool: path, settings: { $0.segmentBytes = 100 })
        delivering.submit(0..<5)
        #expect(delivering.counts.spoolProblem == nil)
        // No file can be made where there is no folder; root could write into any that is.
        try FileManager.default.moveItem(atPath: path, toPath: path + "-away")
        delivering.submit(5..<20)
        #expect(delivering.counts.spoolProblem != nil)
        #expect(delivering.notices.contains { $0.contains("spans wait in memory") })
        #expect(delivering.counts.waiting == 20)
        try FileManager.default.moveItem(atPath: path + "-away", toPath: path)
        delivering.submit(20..<22)
        #expect(delivering.counts.spoolProblem == nil)
        #expect(delivering.notices.last { $0.contains("spool") } == "the spool can be written again")
        #expect(delivering.exporter.finish(within: .zero) == 22)
        #expect(delivering.spool?.counts.waitingItems == 22)
        #expect(delivering.counts.dropped.isEmpty)
    }

    @Test func aSmallBatchThatFindsRoomDoesNotHideThatLargerOnesWait() throws {
        let delivering = try Delivering(to: try unusedPort(), spool: try spool(), settings: { $0.maximumBytes = 2000 })
        delivering.submit(0..<1, of: 1000)
        #expect(delivering.counts.spoolProblem != nil)
        delivering.submit(1..<2)
        #expect(delivering.spool?.counts.waitingItems == 1)
        #expect(delivering.counts.spoolProblem != nil)
        #expect(!delivering.notices.contains("the spool can be written again"))
        #expect(delivering.counts.imbalance == 0)
        delivering.exporter.finish(within: .zero)
    }

    @Test func whatFitsNeitherOnDiskNorInMemoryIsCounted() throws {
        let path = try spool()
        let delivering = try Delivering(to: try unusedPort(), spool: path, maximumMemory: 1000, settings: { $0.segmentBytes = 100 })
        try FileManager.default.moveItem(atPath: path, toPath: path + "-away")
        delivering.submit(0..<3000)
        #expect(delivering.counts.imbalance == 0)
        #expect(try #require(delivering.counts.dropped["spool_failed"]) > 2000)
        #expect(delivering.exporter.finish(within: .zero) == 0)
        #expect(delivering.counts.dropped == ["spool_failed": 3000])
    }

    @Test func damageOnDiskIsCountedAndTold() throws {
        let path = try spool()
        do {
            let delivering = try Delivering(to: try unusedPort(), spool: path)
            delivering.submit(0..<3, of: 4)
            delivering.exporter.finish(within: .zero)
        }
        let file = try #require(try FileManager.default.contentsOfDirectory(atPath: path).first { $0.hasSuffix(".spool") })
        let url = URL(fileURLWithPath: "\(path)/\(file)")
        var bytes = try Data(contentsOf: url)
        let place = try #require(bytes.firstRange(of: Data("1.2".utf8)))
        bytes[place.lowerBound] ^= 1
        try bytes.write(to: url)
        let server = try LoopbackServer { _ in .accepted }
        let again = try Delivering(to: server.port, spool: path)
        again.eventuallyNothingWaits()
        #expect(again.counts.recovered == 12)
        #expect(again.counts.dropped == ["spool_damaged": 4])
        #expect(again.counts.delivered == 8)
        #expect(again.counts.spoolDamagedBytes > 0)
        #expect(again.notices.contains { $0.contains("damaged") })
        again.exporter.finish(within: .seconds(60))
        #expect(server.requests.flatMap(\.spans).sorted() == (Delivering.names(0..<1, of: 4) + Delivering.names(2..<3, of: 4)).sorted())
    }
}
