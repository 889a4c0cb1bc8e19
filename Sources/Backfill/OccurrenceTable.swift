/// Counts for the latest fingerprints: a hash table with open addressing, for keys that are hashes themselves.
struct OccurrenceTable: ~Copyable {
    struct Entry {
        var key: Fingerprint
        /// How often it came; 0 in a free place.
        var count: UInt64
    }

    private static let capacity = 1 << 14
    /// Half of the places stay free, so that a search is short.
    private static let places = capacity * 2

    private let slots = UnsafeMutablePointer<Entry>.allocate(capacity: places)
    private var count = 0

    init() { slots.initialize(repeating: Entry(key: Fingerprint(high: 0, low: 0), count: 0), count: Self.places) }

    deinit { slots.deallocate() }

    var isFull: Bool { count >= Self.capacity }

    /// Counts a key that is there.
    ///
    /// - Returns: how often it came before, or nil when it is not there.
    mutating func increment(_ key: Fingerprint) -> UInt64? {
        let slot = place(of: key)
        guard slots[slot].count > 0 else { return nil }
        slots[slot].count += 1
        return slots[slot].count - 1
    }

    /// Puts in a key that is not there; the table must not be full.
    mutating func insert(_ entry: Entry) {
        precondition(!isFull)
        slots[place(of: entry.key)] = entry
        count += 1
    }

    /// All that is in it, in no order.
    var entries: [Entry] { UnsafeBufferPointer(start: slots, count: Self.places).filter { $0.count > 0 } }

    mutating func removeAll() {
        slots.update(repeating: Entry(key: Fingerprint(high: 0, low: 0), count: 0), count: Self.places)
        count = 0
    }

    /// Where the key is, or where it would be put.
    private func place(of key: Fingerprint) -> Int {
        var slot = Int(truncatingIfNeeded: key.high) & (Self.places - 1)
        while slots[slot].count > 0, slots[slot].key != key { slot = (slot + 1) & (Self.places - 1) }
        return slot
    }
}
