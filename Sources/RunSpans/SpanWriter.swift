public import AgentRuns

/// Takes finished spans, one at a time: the mapping writes, and an encoder, a tree on the terminal or a JSON file take.
///
/// The calls come in this order, for each span: ``begin(_:)``, attributes, at most one ``fail(message:)``, links,
/// ``end(droppedAttributes:)``.
/// Values are lent for the call only.
public protocol SpanWriter {
    /// Attributes in the writer's own form: what repeats on many spans is put into it once.
    associatedtype Prepared

    func prepare(_ attributes: [Attribute]) -> Prepared

    mutating func begin(_ head: SpanHead)
    mutating func write(_ prepared: borrowing Prepared)
    mutating func attribute(_ key: AttributeKey, text: Span<UInt8>)
    mutating func attribute(_ key: AttributeKey, integer: Int64)
    mutating func attribute(_ key: AttributeKey, double: Double)
    mutating func attribute(_ key: AttributeKey, bool: Bool)
    /// The span's status is ERROR; an empty message is none.
    mutating func fail(message: Span<UInt8>)
    mutating func link(_ link: SpanLink)
    /// The span is complete.
    mutating func end(droppedAttributes: Int)
}

/// What every span has.
public struct SpanHead: Sendable {
    public var traceID: TraceID
    public var spanID: SpanID
    /// nil for the root of a trace.
    public var parent: SpanID?
    public var name: SpanName
    /// Unix nanoseconds.
    public var start: UInt64
    /// Unix nanoseconds, not before `start`.
    public var end: UInt64
    /// W3C trace flags, with OTLP's bits 8 and 9 about the parent.
    ///
    /// Source: opentelemetry-proto, `SpanFlags`.
    public var flags: UInt32
    /// Whether no other span of the same parent follows, for writers that draw trees.
    public var isLastSibling = true
    public var kind = SpanKind.internal
    /// The `tracestate` that the span travels with; nil for none.
    public var traceState: String?

    public init(
        traceID: TraceID, spanID: SpanID, parent: SpanID?, name: SpanName, start: UInt64, end: UInt64, flags: UInt32,
        isLastSibling: Bool = true
    ) {
        self.traceID = traceID
        self.spanID = spanID
        self.parent = parent
        self.name = name
        self.start = start
        self.end = end
        self.flags = flags
        self.isLastSibling = isLastSibling
    }
}

/// A span of another trace that belongs to this one.
public struct SpanLink: Hashable, Sendable {
    public var traceID: TraceID
    public var spanID: SpanID
    /// W3C trace flags of the linked span, with OTLP's bits 8 and 9.
    public var flags: UInt32
    /// What the other span is to this one (`outrigger.link.type`), such as `baseline`.
    public var type: String

    public init(traceID: TraceID, spanID: SpanID, flags: UInt32, type: String) {
        self.traceID = traceID
        self.spanID = spanID
        self.flags = flags
        self.type = type
    }

    /// The key of ``type`` among the link's attributes.
    public static let typeKey: StaticString = "outrigger.link.type"
}

/// Which side of a call a span is.
///
/// Source: opentelemetry-proto, `SpanKind`.
public enum SpanKind: Int, Sendable {
    case `internal` = 1
    case server = 2
    case client = 3
}

/// The four spans of a run, whose names are part of our promise, and the HTTP spans around a live one, which are named by
/// the method (`HTTP` for one that is not known).
public enum SpanName: String, CaseIterable, Sendable {
    case agentRun = "agent.run"
    case agentStep = "agent.step"
    case toolCall = "tool.call"
    case toolResult = "tool.result"
    case httpGet = "GET"
    case httpHead = "HEAD"
    case httpPost = "POST"
    case httpPut = "PUT"
    case httpDelete = "DELETE"
    case httpConnect = "CONNECT"
    case httpOptions = "OPTIONS"
    case httpTrace = "TRACE"
    case httpPatch = "PATCH"
    case httpOther = "HTTP"

    /// The name's UTF-8, which lives as long as the program.
    public var utf8: StaticString {
        switch self {
        case .agentRun: "agent.run"
        case .agentStep: "agent.step"
        case .toolCall: "tool.call"
        case .toolResult: "tool.result"
        case .httpGet: "GET"
        case .httpHead: "HEAD"
        case .httpPost: "POST"
        case .httpPut: "PUT"
        case .httpDelete: "DELETE"
        case .httpConnect: "CONNECT"
        case .httpOptions: "OPTIONS"
        case .httpTrace: "TRACE"
        case .httpPatch: "PATCH"
        case .httpOther: "HTTP"
        }
    }
}

/// The key of an attribute whose bytes live as long as the program.
public struct AttributeKey: Sendable, ExpressibleByStringLiteral {
    public let name: StaticString

    public init(stringLiteral name: StaticString) { self.name = name }
}

/// An attribute that is the same on many spans.
public struct Attribute: Sendable {
    public enum Value: Hashable, Sendable {
        case text(String)
        case integer(Int64)
        case double(Double)
        case bool(Bool)
    }

    public var key: AttributeKey
    public var value: Value

    public init(_ key: AttributeKey, _ value: Value) {
        self.key = key
        self.value = value
    }
}
