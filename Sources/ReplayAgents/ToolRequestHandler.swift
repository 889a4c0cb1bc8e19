internal import NIOCore
internal import NIOHTTP1

/// Collects one request after the other and answers it at once, on the connection's own event loop.
final class ToolRequestHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let runs: OpenRuns
    private let notices: AgentNotices
    private let maximumBody: Int
    private var head: HTTPRequestHead?
    private var body: [UInt8] = []

    init(_ runs: OpenRuns, _ notices: AgentNotices, maximumBody: Int) {
        self.runs = runs
        self.notices = notices
        self.maximumBody = maximumBody
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            // A client that sends on without reading its answers would have us keep them all.
            guard context.channel.isWritable else { return giveUp(context, "requests sent without reading the answers") }
            body.removeAll(keepingCapacity: body.capacity <= 1 << 16)
            if let length = head.headers.first(name: "content-length").flatMap({ Int($0) }), length > maximumBody {
                refuseSize(context)
            }
        case .body(let bytes):
            guard head != nil else { return }
            guard body.count + bytes.readableBytes <= maximumBody else { return refuseSize(context) }
            body.append(contentsOf: bytes.readableBytesView)
        case .end:
            guard let head = head.take() else { return }
            let request = ToolCallRequest(method: head.method, target: head.uri, headers: head.headers, body: body)
            send(context, request.answer(runs, notices), keepsAlive: head.isKeepAlive)
        }
    }

    private func refuseSize(_ context: ChannelHandlerContext) {
        let problem = "the body has more than \(maximumBody) bytes"
        countUnread(because: problem)
        notices.note(.closedConnection, "a request body of more than \(maximumBody) bytes")
        send(context, .failure(.payloadTooLarge, problem), keepsAlive: false)
    }

    private func giveUp(_ context: ChannelHandlerContext, _ reason: String) {
        countUnread(because: reason)
        notices.note(.closedConnection, reason)
        context.close(promise: nil)
    }

    /// Drops the request under way. If it was a call, it was tried.
    private func countUnread(because problem: String) {
        guard let head = head.take() else { return }
        ToolCallRequest(method: head.method, target: head.uri, headers: head.headers, body: [])
            .countUnread(runs, notices, because: problem)
    }

    private func send(_ context: ChannelHandlerContext, _ answer: ToolCallRequest.Answer, keepsAlive: Bool) {
        var headers: HTTPHeaders = ["content-type": "application/json", "content-length": String(answer.body.count)]
        if !keepsAlive { headers.add(name: "connection", value: "close") }
        let head = HTTPResponseHead(version: .http1_1, status: answer.status, headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        let bytes = context.channel.allocator.buffer(bytes: answer.body)
        context.write(wrapOutboundOut(.body(.byteBuffer(bytes))), promise: nil)
        let written = context.writeAndFlush(wrapOutboundOut(.end(nil)))
        if !keepsAlive {
            let channel = context.channel
            written.whenComplete { _ in channel.close(promise: nil) }
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // The handler before this one has answered what was no HTTP; the peer is gone in the other cases.
        context.close(promise: nil)
    }
}

/// Closes connections whose requests do not arrive in time, and those that nothing happens on.
final class SlowPeerGuard: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    private let limits: ToolEndpoint.Limits
    private let notices: AgentNotices
    private var timer: Scheduled<Void>?
    private var isInRequest = false

    init(_ limits: ToolEndpoint.Limits, _ notices: AgentNotices) {
        self.limits = limits
        self.notices = notices
    }

    func channelActive(context: ChannelHandlerContext) {
        // A peer that connects and says nothing has no more time than for a request.
        wait(context, limits.requestTime, nil)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if !isInRequest {
            isInRequest = true
            wait(context, limits.requestTime, "a request that took too long to arrive")
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        // Whatever is written belongs to an answer, and that is given once the request is there.
        if isInRequest {
            isInRequest = false
            wait(context, limits.idleTime, nil)
        }
        context.write(data, promise: promise)
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        context.fireChannelInactive()
    }

    private func wait(_ context: ChannelHandlerContext, _ time: TimeAmount, _ complaint: String?) {
        timer?.cancel()
        let channel = context.channel
        timer = context.eventLoop.scheduleTask(in: time) { [notices] in
            if let complaint { notices.note(.closedConnection, complaint) }
            channel.close(promise: nil)
        }
    }
}
