internal import AgentRuns
internal import Glibc
internal import JSONText

/// The reading of one object: its fields, one after the other.
struct FieldPass {
    /// What the cursor reads: a line, or the rest of one.
    let line: UnsafeRawBufferPointer
    /// Where it begins in the whole line.
    private(set) var start = 0
    /// Whether the run's storage begins with the line.
    let isStored: Bool
    /// Whether tool calls and results are read when all other fields were: only then it is known which of repeated ones count.
    let readsCallsLast: Bool
    var oddities: LineOddities = []
    private var seen = FieldSet()
    /// Where calls and results begin that are still to be read.
    private var callsLeft: Int?
    private var resultsLeft: Int?

    init(line: UnsafeRawBufferPointer, isStored: Bool, readsCallsLast: Bool) {
        self.line = line
        self.isStored = isStored
        self.readsCallsLast = readsCallsLast
    }

    /// For the rest of a line, behind the comma of a member, whose other fields the run has already.
    ///
    /// - Parameter end: what the line begins with, which the run's storage has.
    init(rest: UnsafeRawBufferPointer, behind end: LineOutline.End) {
        self.init(line: rest, isStored: true, readsCallsLast: false)
        start = end.comma + 1
        seen = end.seen
    }

    /// - Parameter outline: gets the ends of members behind which the run holds all that was read; nil where nobody wants it.
    mutating func read(_ cursor: inout JSONCursor, into run: inout AgentRun, outline: inout LineOutline?) throws(RejectedLine) {
        guard cursor.pass("{") else { throw Self.notJSON }
        if !cursor.pass("}") { try readMembers(&cursor, into: &run, outline: &outline) }
        guard cursor.isAtEnd else { throw Self.notJSON }
        if let callsLeft {
            cursor.position = callsLeft
            try readCalls(&cursor, &run)
        }
        if let resultsLeft {
            cursor.position = resultsLeft
            try readResults(&cursor, &run)
        }
    }

    /// Reads from a member's key to the end of the object.
    mutating func readMembers(_ cursor: inout JSONCursor, into run: inout AgentRun, outline: inout LineOutline?) throws(RejectedLine) {
        while true {
            guard let key = cursor.key() else { throw Self.notJSON }
            if let field: Field = lookUp(key) {
                if seen.contains(field) {
                    oddities.insert(.repeatedField)
                    if !readsCallsLast, field == .toolCalls || field == .toolResults { throw Self.notJSON }
                }
                seen.insert(field)
                try read(field, &cursor, into: &run)
            } else {
                _ = try value(&cursor, within: 1)
            }
            guard cursor.next == UInt8(ascii: ",") else { break }
            if outline != nil, callsLeft == nil, resultsLeft == nil { outline?.add(LineOutline.End(comma: cursor.nextOffset, seen: seen)) }
            _ = cursor.pass(",")
        }
        guard cursor.pass("}") else { throw Self.notJSON }
    }

    /// Whether there is something that is still to be read when all members were.
    var isOwing: Bool { callsLeft != nil || resultsLeft != nil }

    /// Stands for an error that the tape has better words for.
    static let notJSON = RejectedLine(reason: .invalidJSON, column: 0, detail: "not JSON")

    @inline(__always)
    private func lookUp<F: FieldName>(_ key: JSONToken) -> F? {
        let raw = UnsafeRawBufferPointer(rebasing: line[key.range])
        guard key.hasEscapes else { return KeyName(raw).flatMap { F($0) } }
        var decoded: [UInt8] = []
        JSONString.decode(raw, into: &decoded)
        return decoded.withUnsafeBytes { KeyName($0).flatMap { F($0) } }
    }

    @inline(__always)
    func value(_ cursor: inout JSONCursor, within depth: Int) throws(RejectedLine) -> JSONToken {
        guard let token = cursor.value(within: depth) else { throw Self.notJSON }
        return token
    }

