/// Every attribute key that the mapping writes.
///
/// Sources: OpenTelemetry semantic conventions for GenAI (`gen_ai.*`, `error.type`), OpenInference (`openinference.*`,
/// `input.*`, `output.*`, `llm.*`), the Python sample that Outrigger grew from (`agent.version`, `step.index`,
/// `tool.name`, `tool.success`); our own start with `outrigger.`. No key is a dotted prefix of another: back ends that
/// nest by dots would lose one of them.
extension AttributeKey {
    static let agentVersion = AttributeKey(repeating: "agent.version")
    static let stepIndex: AttributeKey = "step.index"
    static let toolName = AttributeKey(repeating: "tool.name")
    static let toolSuccess: AttributeKey = "tool.success"
    static let errorType: AttributeKey = "error.type"

    static let operationName: AttributeKey = "gen_ai.operation.name"
    static let agentName = AttributeKey(repeating: "gen_ai.agent.name")
    static let conversationID: AttributeKey = "gen_ai.conversation.id"
    static let requestModel = AttributeKey(repeating: "gen_ai.request.model")
    static let inputTokens: AttributeKey = "gen_ai.usage.input_tokens"
    static let outputTokens: AttributeKey = "gen_ai.usage.output_tokens"
    static let inputMessages: AttributeKey = "gen_ai.input.messages"
    static let outputMessages: AttributeKey = "gen_ai.output.messages"
    static let genAIToolName = AttributeKey(repeating: "gen_ai.tool.name")
    static let genAIToolType: AttributeKey = "gen_ai.tool.type"
    static let toolCallID: AttributeKey = "gen_ai.tool.call.id"
    static let toolCallArguments: AttributeKey = "gen_ai.tool.call.arguments"
    static let toolCallResult: AttributeKey = "gen_ai.tool.call.result"

    static let spanKind: AttributeKey = "openinference.span.kind"
    static let totalTokens: AttributeKey = "llm.token_count.total"
    static let inputValue: AttributeKey = "input.value"
    static let inputMIMEType: AttributeKey = "input.mime_type"
    static let outputValue: AttributeKey = "output.value"
    static let outputMIMEType: AttributeKey = "output.mime_type"

    static let releaseDigest: AttributeKey = "outrigger.release.digest"
    static let replayID: AttributeKey = "outrigger.replay.id"
    static let runID: AttributeKey = "outrigger.run.id"
    static let runMode: AttributeKey = "outrigger.run.mode"
    static let runRole: AttributeKey = "outrigger.run.role"
    static let requestID: AttributeKey = "outrigger.request.id"
    static let requestDigest: AttributeKey = "outrigger.request.sha256"
    static let requestSize: AttributeKey = "outrigger.request.size"
    static let responseDigest: AttributeKey = "outrigger.response.sha256"
    static let responseSize: AttributeKey = "outrigger.response.size"
    static let outcomeActual = AttributeKey(repeating: "outrigger.outcome.actual")
    static let outcomeExpected = AttributeKey(repeating: "outrigger.outcome.expected")
    static let outcomeMatch: AttributeKey = "outrigger.outcome.match"
    static let costTokens: AttributeKey = "outrigger.cost.tokens"
    static let latency: AttributeKey = "outrigger.latency_ms"
    static let timeSource: AttributeKey = "outrigger.time.source"
    static let sourceDataset: AttributeKey = "outrigger.source.dataset"
    static let sourceTraceID: AttributeKey = "outrigger.source.trace_id"
    static let sourceLine: AttributeKey = "outrigger.source.line"
    static let toolIndex: AttributeKey = "outrigger.tool.index"
    static let toolAllowed: AttributeKey = "outrigger.tool.allowed"
    static let toolResultMissing: AttributeKey = "outrigger.tool.result_missing"
    static let argumentsDigest: AttributeKey = "outrigger.tool.arguments.sha256"
    static let argumentsSize: AttributeKey = "outrigger.tool.arguments.size"
    static let resultDigest: AttributeKey = "outrigger.tool.result.sha256"
    static let resultSize: AttributeKey = "outrigger.tool.result.size"
}
