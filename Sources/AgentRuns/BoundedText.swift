extension String {
    /// The text, cut to this many bytes of UTF-8 at most, and to whole Unicode scalars.
    ///
    /// Not to whole characters: one may have any number of scalars. What comes from outside could so have any length whatever the
    /// number of its characters is, and looking for the place where a character ends reads all of them again and again.
    public func bounded(toBytes count: Int) -> String {
        guard utf8.count > count else { return self }
        var end = utf8.index(startIndex, offsetBy: count)
        while end > startIndex, utf8[end] & 0xC0 == 0x80 { end = utf8.index(before: end) }
        return String(self[..<end])
    }
}
