public import AgentRuns
public import JSONDocuments

/// Something that must be true of a run, beyond the rules that hold for every replay.
public struct RunCheck: Sendable {
    public var name: String
    public var condition: Condition
    /// The runs that it is about.
    public var slice: TraceSlice

    public init(name: String, condition: Condition, slice: TraceSlice = TraceSlice()) {
        self.name = name
        self.condition = condition
        self.slice = slice
    }

    /// Tools that the condition names.
    public var tools: [String] {
        switch condition {
        case .requiredTools(let tools), .forbiddenTools(let tools): tools
        case .arguments(let tool, _): [tool]
        case .callBudget(let tool, _), .timeBudget(let tool, _): tool.map { [$0] } ?? []
        default: []
        }
    }

    public enum Condition: Sendable {
        case responseContains(String, ignoringCase: Bool)
        case responseLacks(String, ignoringCase: Bool)
        /// The pattern, as it was written, is found somewhere in the response.
        case responseMatches(LinearPattern, source: String)
        /// Equal as JSON, or as text where the response is a string.
        case responseEquals(JSONDocument)
        /// What the path finds in the response: something, or something equal to the value.
        case responsePath(JSONPath, equals: JSONDocument?)
        /// Characters (Unicode scalars) of the response.
        case responseLength(ClosedRange<Int>)
        /// All of these tools must be called.
        case requiredTools([String])
        /// None of these tools may be called.
        case forbiddenTools([String])
        /// The arguments of every call of the tool must be valid.
        case arguments(tool: String, schema: JSONSchema)
        /// Calls of the tool at most; nil counts all tools.
        case callBudget(tool: String?, maximum: Int)
        /// Milliseconds that the calls of the tool may take in all.
        case timeBudget(tool: String?, milliseconds: Double)
        /// A score that an evaluator gave must be at least this.
        case evaluator(EvaluatorName, minimum: Double)
    }
}

/// The name of an evaluator that the gate file defines.
public struct EvaluatorName: Hashable, Sendable {
    public var name: String
    public init(_ name: String) { self.name = name }
}

/// What an evaluator said of one run.
public struct EvaluatorScore: Hashable, Sendable {
    /// nil when the evaluator failed.
    public var score: Double?
    public var explanation: String

    public init(score: Double?, explanation: String = "") {
        self.score = score
        self.explanation = explanation
    }
}

/// What came of one check on one run.
public struct CheckResult: Hashable, Sendable {
    public var name: String
    public var passed: Bool
    /// What was found, in words, with the place in the run.
    public var evidence: String
    /// Place of the tool call that it is about; nil for the run as a whole.
    public var call: Int?
    public var score: Double?

    public init(name: String, passed: Bool, evidence: String, call: Int? = nil, score: Double? = nil) {
        self.name = name
        self.passed = passed
        self.evidence = evidence
        self.call = call
        self.score = score
    }
}

/// Some of the traces, by what they say of themselves. An empty list allows everything.
public struct TraceSlice: Hashable, Sendable {
    /// Words of the trace's `tags`.
    public var tags: [String] = []
    public var agents: [String] = []
    public var models: [String] = []
    /// Tools of which the recording calls at least one.
    public var tools: [String] = []
    public var expectedOutcomes: [String] = []

    public init() {}

    public func contains(_ trace: borrowing AgentRun) -> Bool {
        if self == TraceSlice() { return true }
        return trace.isOneOf(agents, trace.agent) && trace.isOneOf(models, trace.model)
            && trace.isOneOf(expectedOutcomes, trace.expectedOutcome)
            && (tags.isEmpty || trace.tags.contains { trace.isOneOf(tags, $0) })
            && (tools.isEmpty || trace.toolCalls.contains { trace.isOneOf(tools, $0.name) })
    }
}

extension AgentRun {
    fileprivate borrowing func isOneOf(_ words: [String], _ text: Text?) -> Bool {
        if words.isEmpty { return true }
        guard let text else { return false }
        return words.contains { storage[text.range].elementsEqual($0.utf8) }
    }
}
