internal import AgentRuns
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOSSL

/// The connections of one event loop to one arm. The one used last is used next, so that the others can grow old.
final class UpstreamPool: Expiring {
    let upstream: Upstream
    private let eventLoop: any EventLoop
    private let timeouts: ProxyTimeouts
    private let maximumIdle: Int
    private let tls: NIOSSLContext?
    let time: LoopTime
    /// The address, where the host is one: nothing needs to be looked up then.
    private let address: SocketAddress?
    private var idle: [UpstreamConnection] = []
    private var isRetired = false

    init(
        _ upstream: Upstream, _ eventLoop: any EventLoop, _ settings: ProxySettings, tls: NIOSSLContext?, time: LoopTime = LoopTime()
    ) {
        self.upstream = upstream
        self.eventLoop = eventLoop
        self.tls = tls
        self.time = time
        timeouts = settings.timeouts
        maximumIdle = settings.limits.idleUpstreamConnections
        address = try? SocketAddress(ipAddress: upstream.host, port: upstream.port)
    }

    /// Gives a connection: at once where one is idle, else when it is made.
    ///
    /// - Parameter fresh: whether it must be a new one.
    func acquire(fresh: Bool = false, _ use: @escaping (Result<UpstreamConnection, UpstreamFailure>) -> Void) {
        if !fresh, let connection = takeIdle() { return use(.success(connection)) }
        connect(use)
    }

    /// A connection that is idle; nil when there is none, and one must be made.
    func takeIdle() -> UpstreamConnection? {
        while let connection = idle.popLast() {
            if connection.isUsable { return connection }
        }
        return nil
    }

    func putBack(_ connection: UpstreamConnection) {
        guard !isRetired else { return connection.abort() }
        idle.append(connection)
        if idle.count > maximumIdle { idle.removeFirst().abort() }
    }

    /// The connection is gone.
    func remove(_ connection: UpstreamConnection) {
        idle.removeAll { $0 === connection }
    }

    /// Nothing will be asked of it any more: what is idle is closed, and what is at work when it is done.
    func retire() {
        isRetired = true
        let connections = idle
        idle = []
        for connection in connections { connection.abort() }
    }

    /// Closes what has been idle for too long.
    func expire(at now: NIODeadline) {
        let fresh = idle.firstIndex { now - $0.idleSince < TimeAmount(timeouts.upstreamIdle) } ?? idle.endIndex
        guard fresh > 0 else { return }
        let old = idle[..<fresh]
        idle.removeFirst(fresh)
        for connection in old { connection.abort() }
    }

    /// Makes a connection.
    func connect(_ use: @escaping (Result<UpstreamConnection, UpstreamFailure>) -> Void) {
        let pool = NIOLoopBound(self, eventLoop: eventLoop)
        let bootstrap = ClientBootstrap(group: eventLoop)
            .connectTimeout(TimeAmount(timeouts.connect))
            .channelOption(.socketOption(.tcp_nodelay), value: 1)
            .channelOption(.autoRead, value: false)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try pool.value.configure(channel) }
            }
        let connected = address.map { bootstrap.connect(to: $0) } ?? bootstrap.connect(host: upstream.host, port: upstream.port)
        connected.assumeIsolated().whenComplete { [self] result in
            switch result {
            case .success(let channel):
                do {
                    use(.success(try channel.pipeline.syncOperations.handler(type: UpstreamConnection.self)))
                } catch {
                    use(.failure(UpstreamFailure(kind: .connectFailed, message: "the connection ended at once")))
                }
            case .failure(let error): use(.failure(failure(of: error)))
            }
        }
    }

    private func configure(_ channel: any Channel) throws {
        let pipeline = channel.pipeline.syncOperations
        if let tls {
            let isName = address == nil
            try pipeline.addHandler(NIOSSLClientHandler(context: tls, serverHostname: isName ? upstream.host : nil))
        }
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderListSize = 256 << 10
        limits.maxHeaderFieldSize = 128 << 10
        limits.maxHeaderFieldCount = 512
        let reader = MessageReader(
            .answers(
                HTTPResponseDecoder(
                    leftOverBytesStrategy: .dropBytes, informationalResponseStrategy: .forward, limitConfiguration: limits)),
            time: time, longestField: limits.maxHeaderFieldSize)
        try pipeline.addHandler(reader)
        try pipeline.addHandler(UpstreamConnection(pool: self, writer: RequestWriter(reader)))
    }

    private func failure(of error: any Error) -> UpstreamFailure {
        switch error {
        case ChannelError.connectTimeout:
            UpstreamFailure(kind: .connectTimeout, message: "\(upstream.authority) did not accept a connection in time")
        case let error as NIOConnectionError where error.connectionErrors.isEmpty:
            UpstreamFailure(kind: .connectFailed, message: "the host \(upstream.host) cannot be found")
        default:
            UpstreamFailure(kind: .connectFailed, message: "\(upstream.authority) does not accept connections: \(words(error))")
        }
    }

    private func words(_ error: any Error) -> String {
        // Of the addresses that a name has, the last one that was tried stands for all.
        let last = (error as? NIOConnectionError)?.connectionErrors.last?.error
        return UpstreamFailure.words(last ?? error)
    }
}
