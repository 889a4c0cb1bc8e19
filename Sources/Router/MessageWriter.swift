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

    // MARK: parts

    func write(_ head: HTTPRequestHead) {
        isChunked = head.headers.isChunked
        start(head.method.rawValue, " ", head.uri, " HTTP/1.1\r\n", head.headers)
    }

    func write(_ head: HTTPResponseHead) {
        isChunked = head.headers.isChunked
        if head.status == .ok {
            start("HTTP/1.1 200 OK\r\n", "", "", "", head.headers)
        } else {
            start("HTTP/1.1 ", String(head.status.code), " ", head.status.reasonPhrase + "\r\n", head.headers)
        }
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
            context.write(NIOAny(body), promise: nil)
        }
        if isChunked { gathered.writeStaticString("\r\n") }
        if gathered.readableBytes >= Self.mostGathered { handOn(to: context) }
    }

    func end(_ trailers: HTTPHeaders?) {
        guard isChunked else { return }
        isChunked = false
        start("0\r\n", "", "", "", trailers ?? [:])
    }

    func flush(to context: ChannelHandlerContext) {
        guard !isFlushed else { return }
        isFlushed = true
        handOn(to: context)
        context.flush()
    }

    // MARK: bytes

    private func handOn(to context: ChannelHandlerContext) {
        guard gathered.readableBytes > 0 else { return }
        let bytes = gathered
        // A connection that waits holds no buffer.
        gathered = ByteBuffer()
        context.write(NIOAny(bytes), promise: nil)
    }

    /// A line in four pieces, and the fields after it.
    private func start(_ a: String, _ b: String, _ c: String, _ d: String, _ fields: HTTPHeaders) {
        isFlushed = false
        var size = a.utf8.count + b.utf8.count + c.utf8.count + d.utf8.count + 2
        for (name, value) in fields { size += name.utf8.count + value.utf8.count + 4 }
        // With room for a short body.
        gathered.reserveCapacity(minimumWritableBytes: size + 1024)
        gathered.writeWithUnsafeMutableBytes(minimumWritableBytes: size) { room in
            var end = 0
            func put(_ text: String) { end = text.copyUTF8(to: room, at: end) }
            func put(_ byte: UInt8) {
                room[end] = byte
                end += 1
            }
            func endLine() {
                put(0x0D)
                put(0x0A)
            }
            put(a)
            put(b)
            put(c)
            put(d)
            for (name, value) in fields {
                put(name)
                put(UInt8(ascii: ":"))
                put(0x20)
                put(value)
                endLine()
            }
            endLine()
            return end
        }
    }
}

/// The place of a connection to an agent where requests become bytes.
final class RequestWriter {
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

    func send(_ body: ByteBuffer) {
        guard let context else { return }
        writer.write(body, to: context)
    }

    func end(_ trailers: HTTPHeaders?) { writer.end(trailers) }

    func flush() {
        guard let context else { return }
        writer.flush(to: context)
    }
}

extension HTTPHeaders {
    fileprivate var isChunked: Bool { first(name: "transfer-encoding") == "chunked" }
}

extension String {
    /// - Returns: where the text ends.
    fileprivate func copyUTF8(to room: UnsafeMutableRawBufferPointer, at start: Int) -> Int {
        let copied: Void? = utf8.withContiguousStorageIfAvailable { bytes in
            UnsafeMutableRawBufferPointer(rebasing: room[start...]).copyMemory(from: UnsafeRawBufferPointer(bytes))
        }
        if copied == nil { UnsafeMutableRawBufferPointer(rebasing: room[start...]).copyBytes(from: utf8) }
        return start + utf8.count
    }
}
