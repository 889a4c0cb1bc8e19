internal import Glibc
internal import NIOCore
internal import NIOHTTP1
internal import NIOSSL

/// Whoever asked an arm something and waits for the answer. All on the connection's event loop.
protocol UpstreamOwner: AnyObject {
    /// Comes before the answer, and says something about it that may be of use: a status of 1xx but for 100 and 101.
    func upstreamSentInterim(_ head: HTTPResponseHead)
    func upstreamSent(_ head: HTTPResponseHead)
    func upstreamSent(_ body: ByteBuffer)
    func upstreamEnded(_ trailers: HTTPHeaders?)
    /// What was read at once has been handed over.
    func upstreamPaused()
    /// The connection takes more of the request.
    func upstreamBecameWritable()
    /// Nothing more comes. The connection is gone.
    func upstreamFailed(_ failure: UpstreamFailure)
}

extension UpstreamOwner {
    func upstreamSentInterim(_ head: HTTPResponseHead) {}
}

/// Why an arm did not answer as it should.
struct UpstreamFailure: Error {
    enum Kind: String {
        case connectFailed = "connect_failed"
        case connectTimeout = "connect_timeout"
        case reset
        case badResponse = "bad_response"
        case tls = "tls_failed"

        /// For the client, which has no business with the agent's address: what happened, in words of our own.
        var told: String {
            switch self {
            case .connectFailed: "the agent cannot be reached"
            case .connectTimeout: "the agent did not accept a connection in time"
            case .reset: "the agent closed the connection before it answered"
            case .badResponse: "the agent did not answer in HTTP that can be passed on"
            case .tls: "no TLS connection to the agent could be agreed on"
            }
        }
    }

    var kind: Kind
    /// All that is known, with the agent's address: for the record, not for the client.
    var message: String
    /// Whether the connection had served another request before, and so may just have grown too old.
    var wasReused = false

    /// What the system says of an error, without the name of the call.
    static func words(_ error: any Error) -> String {
        (error as? IOError).map { String(cString: strerror($0.errnoCode)) } ?? "\(error)"
    }
}

/// One connection to an arm: in its pool, or at work for exactly one request.
final class UpstreamConnection: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart

    /// Of the handler that is nearest to the network: what is flushed and read there passes no other one.
    private var context: ChannelHandlerContext?
    private var owner: (any UpstreamOwner)?
    private let pool: UpstreamPool
    private let writer: RequestWriter
    private var requestEnded = false
    private var responseBegun = false
    /// Answers of status 1xx to this request, which cost time and could go on for ever.
    private var interimAnswers = 0
    private static let mostInterimAnswers = 16
    private var keepsAlive = false
    private var hasServed = false
    private var isReading = false
    /// When it came back into the pool.
    private(set) var idleSince = NIODeadline.now()

    init(pool: UpstreamPool, writer: RequestWriter) {
        self.pool = pool
        self.writer = writer
    }

    var isUsable: Bool { context?.channel.isActive ?? false }
    var isWritable: Bool { context?.channel.isWritable ?? false }

    // MARK: the request

    /// The connection is the owner's until the answer has ended or failed.
    func begin(for owner: any UpstreamOwner) {
        self.owner = owner
        requestEnded = false
        responseBegun = false
        interimAnswers = 0
        keepsAlive = false
    }

    func send(_ head: HTTPRequestHead) { writer.send(head) }

    /// A client's request.
    ///
    /// - Parameter routing: names of the headers that decide on the arm, in lower case.
    func send(_ log: RequestLog, routing: [String]) { writer.send(log, routing: routing) }

    func send(_ body: ByteBuffer) { writer.send(body) }

    func end(_ trailers: HTTPHeaders?) {
        requestEnded = true
        writer.end(trailers)
    }

    func flush() { writer.flush() }

    /// Flushes at the end of the loop's turn.
    func flush(by queue: FlushQueue) { writer.flush(by: queue) }

    /// Asks for more of the answer.
    func read() {
        guard let context, !isReading else { return }
        isReading = true
        context.read()
    }

    /// Nobody wants the answer any more.
    func abort() {
        owner = nil
        context?.close(promise: nil)
    }

    // MARK: the answer

    func handlerAdded(context: ChannelHandlerContext) { self.context = writer.context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard let owner else {
            // An answer that nobody asked for: whatever follows cannot be trusted.
            context.close(promise: nil)
            return
        }
        switch unwrapInboundIn(data) {
        case .head(let head):
            // Source: RFC 9110, section 15. The parser takes any three digits.
            guard head.status.code >= 100 else { return fail(.badResponse, "answers with a status that is none") }
            guard head.status.code >= 200 else { return interim(head, for: owner) }
            responseBegun = true
            keepsAlive = head.isKeepAlive
            owner.upstreamSent(head)
        case .body(let buffer): owner.upstreamSent(buffer)
        case .end(let trailers):
            self.owner = nil
            hasServed = true
            if keepsAlive, requestEnded, context.channel.isActive {
                idleSince = pool.time.now
                writer.answerEnded()
                pool.putBack(self)
                // Keeps an ear on the connection, so that its end is heard.
                read()
            } else {
                context.close(promise: nil)
            }
            owner.upstreamEnded(trailers)
        }
    }

    private func interim(_ head: HTTPResponseHead, for owner: any UpstreamOwner) {
        interimAnswers += 1
        if interimAnswers > Self.mostInterimAnswers { return fail(.badResponse, "sends more than \(Self.mostInterimAnswers) interim answers") }
        switch head.status {
        case .switchingProtocols: fail(.badResponse, "switched protocols without being asked to")
        // That is ours to say, and has been said.
        case .continue: break
        default: owner.upstreamSentInterim(head)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isReading = false
        if let owner { owner.upstreamPaused() } else { read() }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { owner?.upstreamBecameWritable() }
    }

    func channelInactive(context: ChannelHandlerContext) {
        pool.remove(self)
        fail(.reset, responseBegun ? "the connection ended in the middle of the answer" : "the connection ended before the answer")
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let error = error as? HTTPParserError {
            let cutShort = error == .invalidEOFState || error == .closedConnection
            fail(cutShort ? .reset : .badResponse, cutShort ? "the answer was cut short" : "not HTTP: \(error)")
        } else if error is NIOHTTPDecoderError || error is ByteToMessageDecoderError || error is MessageReader.Unasked
            || error is MessageReader.TooMuch
        {
            fail(.badResponse, "not HTTP: \(error)")
        } else if let error = error as? NIOSSLError {
            fail(.tls, Self.words(error))
        } else {
            fail(.reset, "the connection broke: \(UpstreamFailure.words(error))")
        }
        context.close(promise: nil)
    }

    /// For people: the library's own words name its source files.
    private static func words(_ error: NIOSSLError) -> String {
        "\(error)".contains("CERTIFICATE_VERIFY_FAILED")
            ? "its certificate is not trusted; name its authority with ca_file" : "no TLS connection could be agreed on"
    }

    private func fail(_ kind: UpstreamFailure.Kind, _ message: String) {
        guard let owner else { return }
        self.owner = nil
        context?.close(promise: nil)
        owner.upstreamFailed(UpstreamFailure(kind: kind, message: message, wasReused: hasServed && !responseBegun && interimAnswers == 0))
    }
}
