internal import Replay

/// One line of both arms' tool calls side by side: a call that is the same, or a difference.
struct ToolCallRow {
    struct Side {
        /// Place in the run, counted from 0.
        var index: Int
        var name: String
        var arguments: String?
        var success: Bool?
    }

    /// nil where the calls are the same.
    var kind: String?
    var baseline: Side?
    var candidate: Side?
    var arguments: [(path: String, baseline: String?, candidate: String?)] = []
    var omitted = 0

    /// `-` for what only the baseline called, `+` for the candidate alone, `~` for what differs, a space for the rest.
    var sign: String {
        if kind == nil { return " " }
        if baseline == nil || kind == "duplicated" { return "+" }
        return candidate == nil ? "-" : "~"
    }

    /// The rows in the candidate's order; what the candidate left out stands where the baseline has it.
    static func rows(of detail: borrowing RunDetail) -> [ToolCallRow] {
        let (a, b) = (detail.baseline.calls, detail.candidate.calls)
        let changes = detail.toolChanges
        var rows: [ToolCallRow] = []
        var missing: [ToolCallRow] = []
        var changedAt: [Int: RunDetail.Change] = [:]
        for change in changes {
            if let j = change.candidateIndex {
                changedAt[j] = change
            } else {
                missing.append(ToolCallRow(change, a, b))
            }
        }
        let taken = Set(changes.compactMap { $0.kind == "duplicated" ? nil : $0.baselineIndex })
        // The calls of neither side that are in no change are the same, in the same order.
        var unchanged = a.indices.lazy.filter { !taken.contains($0) }.makeIterator()
        let last = max(b.count - 1, changedAt.keys.max() ?? -1)
        for j in 0..<min(last + 1, 10_000) {
            if let change = changedAt[j] {
                rows.append(ToolCallRow(change, a, b))
            } else if j < b.count, let i = unchanged.next() {
                let before = missing.prefix { ($0.baseline?.index ?? 0) < i }
                rows += before
                missing.removeFirst(before.count)
                rows.append(ToolCallRow(baseline: side(a, i, a[i].name), candidate: side(b, j, b[j].name)))
            }
        }
        return rows + missing
    }

    private init(baseline: Side, candidate: Side) {
        self.baseline = baseline
        self.candidate = candidate
    }

    private init(_ change: RunDetail.Change, _ a: [RunDetail.Call], _ b: [RunDetail.Call]) {
        kind = change.kind
        if let i = change.baselineIndex { baseline = Self.side(a, i, change.tool) }
        if let j = change.candidateIndex { candidate = Self.side(b, j, change.candidateTool ?? change.tool) }
        arguments = change.arguments
        omitted = change.omitted
    }

    /// Calls that were not kept are known by their names.
    private static func side(_ calls: [RunDetail.Call], _ index: Int, _ name: String) -> Side {
        guard calls.indices.contains(index) else { return Side(index: index, name: name) }
        return Side(index: index, name: name, arguments: calls[index].arguments, success: calls[index].success)
    }
}

/// What a stable name is for people: `wrong_arguments` is `wrong arguments`.
func words(_ name: String) -> String { String(name.map { $0 == "_" ? " " : $0 }) }
