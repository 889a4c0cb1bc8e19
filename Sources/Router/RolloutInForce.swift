internal import Rollout
internal import RolloutControl

/// The rollout as requests use it: held by one reference, with what is asked for with each request found beforehand.
final class RolloutInForce: Sendable {
    let snapshot: RolloutSnapshot
    /// Names of the headers that decide on the arm, in lower case.
    let headerNames: [String]
    /// Whether a sticky key can stand in a body.
    let readsBodies: Bool

    init(_ snapshot: RolloutSnapshot) {
        self.snapshot = snapshot
        let policy = snapshot.policy
        readsBodies = policy.readsBodies
        headerNames = policy.keySources.compactMap { if case .header(let name) = $0 { name.lowercased() } else { nil } }
            + policy.headerRules.map { $0.name.lowercased() }
    }
}
