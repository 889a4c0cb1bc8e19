/// Comparison of text by its code points.
///
/// Swift's own `==` and `<` hold canonically equivalent texts (é as one scalar or as two) for equal; JSON does not, so
/// nothing in this module compares strings with them.
enum ExactText {
    static func areEqual(_ a: String, _ b: String) -> Bool {
        a.utf8.count == b.utf8.count && a.utf8.elementsEqual(b.utf8)
    }

    /// The order by UTF-16 code units, which RFC 8785 sorts keys by: negative, zero or positive.
    @inline(__always)
    static func order(_ a: some Sequence<UInt8>, _ b: some Sequence<UInt8>) -> Int {
        var left = a.makeIterator()
        var right = b.makeIterator()
        while true {
            guard let x = left.next() else { return right.next() == nil ? 0 : -1 }
            guard let y = right.next() else { return 1 }
            if x != y { return rank(x) < rank(y) ? -1 : 1 }
        }
    }

    /// UTF-8 sorts like UTF-16 but for U+E000 to U+FFFF (lead bytes EE and EF), which UTF-16 puts above its surrogates
    /// and so above all that UTF-8 writes with the lead bytes F0 to F4.
    private static func rank(_ byte: UInt8) -> UInt8 { byte == 0xEE || byte == 0xEF ? byte + 0x10 : byte }
}

/// Text as a key of a set or dictionary, equal only to the same code points.
struct ExactKey: Hashable {
    let text: String

    static func == (a: ExactKey, b: ExactKey) -> Bool { ExactText.areEqual(a.text, b.text) }

    func hash(into hasher: inout Hasher) { hasher.combineText(text) }
}

extension Hasher {
    mutating func combineText(_ text: String) {
        combine(text.utf8.count)
        var text = text
        text.withUTF8 { combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}
