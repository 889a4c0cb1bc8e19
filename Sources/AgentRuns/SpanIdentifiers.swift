/// A W3C trace id: 16 bytes, not all zero.
///
/// Source: W3C Trace Context, section 3.2.2.3.
public struct TraceID: Hashable, Sendable {
    /// The id's first eight bytes, big-endian.
    public let high: UInt64
    /// The id's last eight bytes, big-endian.
    public let low: UInt64

    /// The all-zero id is invalid; its last byte becomes 1.
    @inlinable
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = high == 0 && low == 0 ? 1 : low
    }

    /// Decodes exactly 32 hex digits of either case.
    ///
    /// - Returns: nil for anything else, the all-zero id among it.
    public init?(hex: some Sequence<UInt8>) {
        var digits = 0
        var high: UInt64 = 0
        var low: UInt64 = 0
        for byte in hex {
            guard digits < 32, let nibble = hexValue(byte) else { return nil }
            high = high << 4 | low >> 60
            low = low << 4 | UInt64(nibble)
            digits += 1
        }
        guard digits == 32, high != 0 || low != 0 else { return nil }
        self.init(high: high, low: low)
    }

    /// Decodes 16 bytes, big-endian.
    ///
    /// - Returns: nil for any other number of bytes; the all-zero id is taken as ``init(high:low:)`` takes it.
    public init?(bytes: [UInt8]) {
        guard bytes.count == 16 else { return nil }
        self.init(high: bigEndianValue(bytes[..<8]), low: bigEndianValue(bytes[8...]))
    }

    /// 16 bytes, big-endian.
    public var bytes: [UInt8] { (0..<16).map { UInt8(truncatingIfNeeded: ($0 < 8 ? high : low) >> UInt64(56 - 8 * ($0 % 8))) } }

    /// 32 lower-case hex digits.
    public var hex: String {
        String(unsafeUninitializedCapacity: 32) { digits in
            putHex(high, in: digits, at: 0)
            putHex(low, in: digits, at: 16)
            return 32
        }
    }
}

/// A W3C parent id, which is an OpenTelemetry span id: 8 bytes, not all zero.
public struct SpanID: Hashable, Sendable {
    /// The id's bytes, big-endian.
    public let value: UInt64

    /// The all-zero id is invalid; its last byte becomes 1.
    @inlinable
    public init(_ value: UInt64) {
        self.value = value == 0 ? 1 : value
    }

    /// Decodes 8 bytes, big-endian.
    ///
    /// - Returns: nil for any other number of bytes; the all-zero id is taken as ``init(_:)`` takes it.
    public init?(bytes: [UInt8]) {
        guard bytes.count == 8 else { return nil }
        self.init(bigEndianValue(bytes[...]))
    }

    /// 8 bytes, big-endian.
    public var bytes: [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: value >> UInt64(56 - 8 * $0)) } }

    /// 16 lower-case hex digits.
    public var hex: String { hexString(value) }
}

/// The value of a hex digit of either case, nil for any other byte.
@inlinable
public func hexValue(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
}

/// The lower-case hex digit of a value below 16.
@inlinable
public func hexDigit(_ nibble: UInt8) -> UInt8 {
    nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10
}

private func bigEndianValue(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }

private func hexString(_ value: UInt64) -> String {
    String(unsafeUninitializedCapacity: 16) { digits in
        putHex(value, in: digits, at: 0)
        return 16
    }
}

/// 16 lower-case digits.
private func putHex(_ value: UInt64, in digits: UnsafeMutableBufferPointer<UInt8>, at start: Int) {
    for i in 0..<16 { digits[start + i] = hexDigit(UInt8(truncatingIfNeeded: value >> UInt64(60 - 4 * i)) & 15) }
}
