internal import JSONText
internal import Secrets

/// Applies a ``Redaction``: to plain text, and to every string, number and key within JSON.
///
/// JSON is decoded first, so that a secret written with escapes is found too; a string that holds JSON of its own (as
/// tool arguments often do) is treated as JSON.
struct Redactor: ~Copyable {
    private static let replacement = Array(#"[REDACTED]"#.utf8)
    /// How many levels of JSON within strings of JSON are opened.
    private static let maximumNesting = 4

    private let redaction: Redaction
    private let patterns: [Regex<AnyRegexOutput>]
    /// A reader that is not in use, if there is one: to make one takes longer than to read most texts.
    private var idleTape: JSONTape? = nil
    /// One that has read a longer text than this gives its memory up.
    private static let maximumIdleText = 64 << 10
    /// How many things were replaced so far.
    private var replacements = 0

    init(_ redaction: Redaction) {
        self.redaction = redaction
        // They were compiled once when they were added; one that fails now would have failed then.
        patterns = redaction.patterns.compactMap { pattern in (try? Regex(pattern)) }
    }

    /// Appends the text without its secrets.
    mutating func appendText(_ text: ArraySlice<UInt8>, to output: inout [UInt8]) {
        appendText(text, nesting: 0, to: &output)
    }

    /// Appends the JSON, compact and without its secrets. It has been validated by whoever read it.
    mutating func appendJSON(_ json: ArraySlice<UInt8>, to output: inout [UInt8]) {
        if !appendJSON(json, nesting: 0, to: &output) { output.append(contentsOf: Self.replacement) }
    }

    private mutating func appendText(_ text: ArraySlice<UInt8>, nesting: Int, to output: inout [UInt8]) {
        let start = output.count
        let first = text.first { $0 != 0x20 && $0 != 0x09 && $0 != 0x0A && $0 != 0x0D }
        if first == UInt8(ascii: "{") || first == UInt8(ascii: "["),
            nesting < Self.maximumNesting
        {
            let before = replacements
            if appendJSON(text, nesting: nesting + 1, to: &output) {
                // Text that holds no secret stays as it was written, white space and all.
                if replacements == before { output.replaceSubrange(start..., with: text) }
                return
            }
        }
        if redaction.usesBuiltInPatterns {
            replacements += SecretScanner.append(text, to: &output)
        } else {
            output.append(contentsOf: text)
        }
        guard !patterns.isEmpty else { return }
        let string = String(decoding: output[start...], as: UTF8.self)
        var redacted = string
        for pattern in patterns { redacted.replace(pattern, with: "[REDACTED]") }
        guard redacted != string else { return }
        replacements += 1
        output.replaceSubrange(start..., with: redacted.utf8)
    }

    /// - Returns: false, with nothing appended, when the text is not JSON.
    private mutating func appendJSON(_ json: ArraySlice<UInt8>, nesting: Int, to output: inout [UInt8]) -> Bool {
        json.withUnsafeBytes { text in
            var tape = takeTape()
            var isJSON = true
            do throws(JSONError) {
                try tape.parse(text)
            } catch {
                isJSON = false
            }
            // What stands in strings takes tapes of its own.
            if isJSON { append(tape, 0, of: text, nesting: nesting, to: &output) }
            if text.count <= Self.maximumIdleText { idleTape = .some(consume tape) }
            return isJSON
        }
    }

    private mutating func takeTape() -> JSONTape {
        if let tape = idleTape.take() { return tape }
        return JSONTape(maximumDepth: 1024)
    }

    private mutating func append(
        _ tape: borrowing JSONTape, _ index: Int, of text: UnsafeRawBufferPointer, nesting: Int, to output: inout [UInt8]
    ) {
        let token = tape[index]
        switch token.kind {
        case .object:
            output.append(UInt8(ascii: "{"))
            var field = index + 1
            while field < token.next {
                if field > index + 1 { output.append(UInt8(ascii: ",")) }
                let key = decoded(tape[field], of: text)
                appendString(key[...], nesting: Self.maximumNesting, to: &output)
                output.append(UInt8(ascii: ":"))
                if redaction.hides(key) {
                    JSONString.encode(Self.replacement, into: &output)
                    replacements += 1
                } else {
                    append(tape, field + 1, of: text, nesting: nesting, to: &output)
                }
                field = tape[field + 1].next
            }
            output.append(UInt8(ascii: "}"))
        case .array:
            output.append(UInt8(ascii: "["))
            var item = index + 1
            while item < token.next {
                if item > index + 1 { output.append(UInt8(ascii: ",")) }
                append(tape, item, of: text, nesting: nesting, to: &output)
                item = tape[item].next
            }
            output.append(UInt8(ascii: "]"))
        case .string:
            appendString(decoded(token, of: text)[...], nesting: nesting, to: &output)
        case .number:
            appendNumber(text[token.range], to: &output)
        case .true, .false, .null:
            output.append(contentsOf: text[token.range])
        }
    }

    private func decoded(_ token: JSONToken, of text: UnsafeRawBufferPointer) -> [UInt8] {
        let raw = UnsafeRawBufferPointer(rebasing: text[token.range])
        guard token.hasEscapes else { return Array(raw) }
        var bytes: [UInt8] = []
        JSONString.decode(raw, into: &bytes)
        return bytes
    }

    private mutating func appendString(_ string: ArraySlice<UInt8>, nesting: Int, to output: inout [UInt8]) {
        var plain: [UInt8] = []
        appendText(string, nesting: nesting, to: &plain)
        JSONString.encode(plain, into: &output)
    }

    /// A number stays as it was written, unless it is a card number.
    private mutating func appendNumber(_ number: Slice<UnsafeRawBufferPointer>, to output: inout [UInt8]) {
        // Fractions and exponents are measurements: one in ten would pass for a card by its check digit.
        guard number.allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }) else {
            output.append(contentsOf: number)
            return
        }
        var text: [UInt8] = []
        appendText(Array(number)[...], nesting: Self.maximumNesting, to: &text)
        if text.elementsEqual(number) {
            output.append(contentsOf: text)
        } else {
            JSONString.encode(text, into: &output)
        }
    }
}
