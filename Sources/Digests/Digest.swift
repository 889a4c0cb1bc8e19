internal import CNettle

/// 32 bytes that a hash function gave.
public struct Digest: Hashable, Sendable {
    /// The bytes in their order, eight to a word, as they stand in memory.
    @usableFromInline var words: (UInt64, UInt64, UInt64, UInt64)

    /// All zero.
    @inlinable
    public init() { words = (0, 0, 0, 0) }

    /// - Returns: nil unless there are exactly 32 bytes.
    @inlinable
    public init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count == 32 else { return nil }
        self.init()
        withUnsafeMutableBytes(of: &words) { $0.copyMemory(from: bytes) }
    }

    /// - Returns: nil unless there are exactly 32 bytes.
    public init?(_ bytes: [UInt8]) {
        guard let digest = bytes.withUnsafeBytes({ Digest($0) }) else { return nil }
        self = digest
    }

    /// - Returns: nil unless there are exactly 64 hex digits, of either case.
    public init?(hex: String) {
        guard let bytes = hexBytes(hex) else { return nil }
        self.init(bytes)
    }

    public var bytes: [UInt8] { withUnsafeBytes { Array($0) } }

    /// 64 lower-case hex digits.
    public var hex: String { hexText(bytes) }

    @inlinable
    public func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        var words = words
        return try Swift.withUnsafeBytes(of: &words, body)
    }

    @inlinable
    public static func == (one: Digest, other: Digest) -> Bool { one.words == other.words }

    public func hash(into hasher: inout Hasher) { withUnsafeBytes { hasher.combine(bytes: $0) } }
}

extension SHA256 {
    /// The whole digest; the hash begins anew.
    public mutating func digest() -> Digest {
        var digest = Digest()
        Swift.withUnsafeMutableBytes(of: &digest.words) {
            nettle_sha256_digest(&context, $0.count, $0.assumingMemoryBound(to: UInt8.self).baseAddress)
        }
        return digest
    }

    public mutating func update(_ bytes: [UInt8]) { bytes.withUnsafeBytes { update($0) } }

    public mutating func update(_ digest: Digest) { digest.withUnsafeBytes { update($0) } }

    public static func digest(of bytes: [UInt8]) -> Digest {
        var hash = SHA256()
        hash.update(bytes)
        return hash.digest()
    }
}

/// HMAC-SHA-256 (RFC 2104): a digest that only who has the key can compute, so that nobody guesses a short text from it.
public struct KeyedDigest: Sendable {
    private var keyed = hmac_sha256_ctx()

    /// - Parameter key: of any length; 32 random bytes are meant.
    public init(key: [UInt8]) { nettle_hmac_sha256_set_key(&keyed, key.count, key) }

    public func digest(of bytes: [UInt8]) -> Digest {
        var context = keyed
        nettle_hmac_sha256_update(&context, bytes.count, bytes)
        var digest = Digest()
        Swift.withUnsafeMutableBytes(of: &digest.words) {
            nettle_hmac_sha256_digest(&context, $0.count, $0.assumingMemoryBound(to: UInt8.self).baseAddress)
        }
        return digest
    }
}

/// The bytes that an even number of hex digits, of either case, stands for; nil for anything else.
public func hexBytes(_ text: String) -> [UInt8]? {
    let digits = Array(text.utf8)
    guard digits.count % 2 == 0 else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(digits.count / 2)
    for i in stride(from: 0, to: digits.count, by: 2) {
        guard let high = value(ofHex: digits[i]), let low = value(ofHex: digits[i + 1]) else { return nil }
        bytes.append(high << 4 | low)
    }
    return bytes
}

/// Lower-case hex digits, two for each byte.
public func hexText(_ bytes: some Sequence<UInt8>) -> String {
    var digits: [UInt8] = []
    for byte in bytes {
        digits.append(hexDigit(byte >> 4))
        digits.append(hexDigit(byte & 15))
    }
    return String(decoding: digits, as: UTF8.self)
}

private func value(ofHex digit: UInt8) -> UInt8? {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
    default: nil
    }
}
