/// Reads `OTEL_*` variables by the rules that hold for all of them, and keeps what it had to complain about.
///
/// Source: OpenTelemetry specification, "Environment Variable Specification": an empty variable is unset; what cannot be
/// read is warned about and ignored.
public struct OTelEnvironment: Sendable {
    private let variables: [String: String]
    /// What could not be used, one sentence each.
    public private(set) var warnings: [String] = []

    public init(_ variables: [String: String]) { self.variables = variables }

    public func string(_ name: String) -> String? { variables[name].flatMap { $0.isEmpty ? nil : $0 } }

    /// True only for `true` in any case.
    public mutating func bool(_ name: String) -> Bool {
        guard let text = string(name) else { return false }
        switch text.lowercased() {
        case "true": return true
        case "false": return false
        default:
            warn(name, "\"\(text)\" is neither true nor false; it counts as false")
            return false
        }
    }

    public mutating func integer(_ name: String, atLeast minimum: Int) -> Int? {
        guard let text = string(name) else { return nil }
        guard let value = Int(text), value >= minimum else {
            warn(name, "\"\(text)\" is not a whole number of at least \(minimum); ignored")
            return nil
        }
        return value
    }

    public mutating func number(_ name: String, in range: ClosedRange<Double>) -> Double? {
        guard let text = string(name) else { return nil }
        guard let value = Double(text), range.contains(value) else {
            warn(name, "\"\(text)\" is not a number from \(range.lowerBound) to \(range.upperBound); ignored")
            return nil
        }
        return value
    }

    /// One of the known words, in any case.
    public mutating func word(_ name: String, of known: [String]) -> String? {
        guard let text = string(name) else { return nil }
        let word = text.lowercased()
        guard known.contains(word) else {
            warn(name, "\"\(text)\" is none of \(known.joined(separator: ", ")); ignored")
            return nil
        }
        return word
    }

    /// `key=value,key=value`, percent-decoded, spaces around keys and values dropped.
    ///
    /// - Returns: nil when the variable is unset or any part of it cannot be decoded: then all of it is ignored.
    public mutating func pairs(_ name: String) -> [(key: String, value: String)]? {
        guard let text = string(name) else { return nil }
        var pairs: [(key: String, value: String)] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: true) {
            let halves = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard halves.count == 2, let key = Self.decoded(halves[0]), let value = Self.decoded(halves[1]), !key.isEmpty else {
                // The value may be a secret: it is not repeated here.
                warn(name, "it is not a list of key=value pairs with percent-encoding; all of it is ignored")
                return nil
            }
            pairs.append((key, value))
        }
        return pairs
    }

    mutating func warn(_ name: String, _ problem: String) { warnings.append("\(name): \(problem)") }

    /// nil for a stray `%` or bytes that are not UTF-8.
    private static func decoded(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let first = rest.first, first == 0x20 || first == 0x09 { rest.removeFirst() }
        while let last = rest.last, last == 0x20 || last == 0x09 { rest.removeLast() }
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            let digits = String(decoding: rest.prefix(2), as: UTF8.self)
            guard digits.count == 2, digits.allSatisfy(\.isHexDigit), let value = UInt8(digits, radix: 16) else { return nil }
            bytes.append(value)
            rest.removeFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
