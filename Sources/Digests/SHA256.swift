internal import CNettle

/// SHA-256 by Nettle, which hashes a short input in a fifth of the time that swift-crypto takes: a backfill hashes more
/// than once for every span.
public struct SHA256 {
    var context = sha256_ctx()

    public init() { nettle_sha256_init(&context) }

    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        nettle_sha256_update(&context, bytes.count, bytes.assumingMemoryBound(to: UInt8.self).baseAddress)
    }

    /// The digest's first 16 bytes, big-endian, which is all that an id needs.
    public mutating func prefix() -> (UInt64, UInt64) {
        var digest: (UInt64, UInt64) = (0, 0)
        withUnsafeMutableBytes(of: &digest) {
            nettle_sha256_digest(&context, $0.count, $0.assumingMemoryBound(to: UInt8.self).baseAddress)
        }
        return (UInt64(bigEndian: digest.0), UInt64(bigEndian: digest.1))
    }

    /// The first 16 bytes of the digest, big-endian.
    public static func prefix(of bytes: UnsafeRawBufferPointer) -> (UInt64, UInt64) {
        var hash = SHA256()
        hash.update(bytes)
        return hash.prefix()
    }

    /// The whole digest, read as a big-endian integer, modulo a small number.
    public mutating func remainder(dividingBy divisor: Int) -> Int {
        withUnsafeTemporaryAllocation(byteCount: 32, alignment: 8) { digest in
            nettle_sha256_digest(&context, 32, digest.assumingMemoryBound(to: UInt8.self).baseAddress)
            return digest.reduce(0) { ($0 * 256 + Int($1)) % divisor }
        }
    }

    /// Appends the digest as 64 lower-case hex digits.
    public static func appendHex(of bytes: UnsafeRawBufferPointer, to output: inout [UInt8]) {
        var hash = SHA256()
        hash.update(bytes)
        withUnsafeTemporaryAllocation(byteCount: 32, alignment: 8) { digest in
            nettle_sha256_digest(&hash.context, 32, digest.assumingMemoryBound(to: UInt8.self).baseAddress)
            output.append(addingCapacity: 64) { (free: inout OutputSpan<UInt8>) in
                for byte in digest {
                    free.append(hexDigit(byte >> 4))
                    free.append(hexDigit(byte & 15))
                }
            }
        }
    }
}

/// Lower case. The model's own function is no business of a digest.
func hexDigit(_ nibble: UInt8) -> UInt8 {
    nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10
}
