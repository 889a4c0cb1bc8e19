internal import NIOCore

/// Cuts a stream of bytes into lines, and gives each to a closure on the event loop.
///
/// Nothing is queued: a line is dealt with before the next is cut. While what is written to the peer piles up, nothing is
/// read, so a peer that talks without listening stops itself.
final class LineSplitter: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    enum Event: Sendable {
        case line([UInt8])
        /// A line had more bytes than it may. The rest of it is skipped.
        case tooLong
        /// The stream is at its end. A last line without a line break has been given.
        case end
    }

    private let maximumLine: Int
    private let take: @Sendable (Event) -> Void
    private var partial: [UInt8] = []
    private var isSkipping = false

    init(maximumLine: Int, _ take: @escaping @Sendable (Event) -> Void) {
        self.maximumLine = maximumLine
        self.take = take
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var rest = unwrapInboundIn(data).readableBytesView
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            add(rest[..<end])
            endLine()
            rest = rest[(end + 1)...]
        }
        add(rest)
    }

    private func add(_ bytes: ByteBufferView) {
        guard !isSkipping else { return }
        guard partial.count + bytes.count <= maximumLine else {
            isSkipping = true
            partial = []
            return take(.tooLong)
        }
        partial.append(contentsOf: bytes)
    }

    private func endLine() {
        defer { isSkipping = false }
        guard !isSkipping else { return }
        if partial.last == UInt8(ascii: "\r") { partial.removeLast() }
        let line = partial
        partial = []
        // Empty lines are how people space their output; they say nothing.
        if line.contains(where: { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }) { take(.line(line)) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        if !partial.isEmpty { endLine() }
        take(.end)
        context.fireChannelInactive()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        _ = context.channel.setOption(.autoRead, value: context.channel.isWritable)
        context.fireChannelWritabilityChanged()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A broken pipe in one direction; the end of the other is told by channelInactive.
        context.close(promise: nil)
    }
}
