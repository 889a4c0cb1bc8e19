import AgentRuns
import LiveRuns
import Rollout
import RolloutControl
import Synchronization

@testable import Router

/// A data plane on a free port, with what it recorded.
final class TestPlane: Sendable {
    let plane: DataPlane
    let port: Int
    private let recorded: Recorded

    private final class Recorded: Sendable {
        let exchanges = Mutex<[Exchange]>([])
    }

    /// What must live as long as the plane: a server whose last mention is past would be gone.
    private let agents: [RawServer]

    convenience init(
        baseline: RawServer, candidate: RawServer? = nil, rollout: RolloutSnapshot = .mode(.baseline), threads: Int = 2,
        _ change: (inout ProxySettings) -> Void = { _ in }
    ) async throws {
        try await self.init(
            baselinePort: baseline.port, candidatePort: candidate?.port, rollout: rollout, threads: threads,
            agents: [baseline, candidate].compactMap(\.self), change)
    }

    init(
        baselinePort baseline: Int, candidatePort candidate: Int? = nil, rollout: RolloutSnapshot = .mode(.baseline), threads: Int = 2,
        agents: [RawServer] = [], _ change: (inout ProxySettings) -> Void = { _ in }
    ) async throws {
        self.agents = agents
        var settings = ProxySettings(baseline: ArmSettings(upstream: try Upstream("http://127.0.0.1:\(baseline)")))
        settings.candidate = try candidate.map { ArmSettings(upstream: try Upstream("http://127.0.0.1:\($0)")) }
        change(&settings)
        let recorded = Recorded()
        self.recorded = recorded
        plane = try DataPlane(settings, threads: threads, sampler: { _, parent in parent ?? true }) { exchange in
            recorded.exchanges.withLock { $0.append(exchange) }
        }
        port = try await plane.start(host: "127.0.0.1", port: 0, rollout: rollout)
    }

    var exchanges: [Exchange] { recorded.exchanges.withLock { $0 } }

    /// Waits until so many exchanges are recorded.
    func exchanges(_ count: Int) async throws -> [Exchange] {
        guard await eventually({ self.exchanges.count >= count }) else {
            throw SocketError("only \(exchanges.count) of \(count) exchanges were recorded")
        }
        return exchanges
    }

    func connect() throws -> RawConnection { try RawConnection(port: port) }

    /// One request on a connection of its own.
    func ask(_ request: String) throws -> RawMessage {
        let connection = try connect()
        connection.send(request)
        return try connection.readMessage()
    }

    func stop() async { _ = await plane.stop(within: .seconds(1)) }
}

extension RolloutSnapshot {
    /// A rollout without any rules.
    static func mode(_ mode: RolloutMode, percent: Double = 0, policy: RoutingPolicy = RoutingPolicy()) -> RolloutSnapshot {
        RolloutSnapshot(
            policy: policy, state: RolloutState(id: "test", mode: mode, percentage: Percentage(percent: percent) ?? .none))
    }
}
