internal import CCurl

/// How long a receiver asks to be left alone.
///
/// Source: RFC 9110, section 10.2.3: a number of seconds or an HTTP date.
enum RetryAfter {
    /// - Parameter now: Unix seconds.
    /// - Returns: nil for a text that is neither.
    static func wait(_ text: String, now: Int) -> Duration? {
        if let seconds = UInt32(text) { return .seconds(Int64(seconds)) }
        let date = curl_getdate(text, nil)
        return date < 0 ? nil : .seconds(Int64(max(0, date - now)))
    }
}
