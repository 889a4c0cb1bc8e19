public import AgentRuns
internal import JSONText

/// Reads one line of a trace file into an ``AgentRun``.
///
/// A field may be missing or null, unknown fields are ignored, and of a repeated field the last one counts. What is of
/// the wrong type makes the line a ``RejectedLine``, never a guess. The trace format stands in the README.
public struct RunDecoder: ~Copyable {
    /// Deeper nesting than this is rejected: no tool needs it, and whoever reads the spans may not survive it.
    public static let maximumDepth = 512

    /// More tool calls than this are rejected: each becomes three spans, and no run that means well has so many.
    public static let maximumCalls = 10_000

    /// Longer lines are rejected, whatever the reader's limit is: places in a run's storage are 31 bits wide, and decoded
    /// escapes come on top of the line.
    public static let maximumBytes = 1 << 30

    /// One copy of a whole line costs less than one of each of its texts. Of a longer line only these are kept: it may be long
    /// by what nobody reads, and runs may be kept for long.
    private static let mostStored = 16 << 10

    private var tape = JSONTape(maximumDepth: maximumDepth)

    public init() {}

    /// Reads `line`, which has no line break, into `run`, whose content is replaced.
    ///
    /// - Returns: what was odd about the line but did not stop it.
    /// - Throws: ``RejectedLine``; `run` is then unspecified.
    public mutating func decode(
        _ line: UnsafeRawBufferPointer, into run: inout AgentRun
    ) throws(RejectedLine) -> LineOddities {
        run.removeAll()
        guard line.count <= Self.maximumBytes else {
            throw RejectedLine(reason: .tooLong, column: 0, detail: "\(line.count) bytes are more than \(Self.maximumBytes), the most that can be read")
        }
        do throws(JSONError) {
            try tape.parse(line)
        } catch {
            throw RejectedLine(error)
        }
        guard tape[0].kind == .object else {
            throw RejectedLine(reason: .notAnObject, column: 1, detail: "found \(tape[0].kind)")
        }
        var pass = FieldPass(line: line, isStored: line.count <= Self.mostStored)
        if pass.isStored { _ = run.store(line) }
        try pass.read(tape, into: &run)
        return pass.oddities
    }
}

/// The reading of one object: its fields, one after the other.
private struct FieldPass {
    let line: UnsafeRawBufferPointer
    /// Whether the run's storage begins with the line.
    let isStored: Bool
    var oddities: LineOddities = []
    private var seen: UInt64 = 0
    private var callCount = 0
    private var results: Int?
    private var calls: Int?

    init(line: UnsafeRawBufferPointer, isStored: Bool) {
        self.line = line
        self.isStored = isStored
    }

    mutating func read(_ tape: borrowing JSONTape, into run: inout AgentRun) throws(RejectedLine) {
        var index = 1
        let end = tape[0].next
        while index < end {
            let key = tape[index]
            let value = index + 1
            if let field: Field = lookUp(key) {
                if seen & field.bit != 0 { oddities.insert(.repeatedField) }
                seen |= field.bit
                try read(field, tape, value, into: &run)
            }
            index = tape[value].next
        }
        try readCalls(tape, into: &run)
    }

    private func lookUp<F: FieldName>(_ key: JSONToken) -> F? {
        let raw = UnsafeRawBufferPointer(rebasing: line[key.range])
        guard key.hasEscapes else { return F(name: raw) }
        var decoded: [UInt8] = []
        JSONString.decode(raw, into: &decoded)
        return decoded.withUnsafeBytes { F(name: $0) }
    }

