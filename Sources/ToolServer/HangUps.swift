internal import Hummingbird
internal import NIOCore
internal import Synchronization

/// Notices that a caller has gone while its call is under way.
///
/// Hummingbird looks at a connection again when it has answered, so each has a handler here that hears of its end. An agent
/// that closes only its own side has gone too: nobody waits for an answer that way.
final class HangUps: Sendable {
    fileprivate final class Connection: Sendable {
        private let state = Mutex((isOver: false, hook: (@Sendable () -> Void)?.none))

        /// Has `hook` called when the caller goes: at once if it has gone.
        func onEnd(_ hook: (@Sendable () -> Void)?) {
            let isOver = state.withLock { state in
                state.hook = hook
                return state.isOver
            }
            if isOver { hook?() }
        }

        func end() {
            let hook = state.withLock { state in
                state.isOver = true
                return state.hook
            }
            hook?()
        }
    }

    private let connections = Mutex<[ObjectIdentifier: Connection]>([:])

    /// Waits for a call, which is cancelled when the caller hangs up first.
    func value<Value: Sendable>(of call: Task<Value, Never>, from channel: any Channel) async -> Value {
        let connection = connections.withLock { $0[ObjectIdentifier(channel)] }
        connection?.onEnd { call.cancel() }
        defer { connection?.onEnd(nil) }
        return await withTaskCancellationHandler { await call.value } onCancel: { call.cancel() }
    }

    /// For one connection.
    func makeHandler() -> any RemovableChannelHandler & Sendable { HangUpHandler(self) }

    fileprivate func begin(_ channel: any Channel) -> Connection {
        let connection = Connection()
        connections.withLock { $0[ObjectIdentifier(channel)] = connection }
        return connection
    }

    fileprivate func end(_ channel: any Channel) {
        connections.withLock { $0.removeValue(forKey: ObjectIdentifier(channel)) }?.end()
    }
}

/// - Note: its state is touched on the connection's event loop only, which the compiler cannot see.
private final class HangUpHandler: ChannelInboundHandler, RemovableChannelHandler, @unchecked Sendable {
    typealias InboundIn = Any

    private let hangUps: HangUps
    private var connection: HangUps.Connection?

    init(_ hangUps: HangUps) { self.hangUps = hangUps }

    func handlerAdded(context: ChannelHandlerContext) { connection = hangUps.begin(context.channel) }

    func handlerRemoved(context: ChannelHandlerContext) { hangUps.end(context.channel) }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event as? ChannelEvent == .inputClosed { connection?.end() }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        hangUps.end(context.channel)
        context.fireChannelInactive()
    }
}

/// What is known of a request beside its head: the connection on which it came.
struct ToolContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel

    init(source: Source) {
        coreContext = .init(source: source)
        channel = source.channel
    }
}
