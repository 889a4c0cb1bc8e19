public import AgentRuns
internal import RunSpans

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
    /// `pass` or `fail` where it can be one of them.
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

    public var logEvent: LogEvent {
        var event = LogEvent("gen_ai.evaluation.result", traceID: traceID, spanID: spanID, flags: flags, time: time)
        event.add("gen_ai.evaluation.name", name)
        event.add("gen_ai.evaluation.score.label", label)
        event.add("gen_ai.evaluation.explanation", explanation)
        event.add("error.type", errorType)
        if let score { event.attributes.append(Attribute("gen_ai.evaluation.score.value", .double(score))) }
        return event
    }
}
