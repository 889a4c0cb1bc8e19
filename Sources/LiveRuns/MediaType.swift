/// What a Content-Type says, as far as it matters here. Asked twice for each request, so it looks at bytes.
public enum MediaType {
    /// `application/json`, `application/problem+json; charset=utf-8` and the like.
    public static func isJSON(_ type: String) -> Bool {
        // Nearly all say just this.
        if type == "application/json" { return true }
        var matched = 0
        let word: StaticString = "json"
        for byte in type.utf8 {
            if byte == UInt8(ascii: ";") { return false }
            let lower = byte | 0x20
            matched = lower == word.utf8Start[matched] ? matched + 1 : lower == word.utf8Start[0] ? 1 : 0
            if matched == word.utf8CodeUnitCount { return true }
        }
        return false
    }

    /// `text/event-stream`, whatever follows.
    public static func isEventStream(_ type: String) -> Bool {
        let word: StaticString = "text/event-stream"
        guard type.utf8.count >= word.utf8CodeUnitCount else { return false }
        return zip(type.utf8, UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount)).allSatisfy { $0 | 0x20 == $1 | 0x20 }
    }
}
