/// One piece of a segment: some bytes, what they are, and a checksum over all of it.
///
/// A segment begins with the 16 bytes `outrigger/spool1`; records follow without gaps. A record has a header of 20 bytes,
/// integers little-endian, and its payload:
///
///     offset  size
///     0       4     "OTRR"
///     4       1     state: 0xA5 is done, anything else waits; not covered by the checksum, since it is changed in place.
///                   Written as 0; a damaged one has a record sent twice rather than not at all.
///     5       1     kind, which the caller chose
///     6       2     0
///     8       4     items in the payload (spans or log records), for the account of what is lost
///     12      4     payload's length in bytes
///     16      4     CRC-32C over bytes 5 to 15 and the payload
///     20      …     payload
enum SpoolRecord {
    static let segmentHeader = Array("outrigger/spool1".utf8)
    static let headerSize = 20
    static let stateOffset = 4
    static let done: UInt8 = 0xA5
    static let maximumPayload = 64 << 20
    private static let magic = Array("OTRR".utf8)

    struct Header {
        var isDone: Bool
        var kind: UInt8
        var items: Int
        var payloadSize: Int

        /// Bytes of the record.
        var size: Int { headerSize + payloadSize }
    }

    /// - Parameter rest: what follows the payload's first part, so that nobody needs to join them before.
    static func encode(kind: UInt8, items: Int, payload: [UInt8], _ rest: [UInt8] = []) -> [UInt8] {
        var record: [UInt8] = []
        record.reserveCapacity(headerSize + payload.count + rest.count)
        record += magic
        record += [0, kind, 0, 0]
        append(UInt32(clamping: items), to: &record)
        append(UInt32(payload.count + rest.count), to: &record)
        append(0, to: &record)
        record += payload
        record += rest
        let checksum = record.withUnsafeBytes { Self.checksum($0) }
        for i in 0..<4 { record[16 + i] = UInt8(truncatingIfNeeded: checksum >> UInt32(8 * i)) }
        return record
    }

    /// What stands at the beginning of `bytes`, whether or not the payload is what it was.
    ///
    /// - Returns: nil if it is no header, or the record would go on beyond the end.
    static func header(_ bytes: UnsafeRawBufferPointer) -> Header? {
        guard bytes.count >= headerSize, bytes.starts(with: magic), bytes[6] == 0, bytes[7] == 0 else { return nil }
        let size = Int(integer(bytes, at: 12))
        guard size <= maximumPayload, headerSize + size <= bytes.count else { return nil }
        return Header(isDone: bytes[stateOffset] == done, kind: bytes[5], items: Int(integer(bytes, at: 8)), payloadSize: size)
    }

    /// The header of the record at the beginning of `bytes`; nil unless the whole record is as it was written.
    static func whole(_ bytes: UnsafeRawBufferPointer) -> Header? {
        guard let header = header(bytes) else { return nil }
        let record = UnsafeRawBufferPointer(rebasing: bytes[..<header.size])
        return checksum(record) == integer(bytes, at: 16) ? header : nil
    }

    /// Where the next whole record begins.
    ///
    /// Content that is full of what looks like headers cannot hold up the start: after so many checksums it gives up.
    static func offsetOfNextWhole(in bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
        var offset = start
        var patience = 64 * bytes.count
        while offset + headerSize <= bytes.count, patience > 0 {
            if bytes[offset] == magic[0], let header = header(UnsafeRawBufferPointer(rebasing: bytes[offset...])) {
                if whole(UnsafeRawBufferPointer(rebasing: bytes[offset...])) != nil { return offset }
                patience -= header.size
            }
            offset += 1
        }
        return nil
    }

    /// - Parameter record: no more and no less than the record; at least a header.
    private static func checksum(_ record: UnsafeRawBufferPointer) -> UInt32 {
        ~CRC32C.adding(
            UnsafeRawBufferPointer(rebasing: record[headerSize...]),
            to: CRC32C.adding(UnsafeRawBufferPointer(rebasing: record[5..<16]), to: .max))
    }

    private static func append(_ value: UInt32, to bytes: inout [UInt8]) {
        for shift in stride(from: 0, to: 32, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value >> UInt32(shift))) }
    }

    private static func integer(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> UInt32 {
        UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }
}
