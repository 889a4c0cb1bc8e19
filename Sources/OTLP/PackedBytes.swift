/// Bytes that are put together piece by piece, in memory that is used again.
///
/// A class around bare memory: an array would be asked whether it has another owner at each of the dozens of pieces of a
/// span.
final class PackedBytes {
    private var start: UnsafeMutablePointer<UInt8>
    private var capacity = 1024
    /// Set by whoever has written behind the ``end``, within what was reserved.
    var count = 0

    init() { start = .allocate(capacity: capacity) }

    deinit { start.deallocate() }

    /// Where the next byte goes.
    @inline(__always)
    var end: UnsafeMutablePointer<UInt8> { start + count }

    /// Valid until something is appended.
    var bytes: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: start, count: count) }

    /// Makes room for `more` bytes behind the ``end``.
    @inline(__always)
    func reserve(_ more: Int) {
        if capacity - count < more { grow(more) }
    }

    @inline(__always)
    func append(_ bytes: UnsafeBufferPointer<UInt8>) {
        guard let source = bytes.baseAddress else { return }
        reserve(bytes.count)
        end.update(from: source, count: bytes.count)
        count += bytes.count
    }

    /// Appends what `body` writes, which is at most `bound` bytes; it returns how many they are.
    @inline(__always)
    func append(atMost bound: Int, _ body: (UnsafeMutablePointer<UInt8>) -> Int) {
        reserve(bound)
        count += body(end)
    }

    /// Writes over a byte that was appended.
    @inline(__always)
    func replace(at place: Int, with byte: UInt8) { start[place] = byte }

    @inline(never)
    private func grow(_ more: Int) {
        capacity = max(2 * capacity, count + more)
        let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
        larger.update(from: start, count: count)
        start.deallocate()
        start = larger
    }
}
