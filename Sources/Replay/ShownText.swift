internal import RunSpans

/// Texts as reports show them: without secrets, and no longer than anyone reads.
extension TextRedactor {
    /// Of longer texts only so many bytes are looked at: an agent may answer with 16 MiB, of which reports show a page.
    static let maximumLookedAt = 1 << 16
    /// Characters at the end of what was looked at that are not shown: a secret that was cut off there is not known as one,
    /// and what closes JSON is no part of the text.
    private static let margin = 2048

    /// The text without its secrets; text that is JSON is treated as JSON.
    func shown(_ text: String, limit: Int) -> String {
        guard let start = Self.start(of: text) else { return redacted(text).cut(limit) }
        // What is no JSON from its start is none as a whole, and is not read as that.
        let first = start.first { $0 > 0x20 }
        let closed = first == UInt8(ascii: "{") || first == UInt8(ascii: "[") ? JSONStart.closed(start) : nil
        return Self.cut(redacted(String(decoding: closed ?? Array(start), as: UTF8.self)), limit)
    }

    /// A JSON value without its secrets, where the key that it stands under decides too.
    func shown(json value: String, key: String?, limit: Int) -> String {
        guard let start = Self.start(of: value) else { return redacted(json: value, key: key).cut(limit) }
        // What is replaced whole needs not be read, and what cannot be closed may hold JSON that nobody would read any more.
        if let key, hides(key) { return redacted(json: "0", key: key).cut(limit) }
        guard let closed = JSONStart.closed(start) else { return "…" }
        return Self.cut(redacted(json: String(decoding: closed, as: UTF8.self), key: key), limit)
    }

    private static func cut(_ text: String, _ limit: Int) -> String {
        String(text.prefix(min(limit, max(0, text.count - margin)))) + "…"
    }

    /// As much of a text as is looked at, to the end of a character; nil for all of it.
    private static func start(of text: String) -> ArraySlice<UInt8>? {
        guard text.utf8.count > maximumLookedAt else { return nil }
        let bytes = Array(text.utf8.prefix(maximumLookedAt + 1))
        var end = maximumLookedAt
        while end > 0, bytes[end] & 0xC0 == 0x80 { end -= 1 }
        return bytes[..<end]
    }
}