    private mutating func read(
        _ field: Field, _ cursor: inout JSONCursor, into run: inout AgentRun
    ) throws(RejectedLine) {
        // As nearly all fields are: strings, and whole numbers.
        if field.isText, let token = cursor.plainString() { return take(place(of: token, &run), of: field, into: &run) }
        switch field {
        case .toolCalls: return try readOrLeaveCalls(&cursor, &run)
        case .toolResults: return try readOrLeaveResults(&cursor, &run)
        case .latency:
            if let whole = cursor.plainInteger() { return run.latency = .integer(whole) }
        case .costTokens:
            if let whole = cursor.plainInteger() { return run.costTokens = .integer(whole) }
        default: break
        }
        try readAny(field, &cursor, into: &run)
    }

    /// Takes the text of a string without escapes, in which no NUL can stand, for a field that ``Field/isText``.
    @inline(__always)
    private func take(_ text: Text, of field: Field, into run: inout AgentRun) {
        switch field {
        case .traceID: run.recordedID = text.isEmpty ? nil : text
        case .request: run.request = Content(form: .string, text: text)
        case .response: run.response = Content(form: .string, text: text)
        case .outcome:
            run.outcome = text
            run.statesNoOutcome = false
        case .expectedOutcome: run.expectedOutcome = text
        case .agent: run.agent = text
        case .version: run.version = text
        case .conversationID: run.conversationID = text
        case .model: run.model = text
        case .toolCalls, .toolResults, .latency, .costTokens, .inputTokens, .outputTokens, .allowedTools, .startTime, .tags: break
        }
    }

    @inline(never)
    private mutating func readAny(_ field: Field, _ cursor: inout JSONCursor, into run: inout AgentRun) throws(RejectedLine) {
        switch field {
        case .allowedTools: return run.allowedTools = try texts(&cursor, field, &run)
        case .tags: return run.tags = try tags(&cursor, &run)
        default: break
        }
        let token = try value(&cursor, within: 1)
        switch field {
        case .traceID:
            run.recordedID = try text(token, field, &run).flatMap { $0.isEmpty ? nil : $0 }
            if let id = run.recordedID, run.storage.hasZero(in: id.range) {
                throw RejectedLine(
                    reason: .nulInTraceID, column: token.range.lowerBound,
                    detail: "a trace_id with a NUL cannot be hashed unambiguously")
            }
        case .request: run.request = content(token, &run)
        case .response: run.response = content(token, &run)
        case .outcome:
            run.outcome = try text(token, field, &run)
            run.statesNoOutcome = token.kind == .null
        case .expectedOutcome: run.expectedOutcome = try text(token, field, &run)
        case .latency: run.latency = try number(token, field)
        case .costTokens: run.costTokens = try number(token, field)
        case .inputTokens: run.inputTokens = try wholeNumber(token, field)
        case .outputTokens: run.outputTokens = try wholeNumber(token, field)
        case .startTime: run.startTime = try time(token, field)
        case .agent: run.agent = try text(token, field, &run)
        case .version: run.version = try text(token, field, &run)
        case .conversationID: run.conversationID = try text(token, field, &run)
        case .model: run.model = try text(token, field, &run)
        case .toolCalls, .toolResults, .allowedTools, .tags: break
        }
    }

    // MARK: tool calls

    private mutating func readOrLeaveCalls(_ cursor: inout JSONCursor, _ run: inout AgentRun) throws(RejectedLine) {
        if !readsCallsLast, cursor.next == UInt8(ascii: "[") { return try readCalls(&cursor, &run) }
        let start = cursor.position
        callsLeft = try isList(&cursor, .toolCalls) ? start : nil
    }

    private mutating func readOrLeaveResults(_ cursor: inout JSONCursor, _ run: inout AgentRun) throws(RejectedLine) {
        if !readsCallsLast, seen.contains(.toolCalls), cursor.next == UInt8(ascii: "[") { return try readResults(&cursor, &run) }
        let start = cursor.position
        resultsLeft = try isList(&cursor, .toolResults) ? start : nil
    }

