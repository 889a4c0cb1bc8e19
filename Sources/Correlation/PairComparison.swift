internal import AgentRuns
internal import JSONDocuments
internal import Replay
public import RunStore

/// Two arms' runs of one request or one trace beside each other: in what they differ.
public struct PairComparison: Sendable {
    /// nil where it is not in the store, any more or at all.
    public var baseline: StoredRun?
    public var candidate: StoredRun
    /// In what they differ, in this order; empty when nothing that both tell differs, or there is no baseline.
    public private(set) var differences: [Difference] = []
    /// The candidate's tool calls against the baseline's, as in a replay.
    public private(set) var toolChanges: [ToolChange] = []

    /// What can differ; stable names.
    public enum Difference: String, CaseIterable, Sendable {
        /// One failed, or each for another reason.
        case error
        case status
        case outcome
        case toolCalls = "tool_calls"
        case response
    }

    /// One difference of the tool calls.
    public struct ToolChange: Hashable, Sendable {
        /// As in the reports of a replay, such as `wrong_arguments`.
        public var kind: String
        /// Places among the calls, from 0; nil where that arm has no such call.
        public var baselineIndex: Int?
        public var candidateIndex: Int?
        /// For wrong arguments that were kept: JSON Pointers with both values as JSON; nil where a side has none.
        public var arguments: [ArgumentChange] = []
    }

    public struct ArgumentChange: Hashable, Sendable {
        public var path: String
        public var baseline: String?
        public var candidate: String?
    }

    public init(_ pair: RunStoreReader.Pair) { self.init(baseline: pair.baseline, candidate: pair.candidate) }

    public init(baseline: StoredRun?, candidate: StoredRun) {
        self.baseline = baseline
        self.candidate = candidate
        guard let baseline else { return }
        toolChanges = Self.changes(baseline, candidate)
        differences = Difference.allCases.filter { difference in
            switch difference {
            case .error: baseline.errorType != candidate.errorType
            case .status: baseline.status != nil && candidate.status != nil && baseline.status != candidate.status
            // An arm that failed on its way says no outcome: that it failed is told already.
            case .outcome:
                baseline.outcome != candidate.outcome && baseline.errorType == nil && candidate.errorType == nil
                    && (baseline.outcome != nil || candidate.outcome != nil)
            case .toolCalls: !toolChanges.isEmpty
            case .response:
                baseline.responseDigest != nil && candidate.responseDigest != nil && baseline.responseDigest != candidate.responseDigest
            }
        }
    }

    /// Whether calls were left out of the store, so that the last of them were not compared.
    public var omitsCalls: Bool { candidate.omittedCalls > 0 || (baseline?.omittedCalls ?? 0) > 0 }

    /// The candidate's latency as a multiple of the baseline's; nil where either is not known.
    public var latencyRatio: Double? {
        guard let mine = candidate.duration, let other = baseline?.duration, other > 0 else { return nil }
        return Double(mine) / Double(other)
    }

    private static func changes(_ baseline: StoredRun, _ candidate: StoredRun) -> [ToolChange] {
        ToolCallDiff.changes(from: AgentRun(callsOf: baseline), to: AgentRun(callsOf: candidate)).map { change in
            var told = ToolChange(
                kind: change.kind.rawValue, baselineIndex: change.baselineIndex, candidateIndex: change.candidateIndex)
            if change.kind == .wrongArguments, let i = change.baselineIndex, let j = change.candidateIndex,
                let old = document(baseline.calls[i].arguments), let new = document(candidate.calls[j].arguments)
            {
                told.arguments = JSONDiff(from: old, to: new, limit: 20).changes.map {
                    ArgumentChange(path: $0.pointer.description, baseline: $0.old?.text, candidate: $0.new?.text)
                }
            }
            return told
        }
    }

    private static func document(_ arguments: String?) -> JSONDocument? {
        arguments.flatMap { try? JSONDocument(parsing: Array($0.utf8)) }
    }
}

extension AgentRun {
    /// A run with the calls alone, whose arguments are the digests: they are equal where the arguments were.
    fileprivate init(callsOf run: StoredRun) {
        self.init()
        toolCalls = run.calls.map { call in
            let digits = call.argumentsDigest.map { byte in String(byte, radix: 16) }.joined(separator: "-")
            return ToolCall(name: store(call.tool), arguments: Content(form: .json, text: store("\"\(digits)\"")))
        }
    }
}
