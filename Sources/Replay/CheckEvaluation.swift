internal import AgentRuns
internal import JSONDocuments

/// What a check says of a run.
enum CheckOutcome {
    case judged(CheckResult)
    /// Nothing: what it is about did not happen.
    case notApplied
    /// Nothing: the run does not say what it is about, such as a response.
    case untold(CheckResult)
    /// Nothing: its evaluator failed, which is no fault of the run's.
    case unscored(CheckResult)
}

extension RunCheck {
    /// Looks whether the condition holds for the run.
    ///
    /// - Parameter scores: what the evaluators said of the run.
    func evaluate(_ run: borrowing AgentRun, scores: [EvaluatorName: EvaluatorScore]) -> CheckOutcome {
        switch condition {
        case .arguments(let tool, let schema): arguments(of: tool, schema, run).map { .judged($0) } ?? .notApplied
        case .evaluator(let name, let minimum): evaluation(name, scores[name], minimum, run)
        default: untold(by: run).map { .untold(result(false, $0)) } ?? .judged(result(of: run))
        }
    }

    /// What the run does not say although the condition is about it, where silence would otherwise pass: a run that answers
    /// nothing lacks every word.
    private func untold(by run: borrowing AgentRun) -> String? {
        switch condition {
        case .responseLacks: run.hasWords ? nil : "the run has no response"
        case .forbiddenTools, .callBudget:
            run.saysNothing ? "the run has neither tool calls nor a response nor an outcome" : nil
        case .timeBudget(let tool, let milliseconds):
            if run.saysNothing {
                "the run has neither tool calls nor a response nor an outcome"
            } else {
                untimedCalls(of: tool, in: run, within: milliseconds)
            }
        default: nil
        }
    }

    /// - Returns: nil where all calls say their time, or those that do took too long already.
    private func untimedCalls(of tool: String?, in run: borrowing AgentRun, within milliseconds: Double) -> String? {
        let count = run.untimedCalls(of: tool)
        guard count > 0, run.toolTime(of: tool) <= milliseconds else { return nil }
        return "\(Numbers.count(count, "call")) of \(tool ?? "all tools") "
            + (count == 1 ? "does not say how long it took" : "do not say how long they took")
    }

    /// For the conditions that say something of every run.
    private func result(of run: borrowing AgentRun) -> CheckResult {
        switch condition {
        case .responseContains(let text, let ignoringCase):
            guard run.response != nil else { return result(false, "there is no response") }
            let found = run.responseHas(text, ignoringCase: ignoringCase)
            return result(found, "response \(found ? "contains" : "does not contain") \(quoted(text))")
        case .responseLacks(let text, let ignoringCase):
            let found = run.responseHas(text, ignoringCase: ignoringCase)
            return result(!found, "response \(found ? "contains" : "does not contain") \(quoted(text))")
        case .responseMatches(let pattern, let source):
            guard run.response != nil else { return result(false, "there is no response") }
            return match(pattern, source, run.responseTexts)
        case .responseEquals(let expected):
            return equality(run.responseDocument, expected)
        case .responsePath(let path, let expected):
            return self.path(path, expected, in: run.responseDocument)
        case .responseLength(let range):
            guard let length = run.responseLength else { return result(false, "there is no response") }
            let wanted = range.upperBound == .max ? "at least \(range.lowerBound)" : "\(range.lowerBound) to \(range.upperBound)"
            return result(range.contains(length), "response has \(Numbers.count(length, "character")), wanted \(wanted)")
        case .requiredTools(let tools):
            let missing = tools.filter { tool in !run.toolCalls.contains { run.isCalled(tool, $0) } }
            return result(missing.isEmpty, missing.isEmpty ? "all required tools were called" : "never called: \(missing.joined(separator: ", "))")
        case .forbiddenTools(let tools):
            // A call that does not say of what it is may be of any.
            let call = run.toolCalls.firstIndex { call in call.name == nil || tools.contains { run.isCalled($0, call) } }
            let evidence = call.map { i in
                run.toolCalls[i].name == nil ? "call \(i + 1) names no tool" : "call \(i + 1) is of the forbidden tool \(run.toolName(i))"
            }
            return result(call == nil, evidence ?? "no forbidden tool was called", call: call)
        case .callBudget(let tool, let maximum):
            let count = run.toolCalls.count { call in tool.map { run.isCalled($0, call) } ?? true }
            return result(
                count <= maximum,
                "\(Numbers.count(count, "call")) of \(tool ?? "all tools"), at most \(maximum) \(maximum == 1 ? "is" : "are") allowed")
        case .timeBudget(let tool, let milliseconds):
            let time = run.toolTime(of: tool)
            return result(
                time <= milliseconds,
                "calls of \(tool ?? "all tools") took \(Numbers.milliseconds(time)), at most \(Numbers.milliseconds(milliseconds)) are allowed")
        case .arguments, .evaluator:
            // Answered by `evaluate`, since these do not speak of every run.
            return result(true, "not applied")
        }
    }

    private func result(_ passed: Bool, _ evidence: String, call: Int? = nil, score: Double? = nil) -> CheckResult {
        CheckResult(name: name, passed: passed, evidence: evidence, call: call, score: score)
    }

    private func match(_ pattern: LinearPattern, _ source: String, _ texts: [String]) -> CheckResult {
        var isUnsearched = false
        for text in texts {
            switch pattern.match(text) {
            case .match: return result(true, "response matches /\(source)/")
            case .noMatch: break
            case .tooMuchWork: isUnsearched = true
            }
        }
        return result(false, isUnsearched ? "response is too long to be searched for /\(source)/" : "response does not match /\(source)/")
    }

