public import AgentRuns
public import JSONDocuments

/// One way in which the candidate's tool calls differ from the baseline's.
public struct ToolCallChange: Sendable {
    /// Stable names: they are reasons in every report.
    public enum Kind: String, CaseIterable, Sendable {
        /// Another tool was called in the place of the baseline's.
        case wrongTool = "wrong_tool"
        /// The same tool was called with other arguments.
        case wrongArguments = "wrong_arguments"
        /// The same call was made at another place in the sequence.
        case reordered
        /// The baseline made a call that the candidate did not.
        case missing
        /// The candidate made a call again that the baseline made less often.
        case duplicated
        /// The candidate made a call that the baseline did not.
        case extra
    }

    public var kind: Kind
    /// Place of the call in the baseline, counted from 0; nil for duplicated and extra calls.
    public var baselineIndex: Int?
    /// Place of the call in the candidate, counted from 0; nil for missing calls.
    public var candidateIndex: Int?
    /// For wrong arguments, what differs in them.
    public var arguments: JSONDiff?
}

/// The candidate's tool calls against the baseline's, by sequence alignment.
///
/// Every call of either run is matched or explained exactly once, in this order:
///
/// 1. The longest common subsequence of equal calls (same tool, equal arguments) is unchanged.
/// 2. Equal calls outside of it are *reordered*.
/// 3. Of what is left, calls of the same tool pair up in order, those between the same unchanged calls first: *wrong
///    arguments*.
/// 4. A candidate's call that equals one of the baseline's is *duplicated*.
/// 5. What is left between the same unchanged calls pairs up in order: *wrong tool*.
/// 6. The rest is *missing* or *extra*.
public enum ToolCallDiff {
    /// - Returns: the changes by their place in the candidate, missing calls before the call that follows them.
    public static func changes(from a: borrowing AgentRun, to b: borrowing AgentRun) -> [ToolCallChange] {
        changes(from: a, to: b, JudgeScratch())
    }

    /// The same with memory that is there already.
    ///
    /// - Parameter scratch: asked for only where the calls are not the same to the byte.
    static func changes(
        from a: borrowing AgentRun, to b: borrowing AgentRun, _ scratch: @autoclosure () -> JudgeScratch
    ) -> [ToolCallChange] {
        if areTriviallyEqual(a, b) { return [] }
        let scratch = scratch()
        let keys = ToolCallKeys(a, b, &scratch.reader)
        if keys.baseline == keys.candidate { return [] }
        var matching = CallMatching(keys)
        matching.matchAll()
        return matching.changes(a, b, &scratch.reader)
    }

    /// Whether the calls are the same to the byte, which most are.
    private static func areTriviallyEqual(_ a: borrowing AgentRun, _ b: borrowing AgentRun) -> Bool {
        guard a.toolCalls.count == b.toolCalls.count else { return false }
        for i in a.toolCalls.indices {
            guard a.bytesEqual(a.toolCalls[i].name, b, b.toolCalls[i].name),
                a.toolCalls[i].arguments?.form == b.toolCalls[i].arguments?.form,
                a.bytesEqual(a.toolCalls[i].arguments?.text, b, b.toolCalls[i].arguments?.text)
            else { return false }
        }
        return true
    }
}

/// Memory that judging one pair after the other needs again and again: a reader costs more to make than what it reads.
final class JudgeScratch {
    var reader = JSONDocumentReader()
}

extension AgentRun {
    /// Whether both texts are missing, or equal byte by byte.
    func bytesEqual(_ text: Text?, _ other: borrowing AgentRun, _ otherText: Text?) -> Bool {
        guard let text, let otherText else { return text == nil && otherText == nil }
        return self.text(text, equals: otherText, of: other)
    }
}

/// Which call of the candidate goes with which of the baseline.
private struct CallMatching {
    private let keys: ToolCallKeys
    /// For each call of the candidate, its partner in the baseline and how they differ; nil for an unchanged call.
    private var partners: [Partner?]
    private var isTaken: [Bool]
    /// For each call, how many unchanged calls stand before it: calls with the same number are in the same gap.
    private var baselineGaps: [Int] = []
    private var candidateGaps: [Int] = []
    private var unchanged: [(a: Int, b: Int)] = []
    /// How many calls of each run have no partner yet.
    private var unpaired: (baseline: Int, candidate: Int)

    private struct Partner {
        var kind: ToolCallChange.Kind?
        var index: Int?
    }

