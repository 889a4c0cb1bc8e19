/// Numbers as people read them, in findings and reports alike.
public enum Numbers {
    /// `1234567` as `1,234,567`.
    public static func count(_ value: Int) -> String {
        // Evidence has a count for every run, and most are small.
        if value.magnitude < 1000 { return String(value) }
        let digits = String(value.magnitude)
        var result = value < 0 ? "-" : ""
        for (i, digit) in digits.enumerated() {
            if i > 0, (digits.count - i) % 3 == 0 { result += "," }
            result.append(digit)
        }
        return result
    }

    /// `1 trace`, `2 traces`.
    public static func count(_ value: Int, _ noun: String) -> String { "\(count(value)) \(noun)\(value == 1 ? "" : "s")" }

    /// The value with this many digits after the point; `–` for what is no number.
    public static func fixed(_ value: Double, _ digits: Int) -> String {
        guard value.isFinite else { return "–" }
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        guard abs(value) * scale < 1e15 else { return "\(value)" }
        let scaled = Int((value * scale).rounded())
        let text = String(scaled.magnitude)
        let padded = String(repeating: "0", count: max(0, digits + 1 - text.count)) + text
        let whole = Int(padded.dropLast(digits)) ?? 0
        return (scaled < 0 ? "-" : "") + count(whole) + (digits > 0 ? "." + padded.suffix(digits) : "")
    }

    /// Four digits that count: `1,235`, `12.35`, `0.9540` as `0.954`.
    public static func measured(_ value: Double) -> String {
        guard value.isFinite else { return "–" }
        let size = abs(value)
        if size != 0, size < 0.0001 { return "\(value)" }
        let text = fixed(value, size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? 2 : size >= 1 ? 3 : 4)
        guard text.contains(".") else { return text }
        var short = text
        while short.hasSuffix("0") { short.removeLast() }
        if short.hasSuffix(".") { short.removeLast() }
        return short
    }

    /// `0.0391`, `< 0.0001`; `–` for none.
    public static func pValue(_ value: Double?) -> String {
        guard let value, value.isFinite else { return "–" }
        return value < 0.0001 ? "< 0.0001" : fixed(value, 4)
    }

    /// `0.954` as `95.4 %`, `0.15` as `15 %`.
    public static func percent(_ share: Double) -> String { tenths(share * 100) + " %" }

    /// A difference of shares: `0.055` as `+5.5 %`.
    public static func signedPercent(_ share: Double) -> String { (share > 0 ? "+" : "") + percent(share) }

    /// `1.215`, `0.967`, `1.000`.
    public static func ratio(_ value: Double) -> String { fixed(value, 3) }

    /// A time in milliseconds without its unit: `1,644`, and below 10 `4.7`.
    public static func time(_ milliseconds: Double) -> String {
        if let whole = Int(exactly: milliseconds) { return count(whole) }
        return abs(milliseconds) < 9.95 ? tenths(milliseconds) : fixed(milliseconds, 0)
    }

    /// `1,644 ms`, `4.7 ms`; `–` for none.
    public static func milliseconds(_ value: Double?) -> String { value.map { time($0) + " ms" } ?? "–" }

    /// One digit after the point, unless it is 0.
    private static func tenths(_ value: Double) -> String {
        let text = fixed(value, 1)
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }

    /// `2.25 s`, from 10 seconds on `12 s`.
    public static func seconds(_ value: Double) -> String { fixed(value, value < 10 ? 2 : 0) + " s" }
}
