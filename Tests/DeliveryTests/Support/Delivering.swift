import Foundation
import OTLP
import Spool
import Testing
import Threads

@testable import Delivery

/// A spooled exporter of batches that are named, and all that it ever said.
final class Delivering: Sendable {
    let exporter: SpooledExporter
    let spool: Spool?
    private let said: Monitor<[String]>

    var notices: [String] { said.withLock { $0 } }

    /// - Parameters:
    ///   - folder: of the spool; nil for none.
    ///   - configuration: what differs from a configuration that retries at once.
    init(
        to port: Int, spool folder: String?, batchItems: Int = 10, delay: Duration = .milliseconds(1), maximumMemory: Int = 1 << 20,
        isJSON: Bool = false, settings: (inout Spool.Settings) -> Void = { _ in }, configuration change: (inout ExportConfiguration) -> Void = { _ in }
    ) throws {
        var configuration = ExportConfiguration(endpoint: "http://127.0.0.1:\(port)/v1/traces", userAgent: "test/1")
        configuration.retry.initial = .milliseconds(1)
        configuration.retry.maximum = .milliseconds(2)
        change(&configuration)
        let said = Monitor<[String]>([])
        self.said = said
        spool = try folder.map { folder in
            var wanted = Spool.Settings(folder: folder)
            settings(&wanted)
            return try Spool(wanted)
        }
        exporter = try SpooledExporter(
            configuration, logsEndpoint: "http://127.0.0.1:\(port)/v1/logs", forms: isJSON ? Self.json : Self.text,
            otherForms: isJSON ? Self.text : Self.json, spool: spool, batchItems: batchItems, delay: delay,
            maximumMemory: maximumMemory, onNotice: { text in said.withLock { $0.append(text) } })
    }

    private static let text = SpooledExporter.Forms(spans: NamedSpans.form, events: NamedSpans.form)
    private static let json: SpooledExporter.Forms = {
        let form = MessageForm(contentType: "application/json") { $1.append(contentsOf: $0) }
        return SpooledExporter.Forms(spans: form, events: form)
    }()

    func submit(_ batches: Range<Int>, of count: Int = 1, _ signal: SpooledExporter.Signal = .spans) {
        for number in batches { exporter.submit(NamedSpans.batch(number, of: count), signal) }
    }

    static func names(_ batches: Range<Int>, of count: Int = 1) -> [String] {
        batches.flatMap { batch in (0..<count).map { "\(batch).\($0)" } }
    }

    var counts: SpooledExporter.Counts { exporter.counts }

    /// By how much the account is wrong.
    var imbalance: Int { counts.imbalance }

    /// Waits, for a minute at most, until the account says so.
    func eventually(_ what: String, _ isTrue: (SpooledExporter.Counts) -> Bool, at location: SourceLocation = #_sourceLocation) {
        let deadline = ContinuousClock.now + .seconds(60)
        while true {
            let counts = self.counts
            #expect(counts.imbalance == 0, sourceLocation: location)
            if isTrue(counts) { return }
            guard ContinuousClock.now < deadline else {
                Issue.record("not in a minute: \(what); \(counts)", sourceLocation: location)
                return
            }
            usleep(1000)
        }
    }

    func eventuallyNothingWaits(at location: SourceLocation = #_sourceLocation) {
        eventually("nothing waits", { $0.waiting == 0 }, at: location)
    }
}

extension SpooledExporter.Counts {
    var droppedInAll: Int { dropped.values.reduce(0, +) }
    /// What the account is wrong by.
    var imbalance: Int { submitted + recovered - delivered - rejected - droppedInAll - waiting }
}

/// Holds up who comes, until it is opened.
final class Gate: Sendable {
    private let isOpen = Monitor(false)

    func open() { isOpen.withLock { $0 = true } }
    func pass() { isOpen.wait { $0 ? () : nil } }
}
