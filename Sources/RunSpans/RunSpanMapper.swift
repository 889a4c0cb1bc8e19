public import AgentRuns

/// Writes the spans of runs: the one place that knows how a run becomes `agent.run`, `agent.step`, `tool.call` and
/// `tool.result`.
///
/// The spans of a run come in the order run, then step, call and result of each tool call. A run without tool calls has
/// one step.
public struct RunSpanMapper<Writer: SpanWriter>: ~Copyable {
    var output: LimitedSpanWriter<Writer>
    private let mapping: RunMapping
    private let isLive: Bool
    private let hasRelease: Bool
    private var content: ContentText
    /// The names of the tools that the current run may use.
    private var allowedTools: Set<[UInt8]>?

    private typealias Shared = LimitedSpanWriter<Writer>.Shared
    private let runAttributes: Shared
    private let timeRecorded: Shared
    private let timeSynthetic: Shared
    private let agentName: Shared?
    private let agentVersion: Shared?
    private let resultMissing: Shared
    private let toolError: Shared
    /// The shared attributes of step K and its call and results, for the first K; runs with more calls are rare.
    private let steps: [StepAttributes]

    private final class StepAttributes {
        let step: Shared
        let call: Shared
        let succeeded: Shared
        let failed: Shared

        init(_ k: Int, _ output: inout LimitedSpanWriter<Writer>) {
            let index = Attribute(.toolIndex, .integer(Int64(k)))
            step = output.share([Attribute(.stepIndex, .integer(Int64(k))), Attribute(.spanKind, .text("CHAIN"))])
            call = output.share([
                Attribute(.operationName, .text("execute_tool")), Attribute(.genAIToolType, .text("function")),
                Attribute(.spanKind, .text("TOOL")), index,
            ])
            succeeded = output.share([Attribute(.toolSuccess, .bool(true)), Attribute(.spanKind, .text("CHAIN")), index])
            failed = output.share([
                Attribute(.toolSuccess, .bool(false)), Attribute(.spanKind, .text("CHAIN")), index,
                Attribute(.errorType, .text("tool_error")),
            ])
        }
    }

    public init(_ mapping: RunMapping, writer: Writer) {
        self.mapping = mapping
        isLive = mapping.mode.isLive
        hasRelease = mapping.release != nil
        content = ContentText(mapping.redaction)
        var output = LimitedSpanWriter(writer, limits: mapping.limits)
        var common = [
            Attribute(.operationName, .text("invoke_agent")),
            Attribute(.spanKind, .text("AGENT")),
            Attribute(.runMode, .text(mapping.mode.rawValue)),
            Attribute(.runRole, .text(mapping.role.rawValue)),
        ]
        // A live run comes from no collection of runs.
        if !mapping.mode.isLive { common.append(Attribute(.sourceDataset, .text(mapping.dataset))) }
        if let release = mapping.release {
            common.append(Attribute(.agentVersion, .text(release.version)))
            if let digest = release.digest { common.append(Attribute(.releaseDigest, .text(digest))) }
        }
        if let replayID = mapping.replayID { common.append(Attribute(.replayID, .text(replayID))) }
        runAttributes = output.share(common)
        timeRecorded = output.share([Attribute(.timeSource, .text("recorded"))])
        timeSynthetic = output.share([Attribute(.timeSource, .text("synthetic"))])
        agentName = mapping.agentName.map { output.share([Attribute(.agentName, .text($0))]) }
        agentVersion = mapping.agentVersion.map { output.share([Attribute(.agentVersion, .text($0))]) }
        resultMissing = output.share([Attribute(.toolResultMissing, .bool(true))])
        toolError = output.share([Attribute(.errorType, .text("tool_error"))])
        steps = (0..<16).map { StepAttributes($0, &output) }
        self.output = output
    }

    /// The writer, to take from it what it has made.
    public var writer: Writer {
        _read { yield output.writer }
        _modify { yield &output.writer }
    }

    /// What the attribute limits have cost so far.
    public var losses: LimitLosses { output.losses }

