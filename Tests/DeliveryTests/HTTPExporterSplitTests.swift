import Testing

@testable import Delivery

/// Batches that are too large for the receiver, or for the configuration, go in parts.
@Suite(.timeLimit(.minutes(10))) struct HTTPExporterSplitTests {
    @Test(arguments: [1, 2, 3, 7, 16])
    func aRefusedBatchIsHalvedDownToSingleSpans(count: Int) throws {
        let server = try LoopbackServer { $0.spans.count > 1 ? .status(413) : .accepted }
        let export = try HTTPExport(to: server.endpoint, batches: [count])
        #expect(export.faults == [])
        #expect(export.settlements.total(\.accepted) == count)
        let singles = server.requests.map(\.spans).filter { $0.count == 1 }
        #expect(singles == (0..<count).map { ["0.\($0)"] }, "in order")
        #expect(server.requests.count == 2 * count - 1, "a tree with a leaf for each span")
        #expect(export.haltReason == nil)
    }

    @Test func onlyTheSpanThatIsTooLargeByItselfIsRejected() throws {
        let server = try LoopbackServer { $0.spans.contains("0.5") ? .status(413) : .accepted }
        let export = try HTTPExport(to: server.endpoint, batches: [12, 3])
        #expect(export.faults == [])
        #expect(export.settlements.total(\.accepted) == 14)
        #expect(export.settlements.entries(because: "http_413").map(\.range) == [5..<6])
        #expect(export.settlements.notices.contains { $0.contains("single span of 4 bytes") })
        #expect(export.haltReason == nil)
    }

    @Test func partsAreRetriedByThemselves() throws {
        // Wholes are too large, and each half is refused once before it is taken.
        let server = try LoopbackServer { request in
            guard request.spans.count <= 2 else { return .status(413) }
            return request.number % 2 == 1 ? .status(503) : .accepted
        }
        let export = try HTTPExport(to: server.endpoint, batches: [4])
        #expect(export.faults == [])
        #expect(export.settlements.total(\.accepted) == 4)
        #expect(server.requests.map(\.spans.count) == [4, 2, 2, 2, 2])
    }

    @Test func noRequestIsLargerThanConfigured() throws {
        let server = try LoopbackServer { _ in .accepted }
        let export = try HTTPExport(to: server.endpoint, batches: [100]) { $0.maximumRequest = 50 }
        #expect(export.faults == [])
        #expect(export.settlements.total(\.accepted) == 100)
        #expect(server.requests.allSatisfy { $0.body.count <= 50 })
        #expect(server.requests.flatMap(\.spans) == (0..<100).map { "0.\($0)" })
    }

    @Test func aSingleSpanOverTheConfiguredSizeIsStillTried() throws {
        let server = try LoopbackServer { _ in .accepted }
        let export = try HTTPExport(to: server.endpoint, batches: [2]) { $0.maximumRequest = 1 }
        #expect(export.settlements.total(\.accepted) == 2)
        #expect(server.requests.map(\.spans) == [["0.0"], ["0.1"]])
    }
}
