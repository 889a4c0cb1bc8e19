internal import AgentRuns
internal import JSONText
internal import Replay

/// The request of the agent protocol. See Fixtures/schemas/agent-protocol.schema.json.
enum ProtocolMessage {
    static let version = "outrigger/agent/1"

    /// - Parameters:
    ///   - type: the kind of message, where several go over one stream.
    ///   - timeLeft: what is left of the run's time when this is sent.
    static func request(_ task: ReplayTask, type: String? = nil, toolsURL: String, timeLeft: Duration) -> [UInt8] {
        var message = MessageWriter()
        let trace = task.trace
        if let type { message.add("type", type) }
        message.add("protocol", version)
        message.add("run_id", task.runID)
        message.add("replay_id", task.replayID)
        message.add("mode", RunMode.replay.rawValue)
        message.add("role", task.role.rawValue)
        message.add("version", task.version)
        message.add("repetition", json: Array(String(task.repetition).utf8))
        message.add("traceparent", task.traceParent)
        message.add("request", json: trace.jsonText(trace.request))
        message.add("trace_id", trace.recordedID.map { trace.string($0) })
        message.add("conversation_id", trace.conversationID.map { trace.string($0) })
        message.add("model", trace.model.map { trace.string($0) })
        if let allowed = trace.allowedTools {
            message.add("allowed_tools", json: Array(JSONValue.array(allowed.map { .text(trace.string($0)) }).text.utf8))
        }
        message.add("tools_url", toolsURL)
        message.add("deadline_ms", json: Array(String(timeLeft.wholeMilliseconds).utf8))
        return message.finished()
    }

    /// What an evaluator is asked: the run, and what the trace expects of it.
    static func evaluation(_ run: AgentRun, of trace: AgentRun, id: String, type: String? = nil) -> [UInt8] {
        var message = MessageWriter()
        if let type { message.add("type", type) }
        message.add("protocol", "outrigger/evaluator/1")
        message.add("run_id", id)
        message.add("trace_id", trace.recordedID.map { trace.string($0) })
        message.add("request", json: trace.jsonText(trace.request))
        message.add("response", json: run.jsonText(run.response))
        message.add("outcome", run.outcome.map { run.string($0) })
        message.add("expected_outcome", trace.expectedOutcome.map { trace.string($0) })
        message.add("tool_calls", json: calls(run))
        return message.finished()
    }

    private static func calls(_ run: AgentRun) -> [UInt8] {
        var calls: [UInt8] = [UInt8(ascii: "[")]
        for (i, call) in run.toolCalls.enumerated() {
            if i > 0 { calls.append(UInt8(ascii: ",")) }
            var message = MessageWriter()
            message.add("name", call.name.map { run.string($0) })
            message.add("id", call.id.map { run.string($0) })
            message.add("args", json: call.arguments.map { run.jsonText($0) } ?? Array("{}".utf8))
            if let result = call.result {
                message.add("success", json: Array((result.success ? "true" : "false").utf8))
                if let content = result.content { message.add("result", json: run.jsonText(content)) }
                if let error = result.error { message.add("error", json: run.jsonText(error)) }
            }
            calls.append(contentsOf: message.finished())
        }
        calls.append(UInt8(ascii: "]"))
        return calls
    }
}

/// Writes one JSON object on one line.
struct MessageWriter {
    private var bytes: [UInt8] = [UInt8(ascii: "{")]

    /// Adds a string; nothing when there is none.
    mutating func add(_ name: String, _ value: String?) {
        guard let value else { return }
        startMember(name)
        JSONString.encode(value.utf8, into: &bytes)
    }

    /// Adds JSON as it is, but for line breaks: valid JSON has those only between its tokens.
    mutating func add(_ name: String, json: [UInt8]) {
        startMember(name)
        bytes.append(contentsOf: json.lazy.map { $0 == 0x0A || $0 == 0x0D ? 0x20 : $0 })
    }

    private mutating func startMember(_ name: String) {
        if bytes.count > 1 { bytes.append(UInt8(ascii: ",")) }
        JSONString.encode(name.utf8, into: &bytes)
        bytes.append(UInt8(ascii: ":"))
    }

    consuming func finished() -> [UInt8] {
        bytes.append(UInt8(ascii: "}"))
        return bytes
    }
}
