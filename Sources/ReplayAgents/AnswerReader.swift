internal import AgentRuns
internal import JSONText
internal import Replay

/// What an agent answered.
struct AgentAnswer {
    /// The fields of the answer; those that an agent does not know are from the trace.
    var run: AgentRun
    /// Whether the answer says which tools were called.
    var listsCalls = false
}

/// Reads an agent's answer. See Fixtures/schemas/agent-protocol.schema.json.
///
/// A field of the wrong type makes the whole answer a ``RunProblem/Kind/badAnswer``, never a guess; unknown fields are
/// ignored, so that agents may say more than we ask. A field that is there twice makes a bad answer too, behind escapes or not.
struct AnswerReader {
    /// Longer answers are cut off.
    static let maximumBytes = 16 << 20
    /// Deeper nesting is refused.
    static let maximumDepth = 512

    /// The run's id in the answer: on standard streams it says whose answer it is, over HTTP the connection does.
    enum RunIDRule {
        case optional, required
    }

    private let text: UnsafeRawBufferPointer
    private var run: AgentRun

    /// - Throws: ``RunProblem``: a bad answer that names the field, or an agent error with what the agent says.
    static func read(_ bytes: [UInt8], for task: ReplayTask, runID: RunIDRule = .optional) throws(RunProblem) -> AgentAnswer {
        let result: Result<AgentAnswer, RunProblem> = bytes.withUnsafeBytes { text in
            do throws(RunProblem) {
                var tape = JSONTape(maximumDepth: maximumDepth)
                do throws(JSONError) {
                    try tape.parse(text)
                } catch {
                    throw RunProblem(
                        .badAnswer, "not JSON: \(error.problem.rawValue) at byte \(error.offset) of \(text.count): "
                            + Excerpt.text(text.dropFirst(max(0, error.offset - 20)), limit: 60))
                }
                var reader = AnswerReader(text: text, run: task.emptyRun)
                return .success(try reader.read(tape, task, runID))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private mutating func read(
        _ tape: borrowing JSONTape, _ task: ReplayTask, _ rule: RunIDRule
    ) throws(RunProblem) -> AgentAnswer {
        guard tape[0].kind == .object else { throw bad("the answer must be an object, found \(tape[0].kind)") }
        let fields = try members(tape, 0, of: "the answer")
        if let id = try string(tape, fields["run_id"], "run_id") {
            guard id == task.runID else { throw bad("run_id is \(Excerpt.text(id)), not that of the run") }
        } else if rule == .required {
            throw bad("run_id is missing")
        }
        if let error = fields["error"], tape[error].kind != .null {
            throw RunProblem(.agentError, "the agent says: \(words(tape, error))")
        }
        guard let response = fields["response"] else { throw bad("response is missing (null stands for none)") }
        run.response = content(tape, response)
        run.outcome = try storedString(tape, fields["outcome"], "outcome")
        run.statesNoOutcome = fields["outcome"].map { tape[$0].kind == .null } ?? false
        run.latency = try number(tape, fields["latency_ms"], "latency_ms")
        run.costTokens = try number(tape, fields["cost_tokens"], "cost_tokens")
        run.inputTokens = try count(tape, fields["input_tokens"], "input_tokens")
        run.outputTokens = try count(tape, fields["output_tokens"], "output_tokens")
        run.model = try storedString(tape, fields["model"], "model")
        if let version = try storedString(tape, fields["version"], "version") { run.version = version }
        let listsCalls = try readCalls(tape, fields["tool_calls"])
        return AgentAnswer(run: run, listsCalls: listsCalls)
    }

    // MARK: tool calls

    private mutating func readCalls(_ tape: borrowing JSONTape, _ place: Int?) throws(RunProblem) -> Bool {
        guard let place, tape[place].kind != .null else { return false }
        guard tape[place].kind == .array else { throw wrongType(tape, place, "tool_calls", "an array") }
        var index = place + 1
        while index < tape[place].next {
            guard run.toolCalls.count < ToolSession.maximumCalls else {
                throw bad("tool_calls has more than \(ToolSession.maximumCalls) elements")
            }
            run.toolCalls.append(try call(tape, index, "tool_calls[\(run.toolCalls.count)]"))
            index = tape[index].next
        }
        return true
    }

    private mutating func call(_ tape: borrowing JSONTape, _ place: Int, _ path: String) throws(RunProblem) -> ToolCall {
        if tape[place].kind == .string { return ToolCall(name: try storedString(tape, place, path)) }
        guard tape[place].kind == .object else { throw wrongType(tape, place, path, "an object or a name") }
        let fields = try members(tape, place, of: path)
        guard let name = try storedString(tape, fields["name"], path + ".name") else { throw bad("\(path).name is missing") }
        var call = ToolCall(name: name, id: try storedString(tape, fields["id"], path + ".id"))
        call.arguments = fields["args"].flatMap { content(tape, $0) }
        guard ["result", "error", "success"].contains(where: { fields[$0] != nil }) else { return call }
        let error = fields["error"].flatMap { content(tape, $0) }
        call.result = ToolResult(
            success: try bool(tape, fields["success"], path + ".success") ?? (error == nil),
            content: fields["result"].flatMap { content(tape, $0) }, error: error,
            duration: try number(tape, fields["duration_ms"], path + ".duration_ms"))
        return call
    }

    // MARK: values

    /// The places of an object's values by their names.
    ///
    /// - Throws: ``RunProblem`` for a name that is there twice: which of the two was meant, nobody can say.
    private func members(_ tape: borrowing JSONTape, _ object: Int, of path: String) throws(RunProblem) -> [String: Int] {
        var members: [String: Int] = [:]
        var index = object + 1
        while index < tape[object].next {
            let name = decoded(tape[index])
            guard members.updateValue(index + 1, forKey: name) == nil else { throw bad("\(Excerpt.text(name)) is there twice in \(path)") }
            index = tape[index + 1].next
        }
        return members
    }

    private func decoded(_ token: JSONToken) -> String {
        let raw = UnsafeRawBufferPointer(rebasing: text[token.range])
        guard token.hasEscapes else { return String(decoding: raw, as: UTF8.self) }
        var bytes: [UInt8] = []
        JSONString.decode(raw, into: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    private mutating func content(_ tape: borrowing JSONTape, _ place: Int) -> Content? {
        let token = tape[place]
        switch token.kind {
        case .null: return nil
        case .string: return Content(form: .string, text: store(token))
        default: return Content(form: .json, text: run.store(UnsafeRawBufferPointer(rebasing: text[token.range])))
        }
    }

    private mutating func store(_ token: JSONToken) -> Text {
        let raw = UnsafeRawBufferPointer(rebasing: text[token.range])
        guard token.hasEscapes else { return run.store(raw) }
        return run.store { _ = JSONString.decode(raw, into: &$0) }
    }

    private func string(_ tape: borrowing JSONTape, _ place: Int?, _ field: String) throws(RunProblem) -> String? {
        guard let place, tape[place].kind != .null else { return nil }
        guard tape[place].kind == .string else { throw wrongType(tape, place, field, "a string") }
        return decoded(tape[place])
    }

    private mutating func storedString(
        _ tape: borrowing JSONTape, _ place: Int?, _ field: String
    ) throws(RunProblem) -> Text? {
        guard let place, tape[place].kind != .null else { return nil }
        guard tape[place].kind == .string else { throw wrongType(tape, place, field, "a string") }
        return store(tape[place])
    }

    private func bool(_ tape: borrowing JSONTape, _ place: Int?, _ field: String) throws(RunProblem) -> Bool? {
        guard let place, tape[place].kind != .null else { return nil }
        switch tape[place].kind {
        case .true: return true
        case .false: return false
        default: throw wrongType(tape, place, field, "true or false")
        }
    }

    /// A number that measures something: not negative, and one that a double can hold.
    private func number(_ tape: borrowing JSONTape, _ place: Int?, _ field: String) throws(RunProblem) -> RecordedNumber? {
        guard let place, tape[place].kind != .null else { return nil }
        guard tape[place].kind == .number else { throw wrongType(tape, place, field, "a number") }
        let digits = decoded(tape[place])
        if let whole = Int64(digits) {
            guard whole >= 0 else { throw bad("\(field) is negative") }
            return .integer(whole)
        }
        guard let real = Double(digits), real.isFinite else { throw bad("\(field) is out of range") }
        guard real >= 0 else { throw bad("\(field) is negative") }
        return .real(real)
    }

    private func count(_ tape: borrowing JSONTape, _ place: Int?, _ field: String) throws(RunProblem) -> Int64? {
        guard let number = try number(tape, place, field) else { return nil }
        guard let whole = number.integer else { throw bad("\(field) must be a whole number of 64 bits") }
        return whole
    }

    private func words(_ tape: borrowing JSONTape, _ place: Int) -> String {
        let token = tape[place]
        return Excerpt.text(token.kind == .string ? decoded(token) : String(decoding: text[token.range], as: UTF8.self), limit: 400)
    }

    private func bad(_ problem: String) -> RunProblem { RunProblem(.badAnswer, problem) }

    private func wrongType(_ tape: borrowing JSONTape, _ place: Int, _ field: String, _ wanted: String) -> RunProblem {
        bad("\(field) must be \(wanted), found \(tape[place].kind)")
    }
}