    private mutating func read(
        _ field: Field, _ tape: borrowing JSONTape, _ index: Int, into run: inout AgentRun
    ) throws(RejectedLine) {
        let token = tape[index]
        switch field {
        case .traceID: run.recordedID = try text(token, field, &run).flatMap { $0.isEmpty ? nil : $0 }
        case .request: run.request = content(token, &run)
        case .response: run.response = content(token, &run)
        case .toolCalls: calls = try container(token, index, .array, field)
        case .toolResults: results = try container(token, index, .array, field)
        case .outcome:
            run.outcome = try text(token, field, &run)
            run.statesNoOutcome = token.kind == .null
        case .expectedOutcome: run.expectedOutcome = try text(token, field, &run)
        case .latency: run.latency = try number(token, field)
        case .costTokens: run.costTokens = try number(token, field)
        case .inputTokens: run.inputTokens = try wholeNumber(token, field)
        case .outputTokens: run.outputTokens = try wholeNumber(token, field)
        case .allowedTools: run.allowedTools = try texts(tape, index, field, &run)
        case .startTime: run.startTime = try time(token, field)
        case .agent: run.agent = try text(token, field, &run)
        case .version: run.version = try text(token, field, &run)
        case .conversationID: run.conversationID = try text(token, field, &run)
        case .model: run.model = try text(token, field, &run)
        case .tags: run.tags = tags(tape, index, &run)
        }
        if let id = run.recordedID, field == .traceID, run.storage[id.range].contains(0) {
            throw RejectedLine(
                reason: .nulInTraceID, column: token.range.lowerBound,
                detail: "a trace_id with a NUL cannot be hashed unambiguously")
        }
    }

    // MARK: tool calls

    private mutating func readCalls(_ tape: borrowing JSONTape, into run: inout AgentRun) throws(RejectedLine) {
        var index = calls.map { $0 + 1 } ?? 0
        let end = calls.map { tape[$0].next } ?? 0
        while index < end {
            guard run.toolCalls.count < RunDecoder.maximumCalls else {
                throw RejectedLine(
                    reason: .tooManyCalls, column: tape[index].rawRange.lowerBound + 1,
                    detail: "more than \(RunDecoder.maximumCalls) tool_calls")
            }
            run.toolCalls.append(try call(tape, index, &run))
            index = tape[index].next
        }
        guard let results else { return }
        var k = 0
        index = results + 1
        while index < tape[results].next {
            guard k < run.toolCalls.count else {
                throw RejectedLine(
                    reason: .surplusResults, column: tape[index].rawRange.lowerBound + 1,
                    detail: "more tool_results than the \(k) tool_calls")
            }
            if tape[index].kind != .null { run.toolCalls[k].result = try result(tape, index, &run) }
            k += 1
            index = tape[index].next
        }
    }

    private mutating func call(
        _ tape: borrowing JSONTape, _ index: Int, _ run: inout AgentRun
    ) throws(RejectedLine) -> ToolCall {
        let token = tape[index]
        if token.kind == .string { return ToolCall(name: stored(token, &run)) }
        guard token.kind == .object else { throw wrongType(token, "tool_calls", "objects or names") }
        var call = ToolCall()
        var field = index + 1
        while field < token.next {
            let value = tape[field + 1]
            switch lookUp(tape[field]) as CallField? {
            case .name: call.name = try text(value, "tool_calls[].name", &run)
            case .id: call.id = try text(value, "tool_calls[].id", &run)
            case .arguments: call.arguments = content(value, &run)
            case nil: break
            }
            field = value.next
        }
        if call.name == nil { oddities.insert(.unnamedTool) }
        return call
    }

    private mutating func result(
        _ tape: borrowing JSONTape, _ index: Int, _ run: inout AgentRun
    ) throws(RejectedLine) -> ToolResult {
        let token = tape[index]
        guard token.kind == .object else { throw wrongType(token, "tool_results", "objects") }
        var success: Bool?
        var result = ToolResult(success: true)
        var field = index + 1
        while field < token.next {
            let value = tape[field + 1]
            switch lookUp(tape[field]) as ResultField? {
            case .success:
                switch value.kind {
                case .true: success = true
                case .false: success = false
                case .null: success = nil
                default: throw wrongType(value, "tool_results[].success", "true or false")
                }
            case .result: result.content = content(value, &run)
            case .error: result.error = content(value, &run)
            case .duration: result.duration = try number(value, "tool_results[].duration_ms")
            case nil: break
            }
            field = value.next
        }
        // Without a word on success, an error text is the only sign of failure.
        result.success = success ?? (result.error.map { $0.form == .string && $0.text.isEmpty } ?? true)
        return result
    }

    // MARK: values

    private func container(
        _ token: JSONToken, _ index: Int, _ kind: JSONToken.Kind, _ field: Field
    ) throws(RejectedLine) -> Int? {
        if token.kind == .null { return nil }
        guard token.kind == kind else { throw wrongType(token, field.rawValue, "an \(kind)") }
        return index
    }

