import Threads

@testable import Delivery

/// Submits one batch after the other to an exporter, and what came of it once all are settled.
struct HTTPExport {
    let settlements = Settlements()
    private(set) var haltReason: String?
    private(set) var traffic = Traffic()
    /// How many spans each batch has.
    let batches: [Int]

    /// - Parameter change: what differs from a configuration that retries at once and gives up after a minute.
    init(
        to endpoint: String, batches: [Int], connections: Int = 1, stop: StopFlag = StopFlag(),
        _ change: (inout ExportConfiguration) -> Void = { _ in }
    ) throws {
        self.batches = batches
        var configuration = ExportConfiguration(endpoint: endpoint, userAgent: "test/1")
        configuration.connections = connections
        configuration.retry.initial = .milliseconds(1)
        configuration.retry.maximum = .milliseconds(2)
        configuration.retry.giveUpAfter = .seconds(60)
        change(&configuration)
        let exporter = try HTTPExporter<Int>(
            configuration, form: NamedSpans.form, stop: stop, onSettled: settlements.settle, onNotice: settlements.notice)
        for (number, count) in batches.enumerated() { exporter.submit(NamedSpans.batch(number, of: count), number) }
        exporter.finish()
        haltReason = exporter.haltReason
        traffic = exporter.traffic
    }

    /// Empty if every span was settled exactly once.
    var faults: [String] { settlements.faults(batches: batches) }
}
