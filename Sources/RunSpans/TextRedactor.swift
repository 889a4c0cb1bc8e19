internal import JSONText

/// Takes secrets out of text that leaves the process in another way than on spans, such as in reports.
public final class TextRedactor {
    private let redaction: Redaction
    private var redactor: Redactor

    public init(_ redaction: Redaction) {
        self.redaction = redaction
        redactor = Redactor(redaction)
    }

    /// Whether the value of this key is replaced, whatever it is.
    public func hides(_ key: String) -> Bool { redaction.hides(Array(key.utf8)) }

    /// The text without its secrets; text that is JSON is treated as JSON.
    public func redacted(_ text: String) -> String {
        guard !text.isEmpty else { return text }
        var output: [UInt8] = []
        redactor.appendText(Array(text.utf8)[...], to: &output)
        return String(decoding: output, as: UTF8.self)
    }

    /// A JSON value without its secrets, where the key that it stands under decides too.
    public func redacted(json value: String, key: String?) -> String {
        guard let key else { return redacted(value) }
        var whole = Array("{".utf8)
        JSONString.encode(key.utf8, into: &whole)
        let start = whole.count + 1
        whole.append(contentsOf: ":\(value)}".utf8)
        var output: [UInt8] = []
        redactor.appendText(whole[...], to: &output)
        // The key itself may have been taken for a secret.
        guard output.starts(with: whole[..<start]), output.count > start else { return "\"[REDACTED]\"" }
        return String(decoding: output[start..<(output.count - 1)], as: UTF8.self)
    }
}
