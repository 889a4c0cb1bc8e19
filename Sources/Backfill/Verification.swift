internal import AgentRuns
public import Delivery
public import Threads

/// Reads back from the system that shows the traces what it shows of those that were sent: some answer 200 and drop what
/// they find too old.
public struct Verification: Sendable {
    public struct Result: Sendable {
        /// Spans that should be there.
        public var expected = 0
        public var visible = 0
        public var missing: Int { expected - visible }
        /// The ids of the first that are missing.
        public var missingIDs: [(traceID: String, spanID: String)] = []
    }

    private let backEnd: TraceBackEnd
    private let configuration: ExportConfiguration
    /// How long to wait for more spans to come in sight: back ends store what they have acknowledged at their own pace.
    private let patience: Duration
    private let stop: StopFlag

    /// How many missing ids are told.
    static let toldIDs = 100
    /// Pages of an answer that are read.
    private static let maximumPages = 1000

    /// - Parameter configuration: for its headers, certificates and timeout.
    public init(_ backEnd: TraceBackEnd, _ configuration: ExportConfiguration, patience: Duration, stop: StopFlag) {
        self.backEnd = backEnd
        self.configuration = configuration
        self.patience = patience
        self.stop = stop
    }

    private struct Wanted {
        var trace: TraceID
        var spans: [SpanID]
    }

    /// Asks for every trace until all of its spans are in sight, or nothing more has come for the time of patience.
    ///
    /// - Throws: ``BackfillError`` when the system cannot be asked or answers something else.
    public func run(_ log: IDLog) throws(BackfillError) -> Result {
        guard let reader = HTTPReader(configuration, peer: backEnd.peer) else { throw .runtime("libcurl could not be initialised") }
        var result = Result()
        var group: [Wanted] = []
        // Time without progress is counted over the whole read-back: a slow store is not asked anew for each trace.
        var quiet = Quiet(patience: patience)
        var failure: BackfillError?
        try log.forEach { (trace, spans) throws(BackfillError) in
            group.append(Wanted(trace: trace, spans: spans))
            guard group.count == backEnd.tracesPerRequest else { return }
            try check(group, reader, &quiet, &result)
            group.removeAll()
        }
        if !group.isEmpty {
            do throws(BackfillError) { try check(group, reader, &quiet, &result) } catch { failure = error }
        }
        if let failure { throw failure }
        return result
    }

    private struct Quiet {
        let patience: Duration
        var since = ContinuousClock.now

        var isOver: Bool { ContinuousClock.now - since > patience }
        mutating func reset() { since = ContinuousClock.now }
    }

    private func check(
        _ wanted: [Wanted], _ reader: borrowing HTTPReader, _ quiet: inout Quiet, _ result: inout Result
    ) throws(BackfillError) {
        let expected = wanted.reduce(0) { $0 + $1.spans.count }
        var best = 0
        var missing: [(traceID: String, spanID: String)] = []
        var wait = Duration.milliseconds(100)
        while true {
            let seen = try ask(wanted.map(\.trace), reader)
            missing = wanted.flatMap { wanted in
                wanted.spans.filter { seen[wanted.trace]?.contains($0) != true }.map { (wanted.trace.hex, $0.hex) }
            }
            let visible = expected - missing.count
            if visible > best {
                best = visible
                quiet.reset()
            }
            if missing.isEmpty || quiet.isOver || stop.isSet { break }
            stop.sleep(wait)
            wait = min(wait * 2, .seconds(2))
        }
        result.expected += expected
        result.visible += expected - missing.count
        result.missingIDs += missing.prefix(Self.toldIDs - min(Self.toldIDs, result.missingIDs.count))
    }

    private func ask(_ traces: [TraceID], _ reader: borrowing HTTPReader) throws(BackfillError) -> [TraceID: Set<SpanID>] {
        var seen: [TraceID: Set<SpanID>] = [:]
        var cursor: String?
        var pages = 0
        repeat {
            // A system that always knows another page would keep us for ever.
            pages += 1
            if pages > Self.maximumPages || stop.isSet { return seen }
            let url = backEnd.url(for: traces, cursor: cursor)
            let document: HTTPReader.Document
            do throws(HTTPReadError) { document = try reader.get(url) } catch {
                throw .runtime("cannot verify: \(error.message)")
            }
            // Not there, or not there yet.
            if document.status == 404 { return seen }
            guard document.status == 200, let first = traces.first,
                let found = backEnd.spanIDs(in: document.body, asked: first)
            else {
                throw .runtime(
                    "cannot verify: \(url) answered HTTP \(document.status) (\(document.contentType)), which is not how "
                        + "\(backEnd.peer.name) answers; \(backEnd.peer.question)")
            }
            for (trace, ids) in found.ids { seen[trace, default: []].formUnion(ids) }
            cursor = found.cursor
        } while cursor != nil
        return seen
    }
}
