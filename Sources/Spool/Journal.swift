internal import Glibc
internal import Synchronization

/// A ring on disk for what must outlive a kill at once, and is soon done with: an append copies it into the page cache, and
/// waits for nothing.
///
/// A power loss may cost what was appended: nothing is written through to the disk, whatever ``Spool/Settings/sync`` says. In
/// front of an answer that would have its client wait for the disk; behind it, what was appended is as soon in the spool, which
/// is written through. Entries are settled in the order in which they were appended, and wiped then. Who opens the file after a
/// kill finds those that were not settled, and settles them like any other. One process at a time may use a file, which the
/// caller sees to.
///
/// The file has a header of 4096 bytes, integers little-endian: `outrigger/ring01`, the ring's capacity (8 bytes at 16), and
/// the mark (8 bytes at 32), up to which all is settled. Positions only grow; position p is at byte 4096 + p mod capacity. A
/// record does not go around the end: where it has no room it begins with the next lap, and so does the first after all were
/// settled, so that a ring which is mostly empty touches few pages.
///
///     offset  size
///     0       4     "OTRJ"
///     4       4     payload's length in bytes
///     8       8     the record's position, by which it is told from those of earlier laps
///     16      4     CRC-32C over bytes 4 to 15 and the payload
///     20      4     0
///     24      …     payload, and zeros up to a multiple of 8
///
/// The first record that is not whole is the end: a process that is killed while it appends has told nobody yet.
public final class Journal: Sendable {
    /// Where an entry ends.
    public struct Position: Hashable, Comparable, Sendable {
        let value: UInt64

        public static func < (one: Position, other: Position) -> Bool { one.value < other.value }
    }

    /// What an earlier process left.
    public struct Entry: Sendable {
        public var position: Position
        public var payload: [UInt8]
    }

    /// Entries that were not taken, by the reason.
    public struct Refusals: Hashable, Sendable {
        /// Too much was not settled yet.
        public var full = 0
        /// Larger than a quarter of the ring.
        public var tooLarge = 0
        /// The file could not be written.
        public var failed = 0

        public init() {}
    }

    private struct State {
        /// Where the last entry ends.
        var written: UInt64
        /// What was appended and not settled, without the gaps.
        var extents: [Range<UInt64>]
        var refusals = Refusals()
        var recovered: [Entry] = []
    }

    static let headerSize = 4096
    static let recordHeaderSize = 24
    private static let magic = Array("outrigger/ring01".utf8)
    private static let recordMagic = UInt32(littleEndian: 0x4A52_544F)
    private static let markOffset = 32

    private let file: JournalFile
    private let capacity: UInt64
    private let state: Mutex<State>

    /// Opens the file, or makes it.
    ///
    /// - Parameters:
    ///   - capacity: bytes that can be unsettled at once, a multiple of 4096. A file in which something waits keeps its own.
    ///   - maps: whether memory may be mapped where that is safe.
    /// - Throws: ``SpoolError``: there is no room on the disk, or the file is none of ours.
    public init(_ path: String, capacity: Int, maps: Bool = true) throws(SpoolError) {
        let capacity = max(4096, capacity / 4096 * 4096)
        if let file = try JournalFile.existing(path, maps: maps) {
            let ring = try Self.ring(of: file)
            let (entries, extents) = ring.map { Self.find(in: file, from: $0.done, capacity: $0.capacity) } ?? ([], [])
            if let ring, let last = extents.last {
                self.file = file
                self.capacity = ring.capacity
                state = Mutex(State(written: last.upperBound, extents: extents, recovered: entries))
                return
            }
            file.remove()
        }
        file = try JournalFile.create(path, size: Self.headerSize + capacity, maps: maps)
        self.capacity = UInt64(capacity)
        state = Mutex(State(written: 0, extents: []))
        file.write(UInt64(capacity), at: 16)
        guard Self.magic.withUnsafeBytes({ file.write($0, at: 0) }) else {
            throw SpoolError.system("cannot write \(path)")
        }
    }

    /// Whether it is written through memory.
    var isMapped: Bool { file.isMapped }

    public var refusals: Refusals { state.withLock { $0.refusals } }

    /// What an earlier process left, in the order in which it was appended; empty after the first time.
    public func takeRecovered() -> [Entry] {
        state.withLock { state in
            defer { state.recovered = [] }
            return state.recovered
        }
    }

    // MARK: writing

    /// Puts a payload at the end; when this returns, the end of the process does not take it away.
    ///
    /// - Returns: nil when it was not taken, which is counted.
    public func append(_ payload: [UInt8]) -> Position? {
        let size = (UInt64(Self.recordHeaderSize + payload.count) + 7) & ~7
        return state.withLock { state in
            guard size <= capacity / 4 else {
                state.refusals.tooLarge += 1
                return nil
            }
            var start = state.written
            if state.extents.isEmpty || start % capacity + size > capacity { start = Self.nextLap(start, capacity) }
            guard start + size - (state.extents.first?.lowerBound ?? start) <= capacity else {
                state.refusals.full += 1
                return nil
            }
            guard write(payload, at: start) else {
                state.refusals.failed += 1
                return nil
            }
            state.written = start + size
            if let last = state.extents.last, last.upperBound == start {
                state.extents[state.extents.count - 1] = last.lowerBound..<state.written
            } else {
                state.extents.append(start..<state.written)
            }
            return Position(value: state.written)
        }
    }