    /// Writes the spans of `run`.
    public mutating func write(_ run: borrowing AgentRun, _ placement: RunPlacement) {
        let identity = placement.identity
        let timeline = placement.timeline
        var ids = identity.spanIDs
        let runID = isLive ? identity.runSpanID : ids[.run]
        allowedTools = run.allowedTools.map { names in Set(names.map { Array(run.storage[$0.range]) }) }
        writeRun(run, placement, runID)

        guard !run.toolCalls.isEmpty else {
            let stepID = ids[.step(0)]
            begin(.agentStep, identity, stepID, parent: runID, timeline.start, timeline.end)
            output.write(attributes(ofStep: 0).step)
            output.end()
            return
        }
        var from = timeline.start
        var inCalls: UInt64 = 0
        for k in run.toolCalls.indices {
            let duration = RunTimeline.duration(of: run.toolCalls[k], after: inCalls)
            inCalls += duration ?? 0
            let to = timeline.start + inCalls + timeline.restBefore(k + 1)
            let stepID = ids[.step(k)]
            let isLast = k == run.toolCalls.count - 1
            let shared = attributes(ofStep: k)
            begin(.agentStep, identity, stepID, parent: runID, from, to, isLastSibling: isLast)
            output.write(shared.step)
            output.end()
            writeCall(run, k, shared, identity, &ids, parent: stepID, start: duration.map { to - $0 } ?? from, end: to)
            from = to
        }
    }

    // MARK: one span each

    private mutating func writeRun(_ run: borrowing AgentRun, _ placement: RunPlacement, _ id: SpanID) {
        let text = run.storage.span
        begin(.agentRun, placement.identity, id, parent: placement.parent, placement.timeline.start, placement.timeline.end)
        output.write(runAttributes)
        if !isLive { output.write(placement.hasRecordedTime ? timeRecorded : timeSynthetic) }
        if let agent = run.agent {
            output.attribute(.agentName, text: text.extracting(agent.range))
        } else if let agentName {
            output.write(agentName)
        }
        if hasRelease {
            // It is among the shared attributes.
        } else if let version = run.version {
            output.attribute(.agentVersion, text: text.extracting(version.range))
        } else if let agentVersion {
            output.write(agentVersion)
        }
        let hex = HexText(id)
        output.attribute(.runID, text: hex.digits.span)
        if let recordedID = placement.recordedID {
            output.attribute(.requestID, recordedID)
            if !isLive { output.attribute(.sourceTraceID, recordedID) }
        } else if let recordedID = run.recordedID {
            output.attribute(.requestID, text: text.extracting(recordedID.range))
            output.attribute(.sourceTraceID, text: text.extracting(recordedID.range))
        }
        if isLive {
            for attribute in placement.more { output.write(attribute) }
        } else {
            output.attribute(.sourceLine, integer: Int64(placement.line))
        }
        writeOutcome(run)
        writeNumbers(run)
        if let conversation = run.conversationID {
            output.attribute(.conversationID, text: text.extracting(conversation.range))
        }
        if let model = run.model { output.attribute(.requestModel, text: text.extracting(model.range)) }
        if let request = run.request {
            content.digest(text.extracting(request.text.range))
            writeMadeText(.requestDigest)
        }
        if mapping.capture != .none { writeContent(run) }
        if let failure = placement.failure { output.fail(failure) }
        if let link = placement.link { output.link(link) }
        output.end()
    }

    private mutating func writeOutcome(_ run: borrowing AgentRun) {
        let text = run.storage.span
        if let outcome = run.outcome { output.attribute(.outcomeActual, text: text.extracting(outcome.range)) }
        guard let expected = run.expectedOutcome else { return }
        output.attribute(.outcomeExpected, text: text.extracting(expected.range))
        if let outcome = run.outcome {
            let matches = run.storage[outcome.range].elementsEqual(run.storage[expected.range])
            output.attribute(.outcomeMatch, bool: matches)
        }
    }

    private mutating func writeNumbers(_ run: borrowing AgentRun) {
        if let cost = run.costTokens {
            if let whole = cost.integer {
                output.attribute(.costTokens, integer: whole)
                output.attribute(.totalTokens, integer: whole)
            } else if cost.double.isFinite {
                output.attribute(.costTokens, double: cost.double)
            }
        }
        if let latency = run.latency?.double, latency.isFinite { output.attribute(.latency, double: latency) }
        if let tokens = run.inputTokens { output.attribute(.inputTokens, integer: tokens) }
        if let tokens = run.outputTokens { output.attribute(.outputTokens, integer: tokens) }
    }

