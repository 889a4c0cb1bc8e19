internal import AgentRuns
internal import JSONText
internal import Replay

/// One trace of a ``JSONReport``, as an object on one line.
struct JSONDetailWriter {
    let link: TraceLink?
    private let checker = JSONChecker()

    init(link: TraceLink?) { self.link = link }

    func append(_ detail: borrowing RunDetail, to output: inout [UInt8]) {
        output.append("{\"trace_id\":")
        output.appendText(detail.traceID)
        output.append(",\"passed\":")
        output.appendBool(detail.passed)
        output.append(",\"reason\":")
        output.appendTexts(detail.reasons)
        output.append(",\"line\":")
        output.appendInteger(detail.line)
        output.append(",\"repetition\":")
        output.appendInteger(detail.repetition)
        // What passed runs said is here only where another report asked for it, on which this one must not depend.
        if !detail.passed, !detail.request.isEmpty {
            output.append(",\"request\":")
            output.appendText(detail.request)
        }
        output.append(",\"baseline\":")
        append(detail.baseline, withResponse: !detail.passed, to: &output)
        output.append(",\"candidate\":")
        append(detail.candidate, withResponse: !detail.passed, to: &output)
        output.append(",\"tool_diff\":[")
        for i in detail.toolChanges.indices {
            if i > 0 { output.append(",") }
            append(detail.toolChanges[i], to: &output)
        }
        output.append("],\"checks\":[")
        for i in detail.candidate.checks.indices {
            if i > 0 { output.append(",") }
            append(detail.candidate.checks[i], to: &output)
        }
        output.append("]}")
    }

    /// The same as a detail of the trace would, without the detail.
    func appendPlainPass(
        _ place: PairPlace, _ trace: borrowing AgentRun, _ baseline: borrowing AgentRun, _ candidate: borrowing AgentRun,
        to output: inout [UInt8]
    ) {
        output.append("{\"trace_id\":")
        output.appendText(trace.recordedID, of: trace)
        output.append(",\"passed\":true,\"reason\":[],\"line\":")
        output.appendInteger(place.line)
        output.append(",\"repetition\":")
        output.appendInteger(place.repetition)
        output.append(",\"baseline\":")
        appendPlain(baseline, to: &output)
        output.append(",\"candidate\":")
        appendPlain(candidate, to: &output)
        output.append(",\"tool_diff\":[],\"checks\":[]}")
    }

    private func appendPlain(_ run: borrowing AgentRun, to output: inout [UInt8]) {
        output.append("{\"passed\":true,\"outcome\":")
        output.appendText(run.outcome, of: run)
        output.append(",\"latency_ms\":")
        output.appendNumber(run.latency?.double)
        output.append(",\"cost_tokens\":")
        output.appendNumber(run.costTokens?.double)
        output.append(",\"reason\":[],\"error\":null,\"trace_id\":null,\"span_id\":null,\"url\":null}")
    }

    private func append(_ arm: borrowing RunDetail.Arm, withResponse: Bool, to output: inout [UInt8]) {
        output.append("{\"passed\":")
        output.appendBool(arm.passed)
        output.append(",\"outcome\":")
        output.appendText(arm.outcome)
        if let expected = arm.expectedOutcome {
            output.append(",\"expected_outcome\":")
            output.appendText(expected)
        }
        output.append(",\"latency_ms\":")
        output.appendNumber(arm.latency)
        output.append(",\"cost_tokens\":")
        output.appendNumber(arm.costTokens)
        output.append(",\"reason\":")
        output.appendTexts(arm.reasons)
        output.append(",\"error\":")
        output.appendText(arm.problem)
        output.append(",\"trace_id\":")
        output.appendText(arm.traceID)
        output.append(",\"span_id\":")
        output.appendText(arm.spanID)
        output.append(",\"url\":")
        appendLink(arm, to: &output)
        if let tools = arm.tools { append(tools, to: &output) }
        if let loop = arm.loop {
            output.append(",\"loop\":{\"start\":")
            output.appendInteger(loop.start)
            output.append(",\"period\":")
            output.appendInteger(loop.period)
            output.append(",\"repetitions\":")
            output.appendInteger(loop.repetitions)
            output.append("}")
        }
        if withResponse, let response = arm.response {
            output.append(",\"response\":")
            output.appendText(response)
        }
        output.append("}")
    }

