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
        guard !run.toolCalls.isEmpty else { return [identity.spanID(.run), identity.spanID(.step(0))] }
        var ids = [identity.spanID(.run)]
        for k in run.toolCalls.indices {
            ids.append(identity.spanID(.step(k)))
            ids.append(identity.spanID(.call(k)))
            if run.toolCalls[k].result != nil { ids.append(identity.spanID(.result(k))) }
        }
        return ids
    }
}
