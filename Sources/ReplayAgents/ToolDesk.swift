internal import Replay

/// Where agents get the tools for their runs: the endpoint, and how calls are matched.
struct ToolDesk: Sendable {
    let endpoint: ToolEndpoint
    let notices: AgentNotices
    let matching: ToolMatching
    let fallback: ToolFallback?

    /// Tools that can be called over HTTP until ``close(_:)``.
    func open(_ task: ReplayTask) -> ToolEndpoint.Lease { endpoint.open(session(task)) }

    func close(_ lease: ToolEndpoint.Lease) -> ToolRecord { endpoint.close(lease) }

    /// Tools that only we call, on behalf of the agent.
    func session(_ task: ReplayTask) -> ToolSession {
        ToolSession(task, RecordedTools(task.trace, matching: matching, fallback: fallback), notices)
    }
}