    private func appendLink(_ arm: borrowing RunDetail.Arm, to output: inout [UInt8]) {
        if let link, let traceID = arm.traceID {
            let start = output.count
            // The pattern and hexadecimal ids hold nothing that JSON escapes.
            output.append("\"")
            if link.append(traceID: traceID, spanID: arm.spanID, to: &output) { return output.append("\"") }
            output.removeSubrange(start...)
        }
        output.append("null")
    }

    private func append(_ tools: ToolAnswers, to output: inout [UInt8]) {
        output.append(",\"tools\":{\"matched\":")
        output.appendInteger(tools.matched)
        output.append(",\"matched_by_name\":")
        output.appendInteger(tools.matchedByName)
        output.append(",\"fallback\":")
        output.appendInteger(tools.fallback)
        output.append(",\"refused\":")
        output.appendInteger(tools.refused)
        output.append(",\"unasked\":[")
        for i in tools.unasked.indices {
            if i > 0 { output.append(",") }
            output.appendInteger(tools.unasked[i])
        }
        output.append("],\"late\":")
        output.appendInteger(tools.late)
        output.append("}")
    }

    private func append(_ change: borrowing RunDetail.Change, to output: inout [UInt8]) {
        output.append("{\"kind\":")
        output.appendText(change.kind)
        output.append(",\"tool\":")
        output.appendText(change.tool)
        output.append(",\"baseline_index\":")
        output.appendInteger(change.baselineIndex)
        output.append(",\"candidate_index\":")
        output.appendInteger(change.candidateIndex)
        output.append(",\"candidate_tool\":")
        output.appendText(change.candidateTool)
        output.append(",\"arguments\":[")
        for i in change.arguments.indices {
            if i > 0 { output.append(",") }
            appendArgument(change.arguments[i], to: &output)
        }
        output.append("],\"omitted\":")
        output.appendInteger(change.omitted)
        output.append("}")
    }

    /// A side that has no such argument has no member. Values that were cut are no JSON any more, and go as text.
    private func appendArgument(
        _ argument: (path: String, baseline: String?, candidate: String?), to output: inout [UInt8]
    ) {
        output.append("{\"path\":")
        output.appendText(argument.path)
        var isWhole = true
        if let value = argument.baseline {
            output.append(",\"baseline\":")
            isWhole = appendValue(value, to: &output)
        }
        if let value = argument.candidate {
            output.append(",\"candidate\":")
            isWhole = appendValue(value, to: &output) && isWhole
        }
        output.append(isWhole ? "}" : ",\"cut\":true}")
    }

    private func appendValue(_ value: String, to output: inout [UInt8]) -> Bool {
        if checker.isJSON(value) {
            output.append(contentsOf: value.utf8)
            return true
        }
        output.appendText(value)
        return false
    }

    private func append(_ check: CheckResult, to output: inout [UInt8]) {
        output.append("{\"name\":")
        output.appendText(check.name)
        output.append(",\"passed\":")
        output.appendBool(check.passed)
        output.append(",\"evidence\":")
        output.appendText(check.evidence)
        output.append(",\"call\":")
        output.appendInteger(check.call)
        output.append(",\"score\":")
        output.appendNumber(check.score)
        output.append("}")
    }
}

/// Tells JSON from what was cut, with one reader for all.
final class JSONChecker {
    private var tape = JSONTape(maximumDepth: 256)

    func isJSON(_ text: String) -> Bool {
        var text = text
        return text.withUTF8 { bytes in
            do throws(JSONError) {
                try tape.parse(UnsafeRawBufferPointer(bytes))
                return true
            } catch {
                return false
            }
        }
    }
}
