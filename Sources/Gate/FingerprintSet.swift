internal import CPrefetch

/// A set of 64-bit fingerprints: a table of them, each at the place that it names or the next free one.
///
/// A `Set` would hash each once more, and all of them again whenever it grows. For the same reason the fingerprints must come of
/// a hash with a secret key: whoever can choose them could make them fall together.
struct FingerprintSet {
    /// A power of two; 0 is free.
    private var slots: [UInt64] = []
    private var taken = 0
    private var hasZero = false

    /// How many there are.
    var count: Int { taken + (hasZero ? 1 : 0) }

    /// Has the fingerprint's place brought nearer: the table of many is in no cache, and there is other work until it is inserted.
    func prepare(_ fingerprint: UInt64) {
        slots.withUnsafeBufferPointer { slots in
            guard let start = slots.baseAddress, !slots.isEmpty else { return }
            cpf_prefetch_for_write(start + (Int(truncatingIfNeeded: fingerprint) & (slots.count - 1)))
        }
    }

    /// - Returns: whether it is new.
    mutating func insert(_ fingerprint: UInt64) -> Bool {
        guard fingerprint != 0 else {
            defer { hasZero = true }
            return !hasZero
        }
        // With a third of it free, the next free place is near.
        if taken * 3 >= slots.count * 2 { grow() }
        return place(fingerprint)
    }

    /// - Precondition: there is a free slot.
    private mutating func place(_ fingerprint: UInt64) -> Bool {
        let mask = slots.count - 1
        var i = Int(truncatingIfNeeded: fingerprint) & mask
        while slots[i] != 0 {
            if slots[i] == fingerprint { return false }
            i = (i + 1) & mask
        }
        slots[i] = fingerprint
        taken += 1
        return true
    }

    private mutating func grow() {
        let old = slots
        slots = Array(repeating: 0, count: max(256, old.count * 2))
        taken = 0
        for fingerprint in old where fingerprint != 0 { _ = place(fingerprint) }
    }
}
