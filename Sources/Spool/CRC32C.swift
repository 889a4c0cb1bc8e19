internal import CCompression

/// The checksum of records, by ISA-L.
enum CRC32C {
    /// - Parameter seed: `.max` at the beginning; the end is the complement of what comes out.
    static func adding(_ bytes: UnsafeRawBufferPointer, to seed: UInt32) -> UInt32 {
        guard let start = bytes.baseAddress else { return seed }
        // ISA-L asks for pointers that can be written through, and does not.
        return crc32_iscsi(UnsafeMutableRawPointer(mutating: start).assumingMemoryBound(to: UInt8.self), Int32(bytes.count), seed)
    }
}
