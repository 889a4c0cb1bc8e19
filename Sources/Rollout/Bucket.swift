internal import Digests

/// Where a sticky key falls in [0, 100), to a hundredth: the same in router, OFREP and spans.
///
/// `h` is SHA-256 of the key's UTF-8 bytes, read as a big-endian integer; the bucket is `h mod 100` plus
/// `((h div 100) mod 100) / 100`. So a whole percentage takes exactly the keys for which `h % 100 < percent`, and raising a
/// percentage never moves anyone out. A salt stands in front of the key, with a NUL between.
public struct Bucket: Hashable, Sendable, CustomStringConvertible {
    /// Hundredths of a percent: 0 to 9999.
    public let hundredths: Int

    public init(of key: String, salt: String? = nil) {
        var hash = SHA256()
        if let salt {
            var salted = salt + "\0"
            salted.withUTF8 { hash.update(UnsafeRawBufferPointer($0)) }
        }
        var key = key
        key.withUTF8 { hash.update(UnsafeRawBufferPointer($0)) }
        // All that is asked of the 256 bits is their remainder by 10,000: its last two digits, and the two before them.
        let remainder = hash.remainder(dividingBy: 10_000)
        hundredths = remainder % 100 * 100 + remainder / 100
    }

    /// Percent.
    public var position: Double { Double(hundredths) / 100 }
    public var description: String { Percentage(hundredths: hundredths).description }

    public func isWithin(_ percentage: Percentage) -> Bool { hundredths < percentage.hundredths }
}

/// A share of all keys, to a hundredth of a percent.
public struct Percentage: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// 0 to 10,000.
    public let hundredths: Int

    public static let none = Percentage(hundredths: 0)
    public static let all = Percentage(hundredths: 10_000)

    init(hundredths: Int) { self.hundredths = hundredths }

    /// - Parameter percent: 0 to 100 with at most two decimals; nil for anything else.
    public init?(percent: Double) {
        guard percent.isFinite, (0...100).contains(percent) else { return nil }
        let hundredths = (percent * 100).rounded()
        guard abs(percent * 100 - hundredths) < 1e-6 else { return nil }
        self.hundredths = Int(hundredths)
    }

    public var percent: Double { Double(hundredths) / 100 }

    /// `12`, `12.5`, `0.05`.
    public var description: String {
        let (whole, rest) = hundredths.quotientAndRemainder(dividingBy: 100)
        if rest == 0 { return String(whole) }
        return "\(whole).\(rest < 10 ? "0" : "")\(rest % 10 == 0 ? rest / 10 : rest)"
    }

    public static func < (a: Percentage, b: Percentage) -> Bool { a.hundredths < b.hundredths }
}
