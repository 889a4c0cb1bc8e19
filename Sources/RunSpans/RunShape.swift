public import AgentRuns

/// What can be said of a run's spans without writing them.
public enum RunShape {
    /// How many spans the run becomes.
    public static func spanCount(of run: borrowing AgentRun) -> Int {
        guard !run.toolCalls.isEmpty else { return 2 }
        return run.toolCalls.reduce(1) { $0 + ($1.result == nil ? 2 : 3) }
    }

    /// The ids of the run's spans, in the order in which they are written.
    public static func spanIDs(of run: borrowing AgentRun, _ identity: RunIdentity) -> [SpanID] {
        var known = identity.spanIDs
        guard !run.toolCalls.isEmpty else { return [identity.runSpanID, known[.step(0)]] }
        var ids = [identity.runSpanID]
        for k in run.toolCalls.indices {
            ids.append(known[.step(k)])
            ids.append(run.toolCalls[k].spanID ?? known[.call(k)])
            if run.toolCalls[k].result != nil { ids.append(known[.result(k)]) }
        }
        return ids
    }
}
