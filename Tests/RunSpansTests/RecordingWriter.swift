import AgentRuns
@testable import RunSpans

/// Keeps all that the mapping writes.
struct RecordingWriter: SpanWriter {
    private(set) var spans: [RecordedSpan] = []
    /// The calls came in the order that ``SpanWriter`` promises.
    private(set) var keptOrder = true
    private var isOpen = false

    func prepare(_ attributes: [Attribute]) -> [Attribute] { attributes }

    mutating func begin(_ head: SpanHead) {
        keptOrder = keptOrder && !isOpen
        isOpen = true
        spans.append(RecordedSpan(head: head))
    }

    mutating func write(_ prepared: borrowing [Attribute]) {
        for attribute in copy prepared { add(attribute.key, attribute.value) }
    }

    mutating func attribute(_ key: AttributeKey, text: Span<UInt8>) {
        add(key, .text(text.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }))
    }

    mutating func attribute(_ key: AttributeKey, integer: Int64) { add(key, .integer(integer)) }
    mutating func attribute(_ key: AttributeKey, double: Double) { add(key, .double(double)) }
    mutating func attribute(_ key: AttributeKey, bool: Bool) { add(key, .bool(bool)) }

    mutating func fail(message: Span<UInt8>) {
        keptOrder = keptOrder && isOpen && spans[spans.count - 1].failure == nil
        spans[spans.count - 1].failure = message.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
    }

    mutating func link(_ link: SpanLink) {
        keptOrder = keptOrder && isOpen
        spans[spans.count - 1].links.append(link)
    }

    mutating func end(droppedAttributes: Int) {
        keptOrder = keptOrder && isOpen
        isOpen = false
        spans[spans.count - 1].dropped = droppedAttributes
    }

    private mutating func add(_ key: AttributeKey, _ value: Attribute.Value) {
        keptOrder = keptOrder && isOpen && spans[spans.count - 1].failure == nil
        spans[spans.count - 1].list.append(("\(key.name)", value))
    }
}

struct RecordedSpan {
    var head: SpanHead
    var list: [(key: String, value: Attribute.Value)] = []
    /// The status message; nil when the span did not fail.
    var failure: String?
    var dropped = 0
    var links: [SpanLink] = []

    var name: SpanName { head.name }
    var attributes: [String: Attribute.Value] { Dictionary(list.map { ($0.key, $0.value) }, uniquingKeysWith: { first, _ in first }) }

    func text(_ key: String) -> String? {
        if case .text(let text) = attributes[key] { text } else { nil }
    }
}

/// What the mapping made of one run.
struct MappedRun {
    let spans: [RecordedSpan]
    let keptOrder: Bool
    let losses: LimitLosses

    init(
        _ run: AgentRun, _ mapping: RunMapping = RunMapping(mode: .backfill, dataset: "demo"), start: UInt64 = 1000,
        identity: RunIdentity = .demo, recordedID: String? = nil
    ) {
        var mapper = RunSpanMapper(mapping, writer: RecordingWriter())
        mapper.write(
            run,
            RunPlacement(
                identity: identity, timeline: RunTimeline(of: run, start: start), hasRecordedTime: false, recordedID: recordedID, line: 7))
        spans = mapper.writer.spans
        keptOrder = mapper.writer.keptOrder
        losses = mapper.losses
    }

    /// The spans with this name.
    func all(_ name: SpanName) -> [RecordedSpan] { spans.filter { $0.name == name } }

    var texts: [String] {
        spans.flatMap { span in span.list.compactMap { if case .text(let text) = $0.value { text } else { nil } } }
            + spans.compactMap(\.failure)
    }
}

extension RunIdentity {
    /// The identity of section 6.3's vectors.
    static let demo = RunIdentity(dataset: "demo", id: "t-001", occurrence: 0, role: .baseline)

    init(dataset: String, id: String, occurrence: Int, role: RunRole) {
        self = Array(id.utf8).withUnsafeBytes { RunIdentity(dataset: dataset, recordedID: $0, occurrence: occurrence, role: role) }
    }
}
