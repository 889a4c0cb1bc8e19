internal import CCompression

/// One piece of a segment: some bytes, what they are, and a checksum over all of it.
///
/// A segment begins with the 16 bytes `outrigger/spool1`; records follow without gaps. A record has a header of 20 bytes,
/// integers little-endian, and its payload:
///
///     offset  size
///     0       4     "OTRR"
///     4       1     state: 0 waits, 1 is done; not covered by the checksum, since it is changed in place
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
    static let maximumPayload = 64 << 20
    private static let magic = Array("OTRR".utf8)

    struct Header {
        var isDone: Bool
        var kind: UInt8
        var items: Int
        var payloadSize: Int
        var checksum: UInt32
    }

    static func encode(kind: UInt8, items: Int, payload: [UInt8]) -> [UInt8] {
        var record = magic + [0, kind, 0, 0]
        record.reserveCapacity(headerSize + payload.count)
        append(UInt32(clamping: items), to: &record)
        append(UInt32(payload.count), to: &record)
        append(checksum(record[5..<16], payload), to: &record)
        record += payload
        return record
    }

    /// - Returns: nil if the bytes are no header.
    static func header(_ bytes: [UInt8]) -> Header? {
        guard bytes.count == headerSize, bytes[0..<4].elementsEqual(magic), bytes[4] <= 1, bytes[6] == 0, bytes[7] == 0 else { return nil }
        let size = Int(integer(bytes, at: 12))
        guard size <= maximumPayload else { return nil }
        return Header(
            isDone: bytes[4] == 1, kind: bytes[5], items: Int(integer(bytes, at: 8)), payloadSize: size, checksum: integer(bytes, at: 16))
    }

    /// Whether the payload is the one that the header is of.
    static func matches(_ headerBytes: [UInt8], _ header: Header, _ payload: [UInt8]) -> Bool {
        checksum(headerBytes[5..<16], payload) == header.checksum
    }

    private static func checksum(_ header: ArraySlice<UInt8>, _ payload: [UInt8]) -> UInt32 {
        var crc = UInt32.max
        var head = Array(header)
        head.withUnsafeMutableBufferPointer { crc = crc32_iscsi($0.baseAddress, Int32($0.count), crc) }
        payload.withUnsafeBufferPointer { crc = crc32_iscsi(UnsafeMutablePointer(mutating: $0.baseAddress), Int32($0.count), crc) }
        return ~crc
    }

    private static func append(_ value: UInt32, to bytes: inout [UInt8]) {
        for shift in stride(from: 0, to: 32, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value >> UInt32(shift))) }
    }

    private static func integer(_ bytes: [UInt8], at offset: Int) -> UInt32 {
        (0..<4).reduce(0) { $0 | UInt32(bytes[offset + $1]) << UInt32(8 * $1) }
    }
}