    init(_ keys: ToolCallKeys) {
        self.keys = keys
        partners = Array(repeating: nil, count: keys.candidate.count)
        isTaken = Array(repeating: false, count: keys.baseline.count)
        unpaired = (keys.baseline.count, keys.candidate.count)
    }

    mutating func matchAll() {
        unchanged = SequenceAlignment.commonSubsequence(keys.baseline, keys.candidate)
        for pair in unchanged { take(pair.a, pair.b, nil) }
        baselineGaps = Self.gaps(keys.baseline.count, unchanged.map(\.a))
        candidateGaps = Self.gaps(keys.candidate.count, unchanged.map(\.b))
        let (calls, gapsA, gapsB) = (keys, baselineGaps, candidateGaps)
        pair(.reordered) { calls.baseline[$0] == calls.candidate[$1] }
        pair(.wrongArguments) { calls.baselineNames[$0] == calls.candidateNames[$1] && gapsA[$0] == gapsB[$1] }
        pair(.wrongArguments) { calls.baselineNames[$0] == calls.candidateNames[$1] }
        guard unpaired.candidate > 0 else { return }
        let known = Set(keys.baseline)
        for b in partners.indices where partners[b] == nil && known.contains(keys.candidate[b]) {
            partners[b] = Partner(kind: .duplicated)
            unpaired.candidate -= 1
        }
        pair(.wrongTool) { gapsA[$0] == gapsB[$1] }
        for b in partners.indices where partners[b] == nil { partners[b] = Partner(kind: .extra) }
    }

    private mutating func take(_ a: Int, _ b: Int, _ kind: ToolCallChange.Kind?) {
        isTaken[a] = true
        partners[b] = Partner(kind: kind, index: a)
        unpaired.baseline -= 1
        unpaired.candidate -= 1
    }

    /// Pairs free calls that go together, in order.
    private mutating func pair(_ kind: ToolCallChange.Kind, _ goTogether: (Int, Int) -> Bool) {
        guard unpaired.baseline > 0, unpaired.candidate > 0 else { return }
        // Few calls are free as a rule; a bound keeps two long runs without anything in common from costing their product.
        var free = isTaken.indices.filter { !isTaken[$0] }
        var budget = 4_000_000
        for b in partners.indices where partners[b] == nil {
            guard !free.isEmpty, budget > 0 else { return }
            budget -= free.count
            guard let i = free.firstIndex(where: { goTogether($0, b) }) else { continue }
            take(free[i], b, kind)
            free.remove(at: i)
        }
    }

    private static func gaps(_ count: Int, _ unchanged: [Int]) -> [Int] {
        var gaps: [Int] = []
        var next = unchanged[...]
        for i in 0..<count {
            if next.first == i { next = next.dropFirst() }
            gaps.append(unchanged.count - next.count)
        }
        return gaps
    }

    func changes(
        _ a: borrowing AgentRun, _ b: borrowing AgentRun, _ reader: inout JSONDocumentReader
    ) -> [ToolCallChange] {
        var changes: [ToolCallChange] = []
        // A missing call is told before the first call of the candidate in the gap that follows it.
        var missing = isTaken.indices.filter { !isTaken[$0] }[...]
        for j in partners.indices {
            while let i = missing.first, baselineGaps[i] < candidateGaps[j] {
                changes.append(ToolCallChange(kind: .missing, baselineIndex: i))
                missing = missing.dropFirst()
            }
            guard let partner = partners[j], let kind = partner.kind else { continue }
            changes.append(
                ToolCallChange(
                    kind: kind, baselineIndex: partner.index, candidateIndex: j,
                    arguments: kind == .wrongArguments ? argumentDiff(a, partner.index, b, j, &reader) : nil))
        }
        for i in missing { changes.append(ToolCallChange(kind: .missing, baselineIndex: i)) }
        return changes
    }

    private func argumentDiff(
        _ a: borrowing AgentRun, _ i: Int?, _ b: borrowing AgentRun, _ j: Int, _ reader: inout JSONDocumentReader
    ) -> JSONDiff? {
        guard let i else { return nil }
        let oldText = a.canonicalArguments(of: a.toolCalls[i], &reader)
        let newText = b.canonicalArguments(of: b.toolCalls[j], &reader)
        guard let old = try? reader.read(oldText), let new = try? reader.read(newText) else { return nil }
        return JSONDiff(from: old, to: new, limit: 100)
    }
}
