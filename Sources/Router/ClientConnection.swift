internal import NIOCore
internal import NIOHTTP1

/// One connection of a client: takes its requests one after the other and gives each its answer in order.
final class ClientConnection: ChannelInboundHandler, Expiring, Flushing {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = ByteBuffer

    private enum State {
        /// Between two requests.
        case idle
        case serving(ProxiedRequest)
        /// All has been said, and what was written still has to leave. Whether the client still sends: see `lingering`.
        case leaving(lingers: Bool)
        /// The answer is out and the client still sends: what comes is thrown away, so that the answer is not.
        case lingering
        case closed
    }

    let loop: LoopContext
    /// Of the handler that is nearest to the network: what is written, flushed and read there passes no other one.
    private var context: ChannelHandlerContext?
    private let writer = MessageWriter()
    private var state = State.idle
    /// What came behind a request that is not done yet.
    private var pipelined = CircularBuffer<HTTPServerRequestPart>()
    /// Why what came behind a request is none; told when the request has its answer.
    private var brokenBehind: Refusal?
    private var isReading = false
    private var isTakingPipelined = false
    /// Whether what was read is being handed over, so that ``ProxiedRequest/clientPaused()`` is still to come.
    private(set) var isHandingOver = false
    private var deadline: NIODeadline
    /// Whether bytes have come that are no part of a message yet: between two requests, of the next one's head.
    private var headerHasBegun = false
    let peer: Peer

    init(_ loop: LoopContext, peer: SocketAddress?) {
        self.loop = loop
        self.peer = Peer(peer)
        deadline = loop.time.now + loop.settings.timeouts.keepAlive
    }

    // MARK: what the client sends

    /// This is where its bytes leave.
    func connected(by context: ChannelHandlerContext) { self.context = context }

    func handlerAdded(context: ChannelHandlerContext) {
        loop.opened(self)
        if context.channel.isActive { read() }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        // A channel that was never active does not become inactive.
        loop.closed(self)
    }

    func channelActive(context: ChannelHandlerContext) { read() }

    /// Bytes are there of which nothing has been made yet: so one who sends its headers slowly is noticed.
    func bytesArrived() {
        guard !headerHasBegun else { return }
        headerHasBegun = true
        // Behind a request that has no answer yet, the time begins with the end of that.
        if case .idle = state { deadline = loop.time.now + loop.settings.timeouts.requestHeader }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        isHandingOver = true
        headerHasBegun = false
        let part = unwrapInboundIn(data)
        if case .serving(let request) = state, request.hasEnded {
            pipelined.append(part)
        } else {
            take(part)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isReading = false
        isHandingOver = false
        if case .serving(let request) = state { request.clientPaused() }
        readIfWanted()
    }

    private func take(_ part: HTTPServerRequestPart) {
        switch part {
        case .head(let head):
            guard case .idle = state else { return }
            deadline = .distantFuture
            let request = ProxiedRequest(RequestHead(head), client: self, loop: loop)
            state = .serving(request)
            request.begin()
        case .body(let buffer): if case .serving(let request) = state { request.clientSent(buffer) }
        case .end(let trailers): if case .serving(let request) = state { request.clientEnded(trailers) }
        }
    }

    /// Reads when what comes has a place: at once a piece of the body that the agent takes, or what tells that the client left.
    func readIfWanted() {
        guard !isReading else { return }
        switch state {
        case .idle, .lingering, .leaving(lingers: true): read()
        case .serving(let request):
            if request.hasEnded ? pipelined.isEmpty : request.takesBody { read() }
        case .closed, .leaving(lingers: false): break
        }
    }

    /// Whether nothing that the client sends means anything any more.
    var discards: Bool {
        switch state {
        case .idle, .serving: false
        case .leaving, .lingering, .closed: true
        }
    }

    private func read() {
        guard let context, !isReading else { return }
        isReading = true
        context.read()
    }

    /// The client closed, or only its sending side: the network shows the same of both, and the agent's work ends with either.
    func channelInactive(context: ChannelHandlerContext) {
        let last = state
        state = .closed
        loop.closed(self)
        if case .serving(let request) = last { request.clientLeft() }
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        case is HTTPParserError, is ByteToMessageDecoderError:
            let tooLarge = (error as? HTTPParserError) == .headerOverflow
            let refusal = tooLarge ? Refusal.headerTooLarge : .malformed("\(error)")
            switch state {
            case .serving(let request) where request.hasEnded: brokenBehind = brokenBehind ?? refusal
            case .serving(let request): request.clientBrokeOff(refusal)
            case .idle: refuse(refusal)
            case .leaving, .lingering, .closed: context.close(promise: nil)
            }
        default: context.close(promise: nil)
        }
    }

