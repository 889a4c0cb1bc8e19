public import AgentRuns
public import RunSpans

/// Something that happened, about a span or by itself: an OTLP log record with an event name.
///
/// Source: OpenTelemetry specification, "Logs Data Model", `EventName`.
public struct LogEvent: Sendable {
    public var name: StaticString
    /// nil for what is of no span.
    public var span: (traceID: TraceID, spanID: SpanID)?
    /// W3C trace flags of the span.
    public var flags: UInt32
    /// Unix nanoseconds.
    public var time: UInt64
    public var attributes: [Attribute] = []

    public init(_ name: StaticString, traceID: TraceID, spanID: SpanID, flags: UInt32, time: UInt64) {
        self.name = name
        span = (traceID, spanID)
        self.flags = flags
        self.time = time
    }

    /// An event of no span.
    public init(_ name: StaticString, time: UInt64) {
        self.name = name
        flags = 0
        self.time = time
    }

    /// Adds an attribute, if there is a value for it.
    public mutating func add(_ key: AttributeKey, _ value: String?) {
        if let value { attributes.append(Attribute(key, .text(value))) }
    }
}

/// Makes batches of encoded events, which an exporter sends to `/v1/logs` as it sends spans to `/v1/traces`.
public protocol EventEncoder: SendableMetatype {
    var batch: SpanBatch { get set }
    var form: MessageForm { get }
    mutating func encode(_ event: LogEvent)
}

extension EventEncoder {
    public mutating func encode(_ event: EvaluationEvent) { encode(event.logEvent) }
}
