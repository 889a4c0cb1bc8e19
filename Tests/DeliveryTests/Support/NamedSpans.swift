import OTLP
import Threads

@testable import Delivery

/// Batches of spans that are nothing but names with a line break, `0.0`, `0.1`, ..., so that a receiver can tell which came.
enum NamedSpans {
    /// Span `span` of batch `batch` is called `batch.span`.
    static func batch(_ batch: Int, of count: Int) -> SpanBatch {
        var spans = SpanBatch()
        for span in 0..<count { spans.append("\(batch).\(span)\n".utf8) }
        return spans
    }

    /// A message is its spans.
    static let form = MessageForm(contentType: "text/plain") { $1.append(contentsOf: $0) }

    static func names(in body: some Sequence<UInt8>) -> [String] {
        String(decoding: Array(body), as: UTF8.self).split(separator: "\n").map(String.init)
    }
}

/// What an exporter said became of its spans. The context of a batch is its number.
final class Settlements: Sendable {
    struct Entry: Sendable {
        var batch: Int
        var range: Range<Int>
        var settlement: Settlement
    }

    private let log = Monitor<[Entry]>([])
    private let said = Monitor<[String]>([])

    var entries: [Entry] { log.withLock { $0 } }
    var notices: [String] { said.withLock { $0 } }

    func settle(_ batch: Int, _ range: Range<Int>, _ settlement: Settlement) {
        log.withLock { $0.append(Entry(batch: batch, range: range, settlement: settlement)) }
    }

    func notice(_ text: String) { said.withLock { $0.append(text) } }

    /// Whether the batch is settled, or becomes so in this time.
    func isSettled(_ batch: Int, within time: Duration) -> Bool {
        log.wait(atMost: time) { $0.contains { $0.batch == batch } ? true : nil } ?? false
    }

    func total(_ count: KeyPath<Settlement, Int>) -> Int { entries.reduce(0) { $0 + $1.settlement[keyPath: count] } }

    func entries(because reason: String) -> [Entry] { entries.filter { $0.settlement.reason == reason } }

    /// What breaks the promise that every span is settled exactly once: spans by how often they were, if not once, and
    /// settlements that are about more or fewer spans than their range has.
    func faults(batches: [Int]) -> [String] {
        var times = batches.map { Array(repeating: 0, count: $0) }
        var faults: [String] = []
        for entry in entries {
            let settled = entry.settlement.accepted + entry.settlement.rejected + entry.settlement.unsent
            if settled != entry.range.count { faults.append("\(settled) of \(entry.range) in batch \(entry.batch)") }
            for span in entry.range { times[entry.batch][span] += 1 }
        }
        for (batch, spans) in times.enumerated() {
            for (span, count) in spans.enumerated() where count != 1 { faults.append("\(batch).\(span): \(count) times") }
        }
        return faults
    }
}
