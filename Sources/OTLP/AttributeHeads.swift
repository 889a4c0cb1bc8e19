internal import RunSpans

/// What stands in front of an attribute's value, as protobuf-c packed it before: tags, key and lengths depend on nothing
/// but the key and the value's length, and copying them takes a fraction of the time that packing three messages takes.
///
/// A table of fixed size with one place for each hash; a newer head takes the place of an older one. All is in flat
/// memory: arrays in the entries would have to be retained for every look.
final class AttributeHeads {
    /// The two kinds of value that have different heads.
    enum Kind: UInt32 {
        /// The head ends where the text starts.
        case text = 0
        /// The head ends where the packed AnyValue starts.
        case number = 1
    }

    private struct Entry {
        var key: UnsafePointer<UInt8>?
        /// The value's length and, in the lowest bit, its kind.
        var value: UInt32 = 0
        var headCount: UInt32 = 0
    }

    private static let size = 1024
    /// Longer texts are rare, and their lengths hardly repeat.
    static let maximumValue = 96
    /// Bytes of a head; longer ones are not kept. Copied as a whole, which takes less time than the right number of bytes.
    private static let maximumHead = 64

    private let entries = UnsafeMutablePointer<Entry>.allocate(capacity: size)
    private let heads = UnsafeMutableRawPointer.allocate(byteCount: size * maximumHead, alignment: maximumHead)

    init() {
        entries.initialize(repeating: Entry(), count: Self.size)
        heads.initializeMemory(as: UInt8.self, repeating: 0, count: Self.size * Self.maximumHead)
    }

    deinit {
        entries.deallocate()
        heads.deallocate()
    }

    /// Appends the head of an attribute whose value has `count` bytes, and makes room for them behind it.
    ///
    /// - Returns: false when the head is not known.
    @inline(__always)
    func append(_ key: AttributeKey, _ kind: Kind, _ count: Int, to output: PackedBytes) -> Bool {
        guard count <= Self.maximumValue else { return false }
        let value = UInt32(truncatingIfNeeded: count) << 1 | kind.rawValue
        let place = Self.place(key, value)
        let entry = entries[place]
        guard entry.key == key.name.utf8Start, entry.value == value else { return false }
        output.reserve(Self.maximumHead + Self.maximumValue)
        UnsafeMutableRawPointer(output.end).copyMemory(
            from: heads + place * Self.maximumHead, byteCount: Self.maximumHead)
        output.count += Int(entry.headCount)
        return true
    }

    /// Keeps the head of a packed attribute, which ends with `count` bytes of value.
    func insert(_ key: AttributeKey, _ kind: Kind, _ count: Int, packed: UnsafeBufferPointer<UInt8>) {
        let headCount = packed.count - count
        guard count <= Self.maximumValue, headCount <= Self.maximumHead, let start = packed.baseAddress else { return }
        let value = UInt32(count) << 1 | kind.rawValue
        let place = Self.place(key, value)
        entries[place] = Entry(key: key.name.utf8Start, value: value, headCount: UInt32(headCount))
        (heads + place * Self.maximumHead).copyMemory(from: start, byteCount: headCount)
    }

    /// A hash of the key's address and the length, with the multiplier of SplitMix64.
    @inline(__always)
    private static func place(_ key: AttributeKey, _ value: UInt32) -> Int {
        let mixed = (UInt64(UInt(bitPattern: key.name.utf8Start)) ^ UInt64(value) << 48) &* 0xBF58_476D_1CE4_E5B9
        return Int(truncatingIfNeeded: mixed >> 40) & (size - 1)
    }
}
