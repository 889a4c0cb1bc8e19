public import AgentRuns
internal import JSONDocuments
public import RunSpans

/// What reports tell of one trace, in words that need nothing else.
public struct RunDetail: Sendable {
    /// The recorded id; nil where the recording has none.
    public var traceID: String?
    /// Line of the trace in its file, counted from 1.
    public var line: Int
    /// Which repetition of the trace it is, counted from 0.
    public var repetition: Int
    public var passed: Bool
    /// Stable names of why it failed; empty when it passed.
    public var reasons: [String]
    public var request: String
    public var baseline: Arm
    public var candidate: Arm
    public var toolChanges: [Change]

    /// What there is to say of a trace.
    public enum Kind: Sendable {
        case failed
        /// The candidate's run passed, with other tool calls than the baseline's.
        case passedWithChanges
        case passed

        public init(_ verdict: borrowing PairVerdict) {
            self = !verdict.passed ? .failed : verdict.toolChanges.isEmpty ? .passed : .passedWithChanges
        }
    }

    /// One arm's run.
    public struct Arm: Sendable {
        public var passed = true
        public var reasons: [String] = []
        /// What kept the run from being compared, in words.
        public var problem: String?
        public var outcome: String?
        /// What the outcome should have been; nil where it is that, or was not judged.
        public var expectedOutcome: String?
        /// Milliseconds.
        public var latency: Double?
        public var costTokens: Double?
        public var response: String?
        public var calls: [Call] = []
        public var checks: [CheckResult] = []
        public var tools: ToolAnswers?
        public var loop: CallLoop?
        /// Hex ids of the run's trace and its `agent.run` span; nil where nothing is exported.
        public var traceID: String?
        public var spanID: String?

        public init() {}
    }

    /// A tool call.
    public struct Call: Hashable, Sendable {
        public var name: String
        /// JSON.
        public var arguments: String?
        /// nil where there was no result.
        public var success: Bool?
    }

    /// A difference between the arms' tool calls.
    public struct Change: Sendable {
        public var kind: String
        public var baselineIndex: Int?
        public var candidateIndex: Int?
        /// The baseline's tool, or the candidate's where the baseline made no such call.
        public var tool: String
        /// For wrong tools, what the candidate called.
        public var candidateTool: String?
        /// For wrong arguments: what differs, as JSON Pointers with both values as JSON; nil where a side has none.
        public var arguments: [(path: String, baseline: String?, candidate: String?)]
        /// Differences in the arguments beyond those listed.
        public var omitted: Int
    }

    /// Text longer than this many characters is cut in reports.
    static let maximumText = 4000
}

extension RunDetail {
    /// Whether the detail of a pair that is not exported says that both runs passed, what they state, and no more: then it need
    /// not be made for a report that shows nothing else of a run.
    public static func isPlainPass(
        _ verdict: borrowing PairVerdict, baseline: borrowing ArmRun, candidate: borrowing ArmRun
    ) -> Bool {
        verdict.passed && verdict.baseline.passed && verdict.toolChanges.isEmpty
            && verdict.candidate.checks.isEmpty && verdict.baseline.checks.isEmpty
            && verdict.candidate.loop == nil && verdict.baseline.loop == nil
            && candidate.problem == nil && baseline.problem == nil && candidate.tools == nil && baseline.tools == nil
    }

    /// - Parameters:
    ///   - content: whether to tell what was said and called.
    ///   - changes: whether to tell how the tool calls differ.
    ///   - redactor: takes secrets out of it first.
    public init(
        _ verdict: borrowing PairVerdict, trace: borrowing AgentRun, place: PairPlace, baseline: borrowing ArmRun,
        candidate: borrowing ArmRun, ids: ArmIDs?, content: Bool, changes: Bool, redactor: TextRedactor
    ) {
        traceID = trace.recordedID.map { trace.string($0) }
        line = place.line
        repetition = place.repetition
        passed = verdict.passed
        reasons = verdict.candidate.reasons.map(\.name)
        request = content ? trace.request.map { redactor.shown(trace.string($0.text), limit: Self.maximumText) } ?? "" : ""
        self.baseline = Arm(verdict.baseline, baseline, of: trace, content: content, redactor)
        self.candidate = Arm(verdict.candidate, candidate, of: trace, content: content, redactor)
        if let ids {
            self.baseline.traceID = ids.baseline.trace.hex
            self.baseline.spanID = ids.baseline.span.hex
            self.candidate.traceID = ids.candidate.trace.hex
            self.candidate.spanID = ids.candidate.span.hex
        }
        toolChanges = []
        guard changes else { return }
        for change in verdict.toolChanges { toolChanges.append(Change(change, baseline.run, candidate.run, redactor)) }
    }
}

