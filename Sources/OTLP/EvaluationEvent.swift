public import AgentRuns

/// What an evaluation found about one span: an OTLP log record with the event name `gen_ai.evaluation.result`.
///
/// Source: OpenTelemetry semantic conventions for GenAI, "GenAI events".
public struct EvaluationEvent: Sendable {
    /// The evaluated span.
    public var traceID: TraceID
    public var spanID: SpanID
    /// W3C trace flags of the span.
    public var flags: UInt32
    /// Unix nanoseconds of the evaluation.
    public var time: UInt64
    /// What was evaluated, such as `outcome_match`.
    public var name: String
    public var score: Double?
    /// `pass` or `fail`.
    public var label: String
    /// The evidence in words; it can hold content of the run.
    public var explanation: String?
    /// Why there is no score, if the evaluator failed.
    public var errorType: String?

    public init(
        traceID: TraceID, spanID: SpanID, flags: UInt32, time: UInt64, name: String, score: Double?, label: String,
        explanation: String? = nil, errorType: String? = nil
    ) {
        self.traceID = traceID
        self.spanID = spanID
        self.flags = flags
        self.time = time
        self.name = name
        self.score = score
        self.label = label
        self.explanation = explanation
        self.errorType = errorType
    }

    static let eventName: StaticString = "gen_ai.evaluation.result"

    /// The texts among its attributes.
    var textAttributes: [(key: StaticString, value: String)] {
        var attributes: [(StaticString, String)] = [("gen_ai.evaluation.name", name), ("gen_ai.evaluation.score.label", label)]
        if let explanation { attributes.append(("gen_ai.evaluation.explanation", explanation)) }
        if let errorType { attributes.append(("error.type", errorType)) }
        return attributes
    }

    static let scoreKey: StaticString = "gen_ai.evaluation.score.value"
}

/// Makes batches of encoded events, which an exporter sends to `/v1/logs` as it sends spans to `/v1/traces`.
public protocol EventEncoder: SendableMetatype {
    var batch: SpanBatch { get set }
    var form: MessageForm { get }
    mutating func encode(_ event: EvaluationEvent)
}
