internal import NIOCore
internal import NIOHTTP1

/// The handler of a connection that is nearest to the network: makes messages of the bytes that come, and is the place where
/// bytes leave, so that what goes out passes no other handler.
///
/// NIO's own handler around its decoders is generic and runs unspecialised, which costs several looked up types for each read;
/// and what is written behind it goes through it. This one does the same, for these two decoders alone.
final class MessageReader: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    /// What is made of the bytes.
    enum Messages {
        case requests(HTTPRequestDecoder)
        case answers(HTTPResponseDecoder)
    }

    private enum State {
        case reading
        /// The connection ended while bytes were being decoded; the decoder is to be told.
        case ending
        case ended
        case failed(any Error)
    }

    private let messages: Messages
    private let time: LoopTime
    /// Whose requests they are; nil for answers.
    private let client: ClientConnection?
    /// From here bytes go to the network; nil while the connection is none.
    private(set) var context: ChannelHandlerContext?
    private var state = State.reading
    private var isDecoding = false
    /// Bytes that are no whole part of a message yet.
    private var rest: ByteBuffer?
    /// What was asked while answers were being decoded.
    private var asked: [HTTPRequestHead] = []
    /// Whether an answer has ended behind which the next one may come, and it has not been looked what stands behind it.
    private var hasEnded = false
    /// Whether no answer is due, so that whatever comes is none.
    private var expectsNothing = false

    /// Bytes of an answer to nothing.
    struct Unasked: Error, CustomStringConvertible {
        var description: String { "an answer that nobody asked for" }
    }

    /// More bytes than the longest field takes, and a read behind it.
    private let mostRest: Int

    /// More bytes than a decoder can have left.
    struct TooMuch: Error {}

    /// - Parameter longestField: bytes of the longest header field that the decoder takes.
    init(_ messages: Messages, time: LoopTime, longestField: Int, of client: ClientConnection? = nil) {
        mostRest = longestField + 1 << 20
        self.messages = messages
        self.time = time
        self.client = client
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        switch messages {
        case .requests(let decoder): decoder.decoderAdded(context: context)
        case .answers(let decoder): decoder.decoderAdded(context: context)
        }
        client?.connected(by: context)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        if case .reading = state { state = .ended }
        switch messages {
        case .requests(let decoder): decoder.decoderRemoved(context: context)
        case .answers(let decoder): decoder.decoderRemoved(context: context)
        }
    }

    // MARK: what comes

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        time.standing { take(unwrapInboundIn(data), context) }
    }

    private func take(_ arrived: ByteBuffer, _ context: ChannelHandlerContext) {
        if let client {
            // After a refusal the decoder may be one that takes nothing any more.
            if client.discards {
                rest = nil
                return
            }
            client.bytesArrived()
        } else if expectsNothing {
            return fail(Unasked(), context)
        }
        var bytes = arrived
        switch state {
        case .reading: break
        case .failed(let error):
            return context.fireErrorCaught(ByteToMessageDecoderError.dataReceivedInErrorState(error, bytes))
        case .ending, .ended: return
        }
        putRestBefore(&bytes)
        guard !isDecoding else {
            rest = bytes
            return
        }
        isDecoding = true
        do {
            try decode(&bytes, context)
            try endAnswer(bytes, context)
        } catch {
            isDecoding = false
            return fail(error, context)
        }
        isDecoding = false
        if bytes.readableBytes > 0 {
            // A decoder holds the field that it is at; one that has stopped, for whatever reason, would hold all.
            guard bytes.readableBytes <= mostRest else { return fail(TooMuch(), context) }
            // A message that comes in very many pieces does not hold what of it is done with.
            if bytes.readerIndex >= 2048 || bytes.readerIndex > bytes.storageCapacity / 2 { bytes.discardReadBytes() }
            rest = bytes
            client?.bytesArrived()
        }
        tellWhatWasAsked()
        if case .ending = state {
            state = .reading
            finish(context)
        }
    }

    /// Decodes what there is, and what comes while it does.
    private func decode(_ bytes: inout ByteBuffer, _ context: ChannelHandlerContext) throws {
        while true {
            switch messages {
            case .requests(let decoder): _ = try decoder.decode(context: context, buffer: &bytes)
            case .answers(let decoder): _ = try decoder.decode(context: context, buffer: &bytes)
            }
            guard var more = rest else { return }
            rest = nil
            bytes.writeBuffer(&more)
        }
    }

    /// Makes sure that nothing stands behind an answer that has ended: the beginning of another would be taken for that of the
    /// next request's.
    ///
    /// Between two answers empty lines say nothing; within a head they end it, which makes it one that nobody asked for.
    ///
    /// - Parameter bytes: what the decoder has left: a field that is cut off, which it counts on finding there again.
    private func endAnswer(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) throws {
        guard hasEnded, case .answers(let decoder) = messages else { return }
        hasEnded = false
        guard bytes.readableBytes == 0 else { throw Unasked() }
        var lines = Self.emptyLines
        _ = try decoder.decode(context: context, buffer: &lines)
        guard lines.readableBytes == 0 else { throw Unasked() }
        expectsNothing = asked.isEmpty
    }

    private static let emptyLines = ByteBuffer(string: "\r\n\r\n")

    private func putRestBefore(_ bytes: inout ByteBuffer) {
        guard var earlier = rest else { return }
        rest = nil
        earlier.writeBuffer(&bytes)
        bytes = earlier
    }

    private func fail(_ error: any Error, _ context: ChannelHandlerContext) {
        state = .failed(error)
        context.fireErrorCaught(error)
    }

    func channelInactive(context: ChannelHandlerContext) {
        finish(context)
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .inputClosed? = event as? ChannelEvent { finish(context) }
        context.fireUserInboundEventTriggered(event)
    }

    /// Nothing more comes: that ends an answer whose end nothing else tells, and breaks off any other message.
    private func finish(_ context: ChannelHandlerContext) {
        guard case .reading = state else { return }
        guard !isDecoding else {
            state = .ending
            return
        }
        state = .ended
        var bytes = rest ?? ByteBuffer()
        rest = nil
        isDecoding = true
        do {
            switch messages {
            case .requests(let decoder): _ = try decoder.decodeLast(context: context, buffer: &bytes, seenEOF: true)
            case .answers(let decoder): _ = try decoder.decodeLast(context: context, buffer: &bytes, seenEOF: true)
            }
            isDecoding = false
        } catch {
            isDecoding = false
            // A client that leaves in the middle of its request says nothing wrong; it is told of as one that left.
            if client == nil { fail(error, context) }
        }
    }

    // MARK: what is asked

    /// All that the decoder wants to know of a request is whether its answer can have a body.
    private static let withBody = HTTPRequestHead(version: .http1_1, method: .POST, uri: "/")
    private static let withoutBody = HTTPRequestHead(version: .http1_1, method: .HEAD, uri: "/")

    /// An answer to such a request will come.
    ///
    /// While bytes are being decoded, the decoder is not told yet: what else was read with an answer is no answer to a question
    /// that was asked because of it.
    func expectAnswer(to method: HTTPMethod) {
        let head =
            switch method {
            case .HEAD, .CONNECT: Self.withoutBody
            default: Self.withBody
            }
        expectsNothing = false
        asked.append(head)
        if !isDecoding { tellWhatWasAsked() }
    }

    /// The last answer is whole, and the connection may be asked again.
    func answerEnded() { hasEnded = true }

    private func tellWhatWasAsked() {
        guard !asked.isEmpty, case .answers(let decoder) = messages else { return }
        for head in asked { decoder.write(data: .head(head)) }
        asked.removeAll(keepingCapacity: true)
    }
}
