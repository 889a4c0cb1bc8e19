public import Rollout

/// What decides a request: the policy of the configuration, and the rollout as it is now. A value, so that one request sees
/// one truth.
public struct RolloutSnapshot: Sendable {
    public var policy: RoutingPolicy
    public var state: RolloutState

    public init(policy: RoutingPolicy, state: RolloutState) {
        self.policy = policy
        self.state = state
    }
}
