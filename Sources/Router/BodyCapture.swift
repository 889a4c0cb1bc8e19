internal import NIOCore

/// The first bytes of a body as it passes, for the run's spans; the buffers are shared, not copied.
struct BodyCapture {
    private(set) var pieces: [ByteBuffer] = []
    /// Bytes that passed, kept or not.
    private(set) var passed = 0
    private var kept = 0
    private let limit: Int

    /// - Parameter limit: bytes to keep; 0 to count only.
    init(limit: Int) { self.limit = limit }

    var isTruncated: Bool { kept < passed }

    mutating func take(_ buffer: ByteBuffer) {
        let count = buffer.readableBytes
        passed += count
        guard kept < limit, kept + count == passed else { return }
        let room = min(count, limit - kept)
        guard let slice = buffer.getSlice(at: buffer.readerIndex, length: room) else { return }
        pieces.append(slice)
        kept += room
    }

    /// Copies of what was kept, in order.
    var chunks: [[UInt8]] { pieces.map { Array($0.readableBytesView) } }
}
