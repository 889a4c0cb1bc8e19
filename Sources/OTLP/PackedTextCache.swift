internal import Glibc
internal import RunSpans

/// Text attributes as protobuf-c packed them before: names of tools, agents, versions and outcomes repeat on nearly every
/// run, and copying their bytes takes a fifth of the time that packing them takes.
///
/// A table of fixed size with one place for each hash; a newer attribute takes the place of an older one.
struct PackedTextCache {
    private struct Entry {
        var key: UnsafePointer<UInt8>
        var text: [UInt8]
        var packed: [UInt8]
    }

    private static let size = 256
    /// Longer texts hardly repeat.
    static let maximumText = 48

    private var entries: [Entry?] = Array(repeating: nil, count: size)

    /// Appends the packed attribute if it is known.
    func append(_ key: AttributeKey, _ text: UnsafeBufferPointer<UInt8>, to output: inout [UInt8]) -> Bool {
        guard let entry = entries[Self.place(key, text)], entry.key == key.name.utf8Start, entry.text.count == text.count,
            entry.text.withUnsafeBufferPointer({ $0.isSame(as: text) })
        else { return false }
        output.append(contentsOf: entry.packed)
        return true
    }

    mutating func insert(_ key: AttributeKey, _ text: UnsafeBufferPointer<UInt8>, packed: ArraySlice<UInt8>) {
        entries[Self.place(key, text)] = Entry(key: key.name.utf8Start, text: Array(text), packed: Array(packed))
    }

    /// FNV-1a over the text, with the key's address in front.
    private static func place(_ key: AttributeKey, _ text: UnsafeBufferPointer<UInt8>) -> Int {
        var hash = UInt64(UInt(bitPattern: key.name.utf8Start)) &* 0x100_0000_01B3
        for byte in text { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return Int(truncatingIfNeeded: hash >> 40) & (size - 1)
    }
}

extension UnsafeBufferPointer<UInt8> {
    /// Whether both hold the same bytes; both have the same count.
    fileprivate func isSame(as other: Self) -> Bool {
        guard let mine = baseAddress, let theirs = other.baseAddress else { return true }
        return memcmp(mine, theirs, count) == 0
    }
}