    private func equality(_ response: JSONDocument?, _ expected: JSONDocument) -> CheckResult {
        guard let response else { return result(false, "there is no response") }
        if response == expected { return result(true, "response is as expected") }
        let diff = JSONDiff(from: expected, to: response, limit: 5)
        let first = diff.changes.first.map { change in
            " at \(change.pointer.tokens.isEmpty ? "its root" : change.pointer.description): found "
                + "\(change.new.map { quoted($0.text) } ?? "nothing"), expected \(change.old.map { quoted($0.text) } ?? "nothing")"
        }
        return result(false, "response differs from what is expected\(first ?? "")")
    }

    private func path(_ path: JSONPath, _ expected: JSONDocument?, in response: JSONDocument?) -> CheckResult {
        guard let response else { return self.result(false, "there is no response") }
        let result = path.find(in: response)
        let found = result.nodes
        // What was not looked at may be what is wrong.
        guard !result.isCut else { return self.result(false, "\(path) finds more in the response than is looked at") }
        guard let expected else {
            return self.result(
                !found.isEmpty, "\(path) finds \(found.isEmpty ? "nothing in the response" : Numbers.count(found.count, "value"))")
        }
        let matches = !found.isEmpty && found.allSatisfy { $0.value == expected }
        let shown = found.first.map { quoted($0.value.text) } ?? "nothing"
        return self.result(matches, "\(path) finds \(shown), expected \(quoted(expected.text))")
    }

    /// - Returns: nil when the tool was not called: what never happens proves nothing.
    private func arguments(of tool: String, _ schema: JSONSchema, _ run: borrowing AgentRun) -> CheckResult? {
        var count = 0
        for i in run.toolCalls.indices where run.isCalled(tool, run.toolCalls[i]) {
            count += 1
            guard let document = try? JSONDocument(parsing: run.canonicalArguments(of: run.toolCalls[i])) else {
                return result(false, "call \(i + 1): the arguments of \(tool) are not JSON", call: i)
            }
            if let violation = schema.validate(document).first {
                return result(false, "call \(i + 1): arguments of \(tool) at \(violation.instancePath.isEmpty ? "the root" : violation.instancePath): \(violation.message)", call: i)
            }
        }
        return count == 0 ? nil : result(true, "\(Numbers.count(count, "call")) of \(tool) \(count == 1 ? "has" : "have") valid arguments")
    }

    private func evaluation(
        _ name: EvaluatorName, _ score: EvaluatorScore?, _ minimum: Double, _ run: borrowing AgentRun
    ) -> CheckOutcome {
        guard let value = score?.score, let score else {
            // It stands among the findings of the gate too, where nothing else says whose it is.
            let trace = run.recordedID.map { "trace \(run.string($0))" } ?? "a trace without trace_id"
            let problem = score.map { "failed: \($0.explanation)" } ?? "gave no score"
            return .unscored(result(false, "evaluator \(name.name), \(trace): \(problem)"))
        }
        let words = score.explanation.isEmpty ? "" : ": \(score.explanation)"
        return .judged(result(value >= minimum, "score \(value), at least \(minimum) is wanted\(words)", score: value))
    }

    private func quoted(_ text: String) -> String { text.count > 80 ? "“\(text.prefix(79))…”" : "“\(text)”" }
}

extension AgentRun {
    fileprivate func responseHas(_ words: String, ignoringCase: Bool) -> Bool {
        let search = WordSearch(words, ignoringCase: ignoringCase)
        return responseTexts.contains { search.isFound(in: $0) }
    }

    /// Characters (Unicode scalars) of the response; JSON counts in its canonical form, whatever its spaces and escapes.
    var responseLength: Int? {
        guard let response else { return nil }
        if response.form == .string { return string(response.text).unicodeScalars.count }
        return String(decoding: canonicalBytes(of: response), as: UTF8.self).unicodeScalars.count
    }

    /// Whether it has a response that is more than an empty text.
    fileprivate var hasWords: Bool {
        guard let response else { return false }
        return response.form == .json || storage[response.text.range].contains { $0 > 0x20 }
    }

    /// Whether nothing shows that the agent did anything at all.
    fileprivate var saysNothing: Bool { toolCalls.isEmpty && response == nil && outcome == nil }

    /// Milliseconds that calls of the tool took, or of all tools; a negative time is none.
    fileprivate func toolTime(of tool: String?) -> Double {
        toolCalls.filter { call in tool.map { isCalled($0, call) } ?? true }
            .reduce(0) { $0 + max(0, $1.result?.duration?.double ?? 0) }
    }

    /// Calls of the tool, or of all tools, that state no time that can be one.
    fileprivate func untimedCalls(of tool: String?) -> Int {
        toolCalls.count { call in
            (tool.map { isCalled($0, call) } ?? true) && !(call.result?.duration.map { $0.double >= 0 } ?? false)
        }
    }

    /// The response as JSON: a string that holds an object or array counts as that.
    var responseDocument: JSONDocument? {
        guard let response else { return nil }
        return try? JSONDocument(parsing: canonicalBytes(of: response))
    }

    func isCalled(_ tool: String, _ call: ToolCall) -> Bool {
        call.name.map { storage[$0.range].elementsEqual(tool.utf8) } ?? false
    }

    /// The name of the tool of call `i`, for people.
    func toolName(_ i: Int) -> String { toolCalls[i].name.map { string($0) } ?? "(unnamed)" }
}