    /// Passes a value that must be an array or null.
    func isList(_ cursor: inout JSONCursor, _ field: Field) throws(RejectedLine) -> Bool {
        let token = try value(&cursor, within: 1)
        if token.kind == .null { return false }
        guard token.kind == .array else { throw wrongType(token, field.rawValue, "an array") }
        return true
    }

    private mutating func readCalls(_ cursor: inout JSONCursor, _ run: inout AgentRun) throws(RejectedLine) {
        guard cursor.pass("["), !cursor.pass("]") else { return }
        repeat {
            guard run.toolCalls.count < RunDecoder.maximumCalls else {
                throw RejectedLine(
                    reason: .tooManyCalls, column: try value(&cursor, within: 2).rawRange.lowerBound + 1,
                    detail: "more than \(RunDecoder.maximumCalls) tool_calls")
            }
            run.toolCalls.append(try call(&cursor, &run))
        } while cursor.pass(",")
        guard cursor.pass("]") else { throw Self.notJSON }
    }

    private mutating func readResults(_ cursor: inout JSONCursor, _ run: inout AgentRun) throws(RejectedLine) {
        guard cursor.pass("["), !cursor.pass("]") else { return }
        var k = 0
        repeat {
            guard k < run.toolCalls.count else {
                throw RejectedLine(
                    reason: .surplusResults, column: try value(&cursor, within: 2).rawRange.lowerBound + 1,
                    detail: "more tool_results than the \(k) tool_calls")
            }
            if let result = try result(&cursor, &run) { run.toolCalls[k].result = result }
            k += 1
        } while cursor.pass(",")
        guard cursor.pass("]") else { throw Self.notJSON }
    }

    private mutating func call(_ cursor: inout JSONCursor, _ run: inout AgentRun) throws(RejectedLine) -> ToolCall {
        guard cursor.pass("{") else {
            let token = try value(&cursor, within: 2)
            guard token.kind == .string else { throw wrongType(token, "tool_calls", "objects or names") }
            return ToolCall(name: stored(token, &run))
        }
        var call = ToolCall()
        if !cursor.pass("}") {
            repeat {
                guard let key = cursor.key() else { throw Self.notJSON }
                switch lookUp(key) as CallField? {
                case .name: call.name = try text(&cursor, "tool_calls[].name", &run)
                case .id: call.id = try text(&cursor, "tool_calls[].id", &run)
                case .arguments: call.arguments = content(try value(&cursor, within: 3), &run)
                case nil: _ = try value(&cursor, within: 3)
                }
            } while cursor.pass(",")
            guard cursor.pass("}") else { throw Self.notJSON }
        }
        if call.name == nil { oddities.insert(.unnamedTool) }
        return call
    }

    /// - Returns: nil where the list says null.
    private mutating func result(_ cursor: inout JSONCursor, _ run: inout AgentRun) throws(RejectedLine) -> ToolResult? {
        guard cursor.pass("{") else {
            let token = try value(&cursor, within: 2)
            guard token.kind == .null else { throw wrongType(token, "tool_results", "objects") }
            return nil
        }
        var success: Bool?
        var result = ToolResult(success: true)
        if !cursor.pass("}") {
            repeat {
                guard let key = cursor.key() else { throw Self.notJSON }
                let field: ResultField? = lookUp(key)
                if field == .success, cursor.passTrue() {
                    success = true
                    continue
                }
                let value = try value(&cursor, within: 3)
                switch field {
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
            } while cursor.pass(",")
            guard cursor.pass("}") else { throw Self.notJSON }
        }
        // Without a word on success, an error text is the only sign of failure.
        result.success = success ?? (result.error.map { $0.form == .string && $0.text.isEmpty } ?? true)
        return result
    }
}

extension [UInt8] {
    fileprivate func hasZero(in range: Range<Int>) -> Bool {
        withUnsafeBytes { bytes in
            UnsafeRawBufferPointer(rebasing: bytes[range]).baseAddress.map { memchr($0, 0, range.count) != nil } ?? false
        }
    }
}
