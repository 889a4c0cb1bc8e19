internal import HTTPTypes
internal import HostNames
internal import Hummingbird
internal import Logging
internal import NIOCore
internal import Synchronization

/// The sidecar's second port: the rollout, health, metrics, and feature-flag evaluation. Never on the path of a user's request.
public final class AdminServer: Sendable {
    /// Where it listens, and who may use it.
    public struct Settings: Sendable {
        public var host: String
        public var port: Int
        /// Asked of everything but health and readiness; nil to ask nothing, which only loopback may.
        public var token: String?

        public init(host: String, port: Int, token: String?) {
            self.host = host
            self.port = port
            self.token = token
        }

        var isLoopback: Bool { LoopbackName.isLoopback(host) }
    }

    private let task: Task<Void, any Error>
    /// The port it listens on, which is chosen by the system if 0 was asked for.
    public let port: Int

    private init(_ task: Task<Void, any Error>, port: Int) {
        self.task = task
        self.port = port
    }

    /// Listens, and returns when requests are taken.
    ///
    /// - Throws: ``AdminError``: it would be open to the network without a token, or the address cannot be had.
    public static func start(_ settings: Settings, _ service: AdminService) async throws -> AdminServer {
        guard settings.isLoopback || settings.token != nil else {
            throw AdminError("the admin API would be open to the network at \(settings.host) without a token; name one, or listen on 127.0.0.1")
        }
        let router = Router()
        router.middlewares.add(AccessGuard<BasicRequestContext>(token: settings.token, isLoopback: settings.isLoopback))
        RolloutRoutes(service).add(to: router)
        HealthRoutes(service).add(to: router)
        FlagRoutes(service).add(to: router)
        let (ports, continuation) = AsyncStream<Int>.makeStream()
        let application = Application(
            router: router,
            configuration: .init(address: .hostname(settings.host, port: settings.port), serverName: "outrigger"),
            onServerRunning: { channel in continuation.yield(channel.localAddress?.port ?? settings.port) },
            logger: Logger(label: "outrigger.admin", factory: { _ in SwiftLogNoOpLogHandler() }))
        let task = Task {
            defer { continuation.finish() }
            // Signals are the sidecar's own business.
            try await application.run()
        }
        for await port in ports { return AdminServer(task, port: port) }
        do {
            try await task.value
        } catch {
            throw AdminError("the admin API cannot listen on \(settings.host):\(settings.port): \(error)")
        }
        throw AdminError("the admin API ended at once")
    }

    public func stop() async {
        task.cancel()
        _ = try? await task.value
    }
}

/// Why the admin API cannot start.
public struct AdminError: Error, Sendable, CustomStringConvertible {
    public var description: String
    init(_ description: String) { self.description = description }
}