    private static func nextLap(_ position: UInt64, _ capacity: UInt64) -> UInt64 { (position + capacity - 1) / capacity * capacity }

    private func offset(_ position: UInt64) -> Int { Self.headerSize + Int(position % capacity) }

    private func write(_ payload: [UInt8], at position: UInt64) -> Bool {
        var header = (
            Self.recordMagic.littleEndian, UInt32(payload.count).littleEndian, position.littleEndian, UInt32(0), UInt32(0)
        )
        return payload.withUnsafeBytes { payload in
            withUnsafeMutableBytes(of: &header) { header in
                let checksum = Self.checksum(UnsafeRawBufferPointer(header), payload)
                header.storeBytes(of: checksum.littleEndian, toByteOffset: 16, as: UInt32.self)
                return file.write(UnsafeRawBufferPointer(header), payload, at: offset(position))
            }
        }
    }

    /// Nothing up to this entry has to be kept any longer. It is wiped: what passes through here is not redacted.
    public func settle(_ position: Position) {
        let settled = state.withLock { state in state.extents.prefix { $0.lowerBound < position.value }.map { $0.clamped(to: 0..<position.value) } }
        guard !settled.isEmpty else { return }
        // The mark first: what is wiped must not be looked for.
        file.write(position.value, at: Self.markOffset)
        for extent in settled { wipe(extent) }
        // Now it may be written over.
        state.withLock { state in
            while let first = state.extents.first, first.lowerBound < position.value {
                if first.upperBound > position.value {
                    state.extents[0] = position.value..<first.upperBound
                    break
                }
                state.extents.removeFirst()
            }
        }
    }

    private func wipe(_ extent: Range<UInt64>) {
        var start = extent.lowerBound
        while start < extent.upperBound {
            let count = min(extent.upperBound - start, capacity - start % capacity)
            file.wipe(Int(count), at: offset(start))
            start += count
        }
    }

    /// Takes the file away if all is settled: the next process makes a new one.
    public func removeIfSettled() {
        state.withLock { state in
            if state.extents.isEmpty { file.remove() }
        }
    }

    // MARK: recovery

    /// - Returns: nil for a file in which nothing can be: a process may end, or the power fail, before it is begun.
    private static func ring(of file: JournalFile) throws(SpoolError) -> (capacity: UInt64, done: UInt64)? {
        let header = file.read(headerSize, at: 0)
        if header.prefix(magic.count).allSatisfy({ $0 == 0 }) { return nil }
        guard header.starts(with: magic) else {
            let isOfOthers = header.starts(with: magic.dropLast(2))
            throw SpoolError(message: "\(file.path) is \(isOfOthers ? "of another version of outrigger" : "no journal"); move it away")
        }
        func number(_ offset: Int) -> UInt64 {
            UInt64(littleEndian: header.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: UInt64.self) })
        }
        guard header.count == headerSize, case let capacity = number(16), capacity > 0, capacity % 4096 == 0,
            capacity == UInt64(file.size - headerSize), case let done = number(markOffset), done < 1 << 62
        else { return nil }
        return (capacity, done)
    }

    private static func find(in file: JournalFile, from done: UInt64, capacity: UInt64) -> ([Entry], [Range<UInt64>]) {
        var entries: [Entry] = []
        var extents: [Range<UInt64>] = []
        var position = done
        let ring = file.read(Int(capacity), at: headerSize)
        ring.withUnsafeBytes { ring in
            while true {
                guard let start = [position, nextLap(position, capacity)].first(where: { payload(at: $0, in: ring) != nil }),
                    let payload = payload(at: start, in: ring), start + UInt64(payload.count) <= done + 2 * capacity
                else { return }
                let end = start + (UInt64(recordHeaderSize + payload.count) + 7) & ~7
                entries.append(Entry(position: Position(value: end), payload: Array(payload)))
                if let last = extents.last, last.upperBound == start {
                    extents[extents.count - 1] = last.lowerBound..<end
                } else {
                    extents.append(start..<end)
                }
                position = end
            }
        }
        return (entries, extents)
    }

    /// - Returns: nil unless a whole record stands there.
    private static func payload(at position: UInt64, in ring: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        let rest = UnsafeRawBufferPointer(rebasing: ring[Int(position % UInt64(ring.count))...])
        guard rest.count >= recordHeaderSize, integer(rest, at: 0) == recordMagic,
            UInt64(littleEndian: rest.loadUnaligned(fromByteOffset: 8, as: UInt64.self)) == position,
            case let size = Int(integer(rest, at: 4)), size <= rest.count - recordHeaderSize
        else { return nil }
        let payload = UnsafeRawBufferPointer(rebasing: rest[recordHeaderSize..<(recordHeaderSize + size)])
        return checksum(rest, payload) == integer(rest, at: 16) ? payload : nil
    }

    private static func checksum(_ header: UnsafeRawBufferPointer, _ payload: UnsafeRawBufferPointer) -> UInt32 {
        ~CRC32C.adding(payload, to: CRC32C.adding(UnsafeRawBufferPointer(rebasing: header[4..<16]), to: .max))
    }

    private static func integer(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> UInt32 {
        UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }
}
