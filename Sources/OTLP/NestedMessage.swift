/// A span or log record as the field 2 that it is within its scope.
enum NestedMessage {
    /// Field 2 as LEN, wire type 2 (Protocol Buffers, "Encoding": the number of the field, then three bits of type).
    private static let tag: UInt8 = 2 << 3 | 2

    /// Packs the message with its tag and length in front.
    ///
    /// Nearly every message has a length of two bytes, for which room is left: protobuf-c leaves room for one, and moves the
    /// whole message when it sees that it needs more.
    ///
    /// - Parameters:
    ///   - pack: packs the message alone.
    ///   - packWhole: packs it with its tag and length, whatever that is.
    /// - Returns: bytes that were written.
    @inline(__always)
    static func pack(
        _ start: UnsafeMutablePointer<UInt8>, _ pack: (UnsafeMutablePointer<UInt8>) -> Int,
        orWhole packWhole: (UnsafeMutablePointer<UInt8>) -> Int
    ) -> Int {
        let count = pack(start + 3)
        guard 0x80..<0x4000 ~= count else { return packWhole(start) }
        start[0] = tag
        start[1] = UInt8(count & 0x7F | 0x80)
        start[2] = UInt8(count >> 7)
        return count + 3
    }
}