    /// Where the token's text, as it was written, stands in the run's storage.
    private func place(of token: JSONToken, _ run: inout AgentRun) -> Text {
        guard isStored else { return run.store(UnsafeRawBufferPointer(rebasing: line[token.range])) }
        return Text(start: Int32(truncatingIfNeeded: token.range.lowerBound), count: Int32(truncatingIfNeeded: token.range.count))
    }

    private mutating func stored(_ token: JSONToken, _ run: inout AgentRun) -> Text {
        guard token.hasEscapes else { return place(of: token, &run) }
        let raw = UnsafeRawBufferPointer(rebasing: line[token.range])
        var replaced = false
        let text = run.store { replaced = JSONString.decode(raw, into: &$0) }
        if replaced { oddities.insert(.loneSurrogate) }
        return text
    }

    private mutating func content(_ token: JSONToken, _ run: inout AgentRun) -> Content? {
        switch token.kind {
        case .null: nil
        case .string: Content(form: .string, text: stored(token, &run))
        default: Content(form: .json, text: place(of: token, &run))
        }
    }

    private mutating func text(_ token: JSONToken, _ field: Field, _ run: inout AgentRun) throws(RejectedLine) -> Text? {
        try text(token, field.rawValue, &run)
    }

    private mutating func text(
        _ token: JSONToken, _ name: @autoclosure () -> String, _ run: inout AgentRun
    ) throws(RejectedLine) -> Text? {
        switch token.kind {
        case .string: return stored(token, &run)
        case .null: return nil
        default: throw wrongType(token, name(), "a string")
        }
    }

    private mutating func texts(
        _ tape: borrowing JSONTape, _ index: Int, _ field: Field, _ run: inout AgentRun
    ) throws(RejectedLine) -> [Text]? {
        guard try container(tape[index], index, .array, field) != nil else { return nil }
        var texts: [Text] = []
        var item = index + 1
        while item < tape[index].next {
            guard tape[item].kind == .string else { throw wrongType(tape[item], field.rawValue, "strings") }
            texts.append(stored(tape[item], &run))
            item = tape[item].next
        }
        return texts
    }

    /// Tags sort runs and are no part of them: what is no list of strings is another tool's field of the same name.
    private mutating func tags(_ tape: borrowing JSONTape, _ index: Int, _ run: inout AgentRun) -> [Text] {
        guard tape[index].kind == .array else { return [] }
        var tags: [Text] = []
        var item = index + 1
        while item < tape[index].next {
            if tape[item].kind == .string { tags.append(stored(tape[item], &run)) }
            item = tape[item].next
        }
        return tags
    }

    private func number(_ token: JSONToken, _ field: Field) throws(RejectedLine) -> RecordedNumber? {
        try number(token, field.rawValue)
    }

    private func number(_ token: JSONToken, _ name: @autoclosure () -> String) throws(RejectedLine) -> RecordedNumber? {
        switch token.kind {
        case .number: return RecordedNumber(json: UnsafeRawBufferPointer(rebasing: line[token.range]))
        case .null: return nil
        default: throw wrongType(token, name(), "a number")
        }
    }

    private func wholeNumber(_ token: JSONToken, _ field: Field) throws(RejectedLine) -> Int64? {
        guard let number = try number(token, field) else { return nil }
        guard let whole = number.integer else { throw wrongType(token, field.rawValue, "a whole number of 64 bits") }
        return whole
    }

    private func time(_ token: JSONToken, _ field: Field) throws(RejectedLine) -> UInt64? {
        let text = UnsafeRawBufferPointer(rebasing: line[token.range])
        let time: UInt64?
        switch token.kind {
        case .null: return nil
        case .string where token.hasEscapes:
            var decoded: [UInt8] = []
            JSONString.decode(text, into: &decoded)
            time = Timestamp.rfc3339(decoded)
        case .string: time = Timestamp.rfc3339(text)
        case .number: time = Timestamp.unix(text)
        default: time = nil
        }
        guard let time else {
            throw wrongType(token, field.rawValue, "an RFC 3339 time, or Unix seconds or milliseconds, from 1970 to 2261")
        }
        return time
    }

    private func wrongType(_ token: JSONToken, _ field: String, _ wanted: String) -> RejectedLine {
        RejectedLine(
            reason: .wrongType, column: token.rawRange.lowerBound + 1,
            detail: "\(field) must be \(wanted), found \(token.kind)")
    }
}
