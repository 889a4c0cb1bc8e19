import Reports

extension TraceLink {
    /// Reads what `--link` says.
    ///
    /// - Throws: ``UsageError`` with the remedy.
    init(flag pattern: String) throws {
        guard let link = TraceLink(pattern: pattern) else {
            throw UsageError(
                "--link \(pattern): write an http(s) URL with {trace_id} in it, and {span_id} if you like; other braces and quotes as %7B, %7D and %22")
        }
        self = link
    }
}
