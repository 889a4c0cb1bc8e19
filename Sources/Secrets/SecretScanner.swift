/// Finds what should never leave in plain text, by shape: e-mail addresses, card numbers with a valid check digit, bearer
/// tokens, and the API keys of common services.
///
/// Each find is replaced by a word that says what it was, so that a reader knows something stood there.
public enum SecretScanner {
    /// Appends the text without its secrets.
    ///
    /// - Returns: how many there were.
    public static func append(_ text: ArraySlice<UInt8>, to output: inout [UInt8]) -> Int {
        var finds = 0
        var written = text.startIndex
        var i = text.startIndex
        while i < text.endIndex {
            guard let find = find(in: text, at: i, notBefore: written) else {
                i += 1
                continue
            }
            output.append(contentsOf: text[written..<find.range.lowerBound])
            output.append(contentsOf: find.replacement.utf8)
            written = find.range.upperBound
            i = written
            finds += 1
        }
        output.append(contentsOf: text[written...])
        return finds
    }

    /// What kind of secret a text has the shape of.
    public enum Kind: String, Sendable {
        case email, card, token, privateKey = "private_key", apiKey = "api_key"
    }

    /// Something that has the shape of a secret.
    public struct Find: Sendable {
        /// Places in the text.
        public var range: Range<Int>
        public var kind: Kind

        fileprivate var replacement: String { "[REDACTED:\(kind.rawValue)]" }
    }

    /// All that has the shape of a secret, in the order of the text.
    public static func finds(in text: ArraySlice<UInt8>) -> [Find] {
        var finds: [Find] = []
        var from = text.startIndex
        var i = from
        while i < text.endIndex {
            guard let find = find(in: text, at: i, notBefore: from) else {
                i += 1
                continue
            }
            finds.append(find)
            from = find.range.upperBound
            i = from
        }
        return finds
    }

    private static func find(in text: ArraySlice<UInt8>, at i: Int, notBefore start: Int) -> Find? {
        let byte = text[i]
        if byte == UInt8(ascii: "@") {
            return email(in: text, at: i, notBefore: start).map { Find(range: $0, kind: .email) }
        }
        let isStart = i == text.startIndex || !isWord(text[i - 1])
        guard isStart else { return nil }
        if isDigit(byte) {
            return card(in: text, from: i).map { Find(range: $0, kind: .card) }
        }
        if byte | 0x20 == UInt8(ascii: "b"), let token = bearer(in: text, from: i) {
            return Find(range: token, kind: .token)
        }
        if byte == UInt8(ascii: "-"), let key = privateKey(in: text, from: i) {
            return Find(range: key, kind: .privateKey)
        }
        return apiKey(in: text, from: i).map { Find(range: $0, kind: .apiKey) }
    }

    // MARK: e-mail

    private static func email(in text: ArraySlice<UInt8>, at sign: Int, notBefore start: Int) -> Range<Int>? {
        var from = sign
        while from > start, isWord(text[from - 1]) || ".%+-".utf8.contains(text[from - 1]) { from -= 1 }
        var to = sign + 1
        while to < text.endIndex, isWord(text[to]) && text[to] != UInt8(ascii: "_") || to < text.endIndex && ".-".utf8.contains(text[to]) {
            to += 1
        }
        // A sentence's full stop is not the address's.
        while to > sign + 1, ".-".utf8.contains(text[to - 1]) { to -= 1 }
        guard from < sign, let dot = text[sign + 1..<to].lastIndex(of: UInt8(ascii: ".")), dot > sign + 1,
            to - dot > 2, text[dot + 1..<to].allSatisfy(isLetter)
        else { return nil }
        return from..<to
    }

    // MARK: cards

    /// 13 to 19 digits, with single spaces or dashes between them, whose check digit is right and whose first digit is one
    /// that payment cards have. Digits may follow after a space, such as an expiry date: then the card is the longest
    /// such part.
    ///
    /// Source: ISO/IEC 7812-1, annex B (the Luhn formula) and the major industry identifiers.
    private static func card(in text: ArraySlice<UInt8>, from: Int) -> Range<Int>? {
        guard (UInt8(ascii: "2")...UInt8(ascii: "6")).contains(text[from]), !isFraction(text, from) else { return nil }
        var digits: [UInt8] = []
        var found: Int?
        var i = from
        var end = from
        while i < text.endIndex, digits.count < 19 {
            if isDigit(text[i]) {
                digits.append(text[i] - UInt8(ascii: "0"))
                i += 1
                end = i
                let isWhole = end == text.endIndex || !isWord(text[end])
                if digits.count >= 13, isWhole, hasValidCheckDigit(digits) { found = end }
            } else if i == end, text[i] == UInt8(ascii: " ") || text[i] == UInt8(ascii: "-") {
                i += 1
            } else {
                break
            }
        }
        return found.map { from..<$0 }
    }