/// Where the runs of both arms stand among the exported spans.
public struct ArmIDs: Hashable, Sendable {
    public var baseline: (trace: TraceID, span: SpanID) {
        get { (baselineTrace, baselineSpan) }
        set { (baselineTrace, baselineSpan) = newValue }
    }
    public var candidate: (trace: TraceID, span: SpanID) {
        get { (candidateTrace, candidateSpan) }
        set { (candidateTrace, candidateSpan) = newValue }
    }
    private var baselineTrace: TraceID
    private var baselineSpan: SpanID
    private var candidateTrace: TraceID
    private var candidateSpan: SpanID

    public init(baseline: (trace: TraceID, span: SpanID), candidate: (trace: TraceID, span: SpanID)) {
        (baselineTrace, baselineSpan) = baseline
        (candidateTrace, candidateSpan) = candidate
    }
}

extension RunDetail.Arm {
    init(
        _ verdict: borrowing ArmVerdict, _ arm: borrowing ArmRun, of trace: borrowing AgentRun, content: Bool, _ redactor: TextRedactor
    ) {
        self.init()
        passed = verdict.passed
        reasons = verdict.reasons.map(\.name)
        problem = (arm.problem?.detail).map { redactor.shown($0, limit: TextRedactor.maximumLookedAt) }
        checks = verdict.checks
        for i in checks.indices { checks[i].evidence = redactor.shown(checks[i].evidence, limit: TextRedactor.maximumLookedAt) }
        loop = verdict.loop
        tools = arm.tools
        let run = arm.run
        outcome = run.outcome.map { run.string($0) }
        if verdict.reasons.contains(.outcome) { expectedOutcome = trace.expectedOutcome.map { trace.string($0) } ?? "success" }
        latency = run.latency?.double
        costTokens = run.costTokens?.double
        guard content else { return }
        response = run.response.map { redactor.shown(run.string($0.text), limit: RunDetail.maximumText) }
        calls = run.toolCalls.prefix(200).indices.map { i in
            RunDetail.Call(
                name: run.toolName(i),
                arguments: run.toolCalls[i].arguments.map { redactor.shown(run.string($0.text), limit: RunDetail.maximumText) },
                success: run.toolCalls[i].result?.success)
        }
    }
}

extension RunDetail.Change {
    init(
        _ change: ToolCallChange, _ baseline: borrowing AgentRun, _ candidate: borrowing AgentRun, _ redactor: TextRedactor
    ) {
        kind = change.kind.rawValue
        baselineIndex = change.baselineIndex
        candidateIndex = change.candidateIndex
        tool = ""
        if let i = change.baselineIndex {
            tool = baseline.toolName(i)
        } else if let j = change.candidateIndex {
            tool = candidate.toolName(j)
        }
        if change.kind == .wrongTool, let j = change.candidateIndex { candidateTool = candidate.toolName(j) }
        arguments = change.arguments?.changes.map {
            let key = $0.pointer.tokens.last
            return (
                redactor.shown($0.pointer.description, limit: TextRedactor.maximumLookedAt), ($0.old?.text).map { redactor.shown(json: $0, key: key, limit: 200) },
                ($0.new?.text).map { redactor.shown(json: $0, key: key, limit: 200) })
        } ?? []
        omitted = change.arguments?.omitted ?? 0
    }
}

extension String {
    /// At most `limit` characters, with a sign that there were more.
    func cut(_ limit: Int) -> String { utf8.count > limit && count > limit ? prefix(limit) + "…" : self }
}
