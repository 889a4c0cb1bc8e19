import AgentRuns
import Router
import Synchronization

/// Tells of an arm that is left alone, and of its return: requests are answered meanwhile, so that nobody else would.
final class ArmWatch: Sendable {
    private let told = Mutex<[RunRole: String]>([:])

    /// - Parameter status: how the arm is now.
    /// - Returns: what there is to say, if anything has changed since the last time; whether it is a warning.
    func look(at role: RunRole, _ status: DataPlane.ArmStatus) -> (words: String, isWarning: Bool)? {
        let problem: String? =
            if !status.isHealthy { "fails its health checks" }
            else if status.circuitIsOpen { "failed too often (circuit_breaker)" }
            else { nil }
        let isNew = told.withLock { told in
            defer { told[role] = problem }
            return told[role] != problem
        }
        guard isNew else { return nil }
        guard let problem else { return ("the \(role.rawValue) is asked again", false) }
        let meanwhile = role == .candidate ? "requests that it should have are answered by the baseline" : "its requests are answered with 503"
        return ("the \(role.rawValue) \(problem) and is left alone: \(meanwhile)", true)
    }
}