    /// Answers something that never became a request.
    private func refuse(_ refusal: Refusal) {
        loop.counts.refused(refusal)
        let answer = refusal.answer(requestID: nil)
        send(answer.head)
        send(answer.body)
        end(nil)
        leave(lingers: true)
    }

    // MARK: the answer

    var isWritable: Bool { context?.channel.isWritable ?? false }

    func send(_ head: HTTPResponseHead) { writer.write(head) }

    /// - Parameter isChunked: how the body's end will be known.
    func send(_ answer: AnswerHead, isChunked: Bool) { writer.write(answer.status, answer.fields, isChunked: isChunked) }

    func send(_ body: ByteBuffer) {
        guard let context else { return }
        writer.write(body, to: context)
    }

    func end(_ trailers: HTTPHeaders?) { writer.end(trailers) }

    func flush() {
        guard let context else { return }
        writer.flush(to: context)
    }

    /// Flushes at the end of the loop's turn.
    func flushSoon() { writer.flush(self, by: loop.flushes) }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if case .serving(let request) = state, context.channel.isWritable { request.clientBecameWritable() }
    }

    // MARK: after a request

    /// What becomes of the connection after an answer.
    enum Afterwards {
        case keep, close, linger, abort
    }

    func finished(_ afterwards: Afterwards) {
        guard case .serving = state else { return }
        switch afterwards {
        case .keep:
            flushSoon()
            // A write that fails ends the connection before it returns.
            guard case .serving = state else { return }
            state = .idle
            let timeouts = loop.settings.timeouts
            deadline = loop.time.now + (headerHasBegun ? timeouts.requestHeader : timeouts.keepAlive)
            takePipelined()
            readIfWanted()
        // What more requests were read, or not, would take the answer with them.
        case .close: leave(lingers: !pipelined.isEmpty || brokenBehind != nil)
        case .linger: leave(lingers: true)
        case .abort: closeNow()
        }
    }

    private func takePipelined() {
        // One request may end at once and come back here: the outer loop goes on for it.
        guard !isTakingPipelined else { return }
        isTakingPipelined = true
        defer {
            isTakingPipelined = false
            if case .serving(let request) = state, !isHandingOver { request.clientPaused() }
        }
        while let part = pipelined.first {
            if case .serving(let request) = state, request.hasEnded { return }
            guard case .closed = state else {
                pipelined.removeFirst()
                take(part)
                continue
            }
            return
        }
        guard let brokenBehind else { return }
        switch state {
        case .idle: refuse(brokenBehind)
        // The request that it broke off.
        case .serving(let request) where !request.hasEnded: request.clientBrokeOff(brokenBehind)
        default: break
        }
    }

    /// Says no more: the connection ends when what was written has left.
    ///
    /// - Parameter lingers: whether the client still sends, and so must be listened to for a while: a connection that is closed
    ///   with bytes unread takes the answer with it.
    private func leave(lingers: Bool) {
        state = .leaving(lingers: lingers)
        pipelined.removeAll()
        deadline = loop.time.now + loop.settings.timeouts.write
        flush()
        guard case .leaving = state, let context else { return }
        let hasLeft = context.eventLoop.makePromise(of: Void.self)
        hasLeft.futureResult.assumeIsolated().whenComplete { [self] result in
            guard case .leaving = state else { return }
            guard lingers, case .success = result else { return closeNow() }
            state = .lingering
            deadline = loop.time.now + TimeAmount.seconds(2)
        }
        context.close(mode: .output, promise: hasLeft)
        readIfWanted()
    }

    // MARK: time

    func expire(at now: NIODeadline) {
        if case .serving(let request) = state { return request.expire(at: now) }
        guard now >= deadline else { return }
        switch state {
        case .idle where headerHasBegun: refuse(.tooSlow)
        case .idle: leave(lingers: false)
        case .leaving, .lingering: closeNow()
        case .serving, .closed: break
        }
    }

    /// Whether its client waits for an answer, or for the rest of one.
    var owesAnswer: Bool {
        switch state {
        case .serving, .leaving: true
        case .idle, .lingering, .closed: false
        }
    }

    /// Closes the connection if no request is under way.
    func closeIfIdle() {
        guard case .idle = state, !headerHasBegun else { return }
        leave(lingers: false)
    }

    /// Ends it, whatever is under way.
    func closeNow() {
        if case .serving = state {} else { state = .closed }
        flush()
        context?.close(promise: nil)
    }
}

/// Where a client is; made once for its connection, since the text is written for every request.
struct Peer {
    /// An address; nil where there is none.
    let address: String?
    let port: Int

    init(_ socket: SocketAddress?) {
        address = socket?.ipAddress
        port = socket?.port ?? 0
    }
}
