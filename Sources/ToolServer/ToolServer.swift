internal import HTTPTypes
internal import Hummingbird
internal import HummingbirdCore
internal import Logging
internal import NIOCore
public import ToolGateway

/// The tool gateway's own port: `POST /tools/NAME`, and MCP over streamable HTTP at `/mcp`.
public final class ToolServer: Sendable {
    private let task: Task<Void, any Error>
    /// The port it listens on, which is chosen by the system if 0 was asked for.
    public let port: Int

    private init(_ task: Task<Void, any Error>, port: Int) {
        self.task = task
        self.port = port
    }

    /// Listens, and returns when calls are taken.
    ///
    /// - Parameter connections: of agents, at once.
    /// - Throws: ``ToolServerError``: the address cannot be had.
    public static func start(
        host: String, port: Int, connections: Int = 4096, _ gateway: ToolGateway, _ clients: ToolClients
    ) async throws -> ToolServer {
        let hangUps = HangUps()
        let router = Router(context: ToolContext.self)
        router.middlewares.add(BrowserGuard())
        ToolRoutes(gateway, hangUps).add(to: router)
        MCPRoutes(gateway, clients, hangUps).add(to: router)
        let (ports, continuation) = AsyncStream<Int>.makeStream()
        let application = Application(
            router: router,
            server: .http1(
                configuration: .init(
                    additionalChannelHandlers: [hangUps.makeHandler()],
                    // As long as the slowest tool may take; who sends nothing for longer is let go.
                    idleTimeout: .minutes(10),
                    httpDecoderConfiguration: .init(maxHeaderFieldSize: 32 << 10, maxHeaderListSize: 32 << 10, maxHeaderFieldCount: 100))),
            configuration: .init(
                address: .hostname(host, port: port), serverName: "outrigger",
                availableConnectionsDelegate: MaximumAvailableConnections(connections)),
            onServerRunning: { channel in continuation.yield(channel.localAddress?.port ?? port) },
            logger: Logger(label: "outrigger.tools", factory: { _ in SwiftLogNoOpLogHandler() }))
        let task = Task {
            defer { continuation.finish() }
            // Signals are the sidecar's own business.
            try await application.run()
        }
        for await port in ports { return ToolServer(task, port: port) }
        do {
            try await task.value
        } catch {
            throw ToolServerError(description: "the tool gateway cannot listen on \(host):\(port): \(error)")
        }
        throw ToolServerError(description: "the tool gateway ended at once")
    }

    public func stop() async {
        task.cancel()
        _ = try? await task.value
    }
}

/// Why the tool gateway cannot start.
public struct ToolServerError: Error, Sendable, CustomStringConvertible {
    public var description: String
}

/// A web page that a browser on this machine has open is no agent.
///
/// Source: Model Context Protocol 2025-06-18, "Transports", security warning.
private struct BrowserGuard: RouterMiddleware {
    typealias Context = ToolContext

    func handle(_ request: Request, context: Context, next: (Request, Context) async throws -> Response) async throws -> Response {
        guard request.headers[.origin] == nil else {
            return .refusal(.forbidden, "origin_not_allowed", "web pages cannot call tools")
        }
        do {
            return try await next(request, context)
        } catch let error as HTTPError {
            return .refusal(error.status, "not_found", error.body ?? error.status.reasonPhrase)
        }
    }
}