    private mutating func writeCall(
        _ run: borrowing AgentRun, _ k: Int, _ shared: StepAttributes, _ identity: RunIdentity, _ ids: inout SpanIDs,
        parent: SpanID, start: UInt64, end: UInt64
    ) {
        let text = run.storage.span
        let call = run.toolCalls[k]
        let callID = call.spanID ?? ids[.call(k)]
        begin(.toolCall, identity, callID, parent: parent, start, end)
        output.write(shared.call)
        if let name = call.name {
            output.attribute(.toolName, text: text.extracting(name.range))
            output.attribute(.genAIToolName, text: text.extracting(name.range))
        }
        if let id = call.id { output.attribute(.toolCallID, text: text.extracting(id.range)) }
        if let allowedTools {
            let name = call.name.map { Array(run.storage[$0.range]) }
            output.attribute(.toolAllowed, bool: name.map(allowedTools.contains) ?? false)
        }
        if let verdict = call.verdict {
            output.attribute(.toolVerdict, verdict.word)
            if let reason = verdict.refusal { output.attribute(.toolRefusal, reason) }
        }
        if mapping.capture != .none { writeContent(of: call, run) }
        if call.result == nil { output.write(resultMissing) }
        if let result = call.result, !result.success {
            output.write(toolError)
            fail(result, run)
        }
        output.end()

        guard let result = call.result else { return }
        begin(.toolResult, identity, ids[.result(k)], parent: callID, end, end)
        output.write(result.success ? shared.succeeded : shared.failed)
        if mapping.capture != .none { writeContent(of: result, run) }
        if !result.success { fail(result, run) }
        output.end()
    }

    private mutating func begin(
        _ name: SpanName, _ identity: RunIdentity, _ id: SpanID, parent: SpanID?, _ start: UInt64, _ end: UInt64,
        isLastSibling: Bool = true
    ) {
        var head = SpanHead(
            traceID: identity.traceID, spanID: id, parent: parent, name: name, start: start, end: end,
            flags: identity.flags, isLastSibling: isLastSibling)
        head.traceState = identity.traceState
        output.begin(head)
    }

    private mutating func attributes(ofStep k: Int) -> StepAttributes {
        k < steps.count ? steps[k] : StepAttributes(k, &output)
    }

    /// Writes the text that was made last.
    private mutating func writeMadeText(_ key: AttributeKey) {
        let text = content.bytes
        output.attribute(key, text: text.span)
    }

    // MARK: content, only when asked for

    /// The error's text is content: without full capture the status has no message.
    private mutating func fail(_ result: ToolResult, _ run: borrowing AgentRun) {
        content.clear()
        if mapping.capture == .full, let error = result.error { content.plain(error, of: run) }
        let message = content.bytes
        output.fail(message: message.span)
    }

    private mutating func writeContent(_ run: borrowing AgentRun) {
        if let request = run.request {
            output.attribute(.requestSize, integer: Int64(request.text.count))
            if mapping.capture == .full {
                content.plain(request, of: run)
                writeMadeText(.inputValue)
                output.attribute(.inputMIMEType, request.mimeType)
                content.message(request, of: run, role: "user")
                writeMadeText(.inputMessages)
            }
        }
        if let response = run.response {
            writeMetadata(response, run, size: .responseSize, digest: .responseDigest)
            if mapping.capture == .full {
                content.plain(response, of: run)
                writeMadeText(.outputValue)
                output.attribute(.outputMIMEType, response.mimeType)
                content.message(response, of: run, role: "assistant")
                writeMadeText(.outputMessages)
            }
        }
    }

    private mutating func writeContent(of call: ToolCall, _ run: borrowing AgentRun) {
        if let arguments = call.arguments {
            writeMetadata(arguments, run, size: .argumentsSize, digest: .argumentsDigest)
            if mapping.capture == .full {
                content.json(arguments, of: run)
                writeMadeText(.toolCallArguments)
            }
        }
        if mapping.capture == .full, let result = call.result?.content {
            content.json(result, of: run)
            writeMadeText(.toolCallResult)
        }
    }

    private mutating func writeContent(of result: ToolResult, _ run: borrowing AgentRun) {
        guard let value = result.content else { return }
        writeMetadata(value, run, size: .resultSize, digest: .resultDigest)
        if mapping.capture == .full {
            content.plain(value, of: run)
            writeMadeText(.outputValue)
            output.attribute(.outputMIMEType, value.mimeType)
        }
    }

    private mutating func writeMetadata(
        _ value: Content, _ run: borrowing AgentRun, size: AttributeKey, digest: AttributeKey
    ) {
        output.attribute(size, integer: Int64(value.text.count))
        content.digest(run.storage.span.extracting(value.text.range))
        writeMadeText(digest)
    }
}

extension Content {
    fileprivate var mimeType: String { form == .string ? "text/plain" : "application/json" }
}

/// A span id as hex digits, without a string.
private struct HexText {
    var digits: InlineArray<16, UInt8>

    init(_ id: SpanID) {
        digits = InlineArray { hexDigit(UInt8(truncatingIfNeeded: id.value >> UInt64(60 - 4 * $0)) & 15) }
    }
}
