internal import Glibc
internal import RunSpans

/// Text attributes as protobuf-c packed them before: names of tools, agents, versions and outcomes repeat on nearly every
/// run, and copying their bytes takes a fifth of the time that packing them takes.
///
/// A table of fixed size with one place for each hash; a newer attribute takes the place of an older one. All is in flat
/// memory: arrays in the entries would have to be retained for every look.
final class PackedTextCache {
    private struct Entry {
        var key: UnsafePointer<UInt8>?
        var textCount = 0
        var packedCount = 0
    }

    private static let size = 256
    /// Longer texts hardly repeat.
    static let maximumText = 48
    /// Bytes of a packed attribute; longer ones are not kept.
    private static let maximumPacked = 128

    private let entries = UnsafeMutablePointer<Entry>.allocate(capacity: size)
    /// The packed attribute of each entry. It ends with the text.
    private let packed = UnsafeMutablePointer<UInt8>.allocate(capacity: size * maximumPacked)

    init() { entries.initialize(repeating: Entry(), count: Self.size) }

    deinit {
        entries.deallocate()
        packed.deallocate()
    }

    /// Appends the packed attribute if it is known.
    func append(_ key: AttributeKey, _ text: UnsafeBufferPointer<UInt8>, to output: inout [UInt8]) -> Bool {
        let place = Self.place(key, text)
        let entry = entries[place]
        guard entry.key == key.name.utf8Start, entry.textCount == text.count else { return false }
        let bytes = UnsafeBufferPointer(start: packed + place * Self.maximumPacked, count: entry.packedCount)
        if let mine = bytes.baseAddress, let theirs = text.baseAddress {
            guard memcmp(mine + entry.packedCount - text.count, theirs, text.count) == 0 else { return false }
        }
        output.append(contentsOf: bytes)
        return true
    }

    func insert(_ key: AttributeKey, _ text: UnsafeBufferPointer<UInt8>, packed bytes: ArraySlice<UInt8>) {
        guard bytes.count <= Self.maximumPacked else { return }
        let place = Self.place(key, text)
        entries[place] = Entry(key: key.name.utf8Start, textCount: text.count, packedCount: bytes.count)
        _ = UnsafeMutableBufferPointer(start: packed + place * Self.maximumPacked, count: bytes.count)
            .update(from: bytes)
    }

    /// A hash of the text and the key's address. Texts of eight bytes and more are taken eight at a time, the last eight
    /// overlapping those before: nothing depends on the hash but speed.
    private static func place(_ key: AttributeKey, _ text: UnsafeBufferPointer<UInt8>) -> Int {
        let bytes = UnsafeRawBufferPointer(text)
        var hash = UInt64(UInt(bitPattern: key.name.utf8Start)) ^ UInt64(bytes.count) << 56
        if bytes.count >= 8 {
            var i = 0
            while i + 8 < bytes.count {
                hash = mix(hash ^ bytes.loadUnaligned(fromByteOffset: i, as: UInt64.self))
                i += 8
            }
            hash ^= bytes.loadUnaligned(fromByteOffset: bytes.count - 8, as: UInt64.self)
        } else if bytes.count >= 4 {
            hash ^= UInt64(bytes.loadUnaligned(fromByteOffset: 0, as: UInt32.self))
            hash ^= UInt64(bytes.loadUnaligned(fromByteOffset: bytes.count - 4, as: UInt32.self)) << 24
        } else {
            for byte in bytes { hash = hash << 8 ^ UInt64(byte) }
        }
        return Int(truncatingIfNeeded: mix(hash)) & (size - 1)
    }

    /// Spreads every bit to the low ones, with the multiplier of SplitMix64.
    private static func mix(_ value: UInt64) -> UInt64 {
        let product = value &* 0xBF58_476D_1CE4_E5B9
        return product ^ product >> 32
    }
}
