internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import Replay
internal import Synchronization

/// The HTTP server on 127.0.0.1 that answers the tool calls of all runs of a replay, each on a path of its own.
///
/// For a run's base URL, `POST …/tools/NAME` with the arguments as JSON body and `POST …/call` with
/// `{"name": …, "args": …}` are answered 200 with `{"success": true, "result": …}` or `{"success": false, "error": …}`;
/// `GET …/tools` lists the names. A path of no run is 404, one of a run that is over 410. What cannot be answered and was
/// meant as a call of a run is a refused call of that run, whatever the status.
///
/// What does not behave is closed: bodies over 1 MiB (413), requests that take more than 30 seconds to arrive,
/// connections idle for 10 minutes, and those beyond the most that may be open.
public final class ToolEndpoint: Sendable {
    /// The bounds of one connection and of all.
    struct Limits: Sendable {
        var body = 1 << 20
        var headers = 64 << 10
        var connections = 2048
        var requestTime = TimeAmount.seconds(30)
        /// Longer than a model thinks between two calls, or the connection would close under the agent's next one.
        var idleTime = TimeAmount.minutes(10)
    }

    private let channel: any Channel
    private let runs: OpenRuns
    private let notices: AgentNotices
    private let connections: ConnectionCount
    /// The port on 127.0.0.1.
    public let port: Int

    private init(_ channel: any Channel, port: Int, _ runs: OpenRuns, _ notices: AgentNotices, _ connections: ConnectionCount) {
        self.channel = channel
        self.port = port
        self.runs = runs
        self.notices = notices
        self.connections = connections
    }

    /// Starts to listen on a free port.
    ///
    /// - Throws: what the operating system says against it.
    static func start(_ notices: AgentNotices, limits: Limits = Limits()) async throws -> ToolEndpoint {
        let runs = OpenRuns()
        let connections = ConnectionCount()
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try configure(channel, runs, notices, limits, connections)
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        guard let port = channel.localAddress?.port else { throw ChannelError.unknownLocalAddress }
        return ToolEndpoint(channel, port: port, runs, notices, connections)
    }

    private static func configure(
        _ channel: any Channel, _ runs: OpenRuns, _ notices: AgentNotices, _ limits: Limits, _ connections: ConnectionCount
    ) throws {
        guard connections.add(channel, upTo: limits.connections) else {
            notices.note(.closedConnection, "more than \(limits.connections) connections at once")
            throw ChannelError.ioOnClosedChannel
        }
        var decoder = NIOHTTPDecoderLimitConfiguration()
        decoder.maxHeaderFieldSize = limits.headers
        decoder.maxHeaderListSize = limits.headers
        decoder.maxHeaderFieldCount = 128
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(SlowPeerGuard(limits, notices))
        try pipeline.configureHTTPServerPipeline(
            withEncoderConfiguration: .init(), withDecoderLimitConfiguration: decoder)
        try pipeline.addHandler(ToolRequestHandler(runs, notices, maximumBody: limits.body))
    }

    /// A run whose tools can be called, until ``close(_:)``.
    struct Lease: Sendable {
        var session: ToolSession
        var token: RunToken
        /// The run's base URL.
        var url: String
    }

    func open(_ session: ToolSession) -> Lease {
        let token = runs.open(session)
        return Lease(session: session, token: token, url: "http://127.0.0.1:\(port)\(ToolCallRequest.prefix)\(token.hex)")
    }

    /// Ends a run: its path answers 410 from now on.
    func close(_ lease: Lease) -> ToolRecord {
        runs.end(lease.token)
        return lease.session.finish()
    }

    /// Stops listening and closes all connections.
    func end() async {
        try? await channel.close().get()
        connections.closeAll()
    }
}

/// The connections that are open.
final class ConnectionCount: Sendable {
    private let channels = Mutex<[ObjectIdentifier: any Channel]>([:])

    /// - Returns: false when there are too many already.
    func add(_ channel: any Channel, upTo limit: Int) -> Bool {
        let id = ObjectIdentifier(channel)
        let isAdded = channels.withLock { channels in
            guard channels.count < limit else { return false }
            channels[id] = channel
            return true
        }
        if isAdded {
            channel.closeFuture.whenComplete { [self] _ in _ = channels.withLock { $0.removeValue(forKey: id) } }
        }
        return isAdded
    }

    func closeAll() {
        for channel in channels.withLock({ Array($0.values) }) { channel.close(promise: nil) }
    }
}
