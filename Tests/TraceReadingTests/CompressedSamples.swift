/// 700 lines, and what `gzip -9n` 1.12 and `zstd -19` 1.5 made of them: much text out of few bytes, so that a reader holds
/// all input long before it has given all output.
enum CompressedSamples {
    static let lines = (0..<700).map { "line \($0 % 7) of the file" }

    static let gzip = bytes(
        """
        1f8b0800000000000203edceb90dc0201000b03e53dc08f9370205098526fb2ba2be15dcba726f6f8935468def29515b2f4b9fb465da331d
        99ce4c57a63b9384848484848484848484848484848484848484848484848484848484848484848484848484848484848484848484848484
        84c4a41fff380da2f4330000
        """)

    static let zstd = bytes(
        """
        28b52ffd64f432750100c86c696e652030206f66207468652066696c650a31323334353608209063eb6c13c183e33ce649ef3c1617adb561
        c0bb2eae
        """)

    private static func bytes(_ hex: String) -> [UInt8] {
        let digits = hex.compactMap(\.hexDigitValue)
        return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }

    /// A gzip member that holds the text as it is (RFC 1952, and a stored block of RFC 1951).
    static func storedGzip(_ text: String) -> [UInt8] {
        let bytes = Array(text.utf8)
        let size = UInt16(bytes.count)
        return [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 1] + littleEndian(size) + littleEndian(~size) + bytes
            + littleEndian(crc32(bytes)) + littleEndian(UInt32(bytes.count))
    }

    /// A zstd frame of raw blocks (RFC 8878, section 3.1.1).
    static func storedZstd(_ bytes: [UInt8]) -> [UInt8] {
        var frame: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD, 0xA0] + littleEndian(UInt32(bytes.count))
        var rest = bytes[...]
        repeat {
            let block = rest.prefix(128 << 10)
            rest = rest.dropFirst(block.count)
            frame += littleEndian(UInt32(block.count << 3 | (rest.isEmpty ? 1 : 0))).prefix(3) + block
        } while !rest.isEmpty
        return frame
    }

    private static func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian, Array.init)
    }

    private static func crc32(_ bytes: [UInt8]) -> UInt32 {
        ~bytes.reduce(~0) { crc, byte in
            (0..<8).reduce(crc ^ UInt32(byte)) { crc, _ in crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
        }
    }
}
