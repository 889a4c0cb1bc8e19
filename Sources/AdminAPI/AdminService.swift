public import RolloutControl

/// What the admin API asks the rest of the sidecar.
public struct AdminService: Sendable {
    public var controller: RolloutController
    /// Why requests should not be sent here now; empty when they may.
    public var unreadiness: @Sendable () -> [String]
    /// The metrics, in Prometheus' text format.
    public var metrics: @Sendable () async -> String

    public init(
        controller: RolloutController, unreadiness: @escaping @Sendable () -> [String],
        metrics: @escaping @Sendable () async -> String
    ) {
        self.controller = controller
        self.unreadiness = unreadiness
        self.metrics = metrics
    }
}
