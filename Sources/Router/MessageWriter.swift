internal import NIOCore
internal import NIOHTTP1

/// Puts messages into bytes and gathers these, so that a head, a short body and its end leave by one write.
///
/// NIO's encoders make a write of each part, and each write an existential box on its way through the pipeline; that was a
/// good part of what a request cost. Names and values come from the parser, which lets no line end into them.
///
/// A class, since the channel may call back into its handlers while it is given something: a mutating call that waited for it
/// would stand in the way of the next.
final class MessageWriter {
    /// Longer pieces of a body are passed on as they are; shorter ones are cheaper to copy than to write by themselves.
    private static let longestCopy = 4096
    /// What is gathered goes to the channel at so many bytes, so that the channel knows when it is full.
    private static let mostGathered = 16 << 10

    private var gathered = ByteBuffer()
    private var isChunked = false
    private var isFlushed = true
    private var waitsForFlush = false
    /// What the channel was given since the last flush.
    private var handedOn = 0

    // MARK: parts

    func write(_ head: HTTPRequestHead) {
        let (method, uri, fields) = (head.method.token, head.uri, head.headers.pairs)
        write(isChunked: head.headers.isChunked, size: method.utf8.count + uri.utf8.count + 16 + HeadRoom.size(of: fields)) { room in
            room.put(method)
            room.put(" ")
            room.put(uri)
            room.put(" HTTP/1.1\r\n")
            room.fields(fields)
            room.endLine()
        }
    }

    func write(_ head: HTTPResponseHead) { write(head.status, head.headers.pairs, isChunked: head.headers.isChunked) }

    /// An answer's head.
    func write(_ status: HTTPResponseStatus, _ fields: [(String, String)], isChunked: Bool) {
        let line: String
        if case .ok = status {
            line = "HTTP/1.1 200 OK\r\n"
        } else {
            line = "HTTP/1.1 \(status.code) \(status.reasonPhrase)\r\n"
        }
        write(isChunked: isChunked, size: line.utf8.count + 2 + HeadRoom.size(of: fields)) { room in
            room.put(line)
            room.fields(fields)
            room.endLine()
        }
    }

    /// A head that is put into its room by whoever knows what is in it.
    ///
    /// - Parameters:
    ///   - isChunked: how the body's end will be known.
    ///   - size: bytes that it has at most.
    ///   - fill: puts all of it, from its line to the empty one.
    func write(isChunked: Bool, size: Int, _ fill: (inout HeadRoom) -> Void) {
        self.isChunked = isChunked
        start(size, fill)
    }

    func write(_ body: ByteBuffer, to context: ChannelHandlerContext) {
        let count = body.readableBytes
        // An empty chunk would end the body.
        guard count > 0 else { return }
        isFlushed = false
        if isChunked {
            gathered.writeString(String(count, radix: 16))
            gathered.writeStaticString("\r\n")
        }
        if count <= Self.longestCopy {
            gathered.writeImmutableBuffer(body)
        } else {
            handOn(to: context)
            handedOn += count
            context.write(NIOAny(body), promise: nil)
        }
        if isChunked { gathered.writeStaticString("\r\n") }
        if gathered.readableBytes >= Self.mostGathered { handOn(to: context) }
    }

    func end(_ trailers: HTTPHeaders?) {
        guard isChunked else { return }
        isChunked = false
        let fields = trailers?.pairs ?? []
        start(HeadRoom.size(of: fields) + 5) { room in
            room.put("0\r\n")
            room.fields(fields)
            room.endLine()
        }
    }

    /// Lets what is gathered leave at the end of the loop's turn, or at once when it is much.
    ///
    /// - Parameter connection: flushes this writer.
    func flush(_ connection: any Flushing, by queue: FlushQueue) {
        guard !isFlushed else { return }
        if handedOn + gathered.readableBytes >= Self.mostGathered { return connection.flush() }
        guard !waitsForFlush else { return }
        waitsForFlush = true
        queue.add(connection)
    }

    func flush(to context: ChannelHandlerContext) {
        waitsForFlush = false
        guard !isFlushed else { return }
        isFlushed = true
        handOn(to: context)
        handedOn = 0
        context.flush()
    }

    // MARK: bytes

    private func handOn(to context: ChannelHandlerContext) {
        guard gathered.readableBytes > 0 else { return }
        let bytes = gathered
        handedOn += bytes.readableBytes
        // A connection that waits holds no buffer.
        gathered = ByteBuffer()
        context.write(NIOAny(bytes), promise: nil)
    }

    private func start(_ size: Int, _ fill: (inout HeadRoom) -> Void) {
        isFlushed = false
        // With room for a short body.
        gathered.reserveCapacity(minimumWritableBytes: size + 1024)
        gathered.writeWithUnsafeMutableBytes(minimumWritableBytes: size) { bytes in
            var room = HeadRoom(bytes)
            fill(&room)
            return room.end
        }
    }
}

/// The place of a connection to an agent where requests become bytes.
final class RequestWriter: Flushing {
    private let writer = MessageWriter()
    private let reader: MessageReader

    /// - Parameter reader: what reads the answers: it must know what was asked, since an answer to HEAD has no body.
    init(_ reader: MessageReader) { self.reader = reader }

    /// Of the handler that is nearest to the network; nil while the connection is none.
    var context: ChannelHandlerContext? { reader.context }

    func send(_ head: HTTPRequestHead) {
        guard context != nil else { return }
        reader.expectAnswer(to: head.method)
        writer.write(head)
    }

    /// A request of a client, as its record says that it goes to the arm.
    func send(_ log: RequestLog, routing: [String]) {
        guard context != nil else { return }
        reader.expectAnswer(to: log.head.method)
        log.writeHead(to: writer, routing: routing)
    }

    func send(_ body: ByteBuffer) {
        guard let context else { return }
        writer.write(body, to: context)
    }

    func end(_ trailers: HTTPHeaders?) { writer.end(trailers) }

    /// The connection may serve the next request, if nothing comes behind the answer.
    func answerEnded() { reader.answerEnded() }

    func flush() {
        guard let context else { return }
        writer.flush(to: context)
    }

    func flush(by queue: FlushQueue) { writer.flush(self, by: queue) }
}

extension HTTPHeaders {
    fileprivate var isChunked: Bool { first(name: "transfer-encoding") == "chunked" }

    /// All fields, in their order.
    fileprivate var pairs: [(String, String)] { map { ($0.name, $0.value) } }
}
