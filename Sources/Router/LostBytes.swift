extension String {
    /// Whether a header's value is not what was sent: where its bytes are no UTF-8, NIO's decoder (`String(decoding:as:)`) puts
    /// U+FFFD, and what stood there is lost. One that was sent as U+FFFD looks the same.
    var hasLostBytes: Bool {
        // Of ASCII, which nearly all are, both numbers are known without going through it.
        utf8.count != utf16.count && unicodeScalars.contains { $0 == "\u{FFFD}" }
    }
}