    /// Whether the digits at `start` are those after a decimal point.
    private static func isFraction(_ text: ArraySlice<UInt8>, _ start: Int) -> Bool {
        start - 2 >= text.startIndex && text[start - 1] == UInt8(ascii: ".") && isDigit(text[start - 2])
    }

    private static func hasValidCheckDigit(_ digits: [UInt8]) -> Bool {
        var sum = 0
        for (place, digit) in digits.reversed().enumerated() {
            let doubled = Int(digit) * 2
            sum += place % 2 == 0 ? Int(digit) : doubled > 9 ? doubled - 9 : doubled
        }
        return sum % 10 == 0
    }

    // MARK: tokens and keys

    private static func bearer(in text: ArraySlice<UInt8>, from: Int) -> Range<Int>? {
        let word = text[from...].prefix(6)
        guard word.map({ $0 | 0x20 }).elementsEqual("bearer".utf8) else { return nil }
        var token = from + 6
        while token < text.endIndex, " \t:".utf8.contains(text[token]) { token += 1 }
        guard token > from + 6 else { return nil }
        let count = text[token...].prefix { isWord($0) || ".~+/=-".utf8.contains($0) }.count
        return count >= 8 ? token..<token + count : nil
    }

    private static func privateKey(in text: ArraySlice<UInt8>, from: Int) -> Range<Int>? {
        guard text[from...].starts(with: "-----BEGIN ".utf8) else { return nil }
        let marker = Array("PRIVATE KEY-----".utf8)
        let header = text[from...].prefix(80)
        guard let start = header.indices.first(where: { text[$0...].starts(with: marker) }) else { return nil }
        // Up to the end marker's line, or all that is left when it is cut off.
        let end = Array("-----END ".utf8)
        var i = start + marker.count
        while i < text.endIndex {
            if text[i...].starts(with: end) {
                let tail = text[(i + end.count)...]
                guard let dashes = tail.firstIndex(of: UInt8(ascii: "-")) else { return from..<text.endIndex }
                return from..<Swift.min(dashes + 5, text.endIndex)
            }
            i += 1
        }
        return from..<text.endIndex
    }

    /// A prefix that a service gives its keys, and how many letters, digits, `_` and `-` must follow.
    private static let keyShapes: [(prefix: [UInt8], minimum: Int)] = [
        ("sk-", 16), ("sk_live_", 10), ("sk_test_", 10), ("rk_live_", 10), ("rk_test_", 10), ("pk_live_", 10),
        ("ghp_", 30), ("gho_", 30), ("ghu_", 30), ("ghs_", 30), ("ghr_", 30), ("github_pat_", 30), ("glpat-", 16),
        ("xoxb-", 10), ("xoxp-", 10), ("xoxa-", 10), ("xoxr-", 10), ("xoxs-", 10), ("xapp-", 10),
        ("AKIA", 16), ("ASIA", 16), ("AIza", 30), ("hf_", 20), ("npm_", 30), ("pypi-", 30), ("SG.", 30), ("gsk_", 30),
        ("pplx-", 30), ("whsec_", 20), ("dop_v1_", 30), ("shpat_", 20), ("eyJ", 30),
    ].map { (Array($0.0.utf8), $0.1) }

    /// The shapes by the first bytes of their prefixes: most words are looked up and found to be none.
    private static let keyShapesByStart: [[(prefix: [UInt8], minimum: Int)]] = (0...UInt8.max).map { start in
        keyShapes.filter { $0.prefix[0] == start }
    }

    private static func apiKey(in text: ArraySlice<UInt8>, from: Int) -> Range<Int>? {
        for shape in keyShapesByStart[Int(text[from])] {
            // The second byte tells nearly all others apart.
            guard from + 1 < text.endIndex, text[from + 1] == shape.prefix[1], text[from...].starts(with: shape.prefix) else { continue }
            // JSON web tokens and some keys have parts with dots between them.
            let body = text[(from + shape.prefix.count)...].prefix { isWord($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".") }
            let count = body.count - body.reversed().prefix { $0 == UInt8(ascii: ".") }.count
            if count >= shape.minimum { return from..<from + shape.prefix.count + count }
        }
        return nil
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

    private static func isLetter(_ byte: UInt8) -> Bool {
        let lower = byte | 0x20
        return lower >= UInt8(ascii: "a") && lower <= UInt8(ascii: "z")
    }

    /// A letter, a digit, an underscore, or part of a character beyond ASCII.
    private static func isWord(_ byte: UInt8) -> Bool {
        isDigit(byte) || isLetter(byte) || byte == UInt8(ascii: "_") || byte >= 0x80
    }
}
