internal import AgentRuns
internal import LiveRuns
public import ToolGateway

/// The tool gateway, as agents are told of it with each request: its URL and a token that is good for this one run.
public struct ToolOffer: Sendable {
    let runs: ToolRuns
    let url: String

    /// - Parameter url: where agents reach the gateway, such as `http://127.0.0.1:8082`.
    public init(runs: ToolRuns, url: String) {
        self.runs = runs
        self.url = url
    }

    /// The header with the run's token.
    static let tokenHeader = "x-outrigger-run-token"
    /// The header with the gateway's URL.
    static let urlHeader = "x-outrigger-tools"

    /// - Returns: nil where there is no room for another run.
    func begin(
        _ requestID: String, _ role: RunRole, _ mode: RunMode, _ decision: Exchange.Decision, epoch: Int, _ trace: Exchange.TraceContext,
        copies: Bool, served: ToolRun?
    ) -> ToolRun? {
        let identity = ToolRunIdentity(
            requestID: requestID, traceID: trace.traceID, runSpanID: trace.runSpanID, flags: trace.flags, role: role, mode: mode,
            rolloutID: decision.rolloutID, revision: decision.revision, epoch: epoch)
        return runs.begin(identity, keepsAnswers: copies, shadowOf: served)
    }
}
