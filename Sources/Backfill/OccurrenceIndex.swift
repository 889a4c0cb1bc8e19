internal import Glibc

/// A 128-bit fingerprint of a recorded id.
struct Fingerprint: Hashable, Comparable {
    var high: UInt64
    var low: UInt64

    static func < (a: Fingerprint, b: Fingerprint) -> Bool { (a.high, a.low) < (b.high, b.low) }
}

/// Counts how often each recorded id came before, in memory that does not grow with the number of ids.
///
/// The latest ids are in a table. When it is full it goes, sorted, into a temporary file without a name; a filter in
/// front of the file knows nearly all ids that were never seen, so that a file of unique ids reads nothing back. Sorted
/// runs of similar size are merged, so that a repeated id is found in a few of them.
struct OccurrenceIndex: ~Copyable {
    private typealias Entry = OccurrenceTable.Entry

    /// One sorted part of the file, counted in entries.
    private struct SortedRun {
        var start: Int
        var count: Int
    }

    private static let mergeWidth = 8
    private static let entrySize = MemoryLayout<Entry>.stride

    private var table = OccurrenceTable()
    private var filter: SeenFilter
    private var runs: [SortedRun] = []
    private var descriptor: CInt = -1
    private var fileEnd = 0

    init() { filter = SeenFilter() }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    /// Counts the id in.
    ///
    /// - Returns: how often it came before.
    /// - Throws: ``BackfillError`` when the temporary file cannot be written or read.
    mutating func insert(_ key: Fingerprint) throws(BackfillError) -> Int {
        if let before = table.increment(key) { return Int(before) }
        let mayBeOld = filter.insert(key)
        let before = mayBeOld ? try find(key) ?? 0 : 0
        if table.isFull { try spill() }
        table.insert(Entry(key: key, count: before + 1))
        return Int(before)
    }

    // MARK: the file

    private func find(_ key: Fingerprint) throws(BackfillError) -> UInt64? {
        // The newest count is the right one.
        for run in runs.reversed() {
            var low = run.start
            var high = run.start + run.count
            while low < high {
                let middle = (low + high) / 2
                let entry = try read(at: middle, count: 1)[0]
                if entry.key == key { return entry.count }
                if entry.key < key { low = middle + 1 } else { high = middle }
            }
        }
        return nil
    }

    private mutating func spill() throws(BackfillError) {
        if descriptor < 0 { descriptor = try openTemporaryFile() }
        let entries = table.entries.sorted { $0.key < $1.key }
        runs.append(SortedRun(start: fileEnd, count: entries.count))
        try append(entries)
        table.removeAll()
        try mergeTail()
    }

    /// Merges the newest runs while there are `mergeWidth` of about one size.
    private mutating func mergeTail() throws(BackfillError) {
        while runs.count >= Self.mergeWidth {
            let tail = Array(runs.suffix(Self.mergeWidth))
            guard tail[0].count < tail[Self.mergeWidth - 1].count * Self.mergeWidth else { return }
            let start = fileEnd
            let count = try merge(tail)
            runs.removeLast(Self.mergeWidth)
            runs.append(SortedRun(start: start, count: count))
        }
    }

    private mutating func merge(_ parts: [SortedRun]) throws(BackfillError) -> Int {
        var cursors: [RunCursor] = []
        for part in parts { cursors.append(RunCursor(next: part.start, end: part.start + part.count)) }
        var output: [Entry] = []
        var count = 0
        while true {
            var least: Fingerprint?
            for i in cursors.indices {
                if cursors[i].needsMore {
                    let size = min(1024, cursors[i].end - cursors[i].next)
                    cursors[i].refill(try read(at: cursors[i].next, count: size))
                }
                if let key = cursors[i].head?.key, least.map({ key < $0 }) ?? true { least = key }
            }
            guard let least else { break }
            var newest: UInt64 = 0
            for i in cursors.indices where cursors[i].head?.key == least {
                newest = cursors[i].head?.count ?? newest
                cursors[i].advance()
            }
            output.append(Entry(key: least, count: newest))
            count += 1
            if output.count == 4096 {
                try append(output)
                output.removeAll(keepingCapacity: true)
            }
        }
        try append(output)
        return count
    }

    private struct RunCursor {
        var next: Int
        let end: Int
        var buffer: ArraySlice<Entry> = []

        var head: Entry? { buffer.first }
        var needsMore: Bool { buffer.isEmpty && next < end }

        mutating func refill(_ entries: [Entry]) {
            buffer = entries[...]
            next += entries.count
        }

        mutating func advance() { buffer = buffer.dropFirst() }
    }

    private mutating func append(_ entries: [Entry]) throws(BackfillError) {
        let offset = off_t(fileEnd * Self.entrySize)
        let written = entries.withUnsafeBytes { bytes in
            var done = 0
            while done < bytes.count {
                let count = pwrite(
                    descriptor, UnsafeRawBufferPointer(rebasing: bytes[done...]).baseAddress, bytes.count - done,
                    offset + off_t(done))
                guard count > 0 else { return false }
                done += count
            }
            return true
        }
        guard written else { throw BackfillError.io("cannot write a temporary file", errno) }
        fileEnd += entries.count
    }

    private func read(at index: Int, count: Int) throws(BackfillError) -> [Entry] {
        var entries = [Entry](repeating: Entry(key: Fingerprint(high: 0, low: 0), count: 0), count: count)
        let read = entries.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, off_t(index * Self.entrySize)) }
        guard read == count * Self.entrySize else { throw BackfillError.io("cannot read a temporary file", errno) }
        return entries
    }
}

/// Remembers which fingerprints were seen; it may take a new one for an old one, never the other way round.
///
/// A Bloom filter of 8 MiB whose bits for one key lie in one cache line.
private struct SeenFilter: ~Copyable {
    private static let lines = 1 << 17
    private let words: UnsafeMutablePointer<UInt64>

    init() {
        // Keys lie anywhere in it: in large pages, where the system has them, finding the page costs nothing.
        let size = Self.lines * 64
        let memory = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 2 << 20)
        madvise(memory, size, MADV_HUGEPAGE)
        words = memory.initializeMemory(as: UInt64.self, repeating: 0, count: Self.lines * 8)
    }

    deinit { words.deallocate() }

    /// - Returns: whether the key may have been there.
    mutating func insert(_ key: Fingerprint) -> Bool {
        let line = words + Int(key.high % UInt64(Self.lines)) * 8
        var wasThere = true
        for part in 0..<3 {
            let bits = key.low >> UInt64(part * 9)
            let word = Int(bits >> 6 & 7)
            let mask = UInt64(1) << (bits & 63)
            wasThere = wasThere && line[word] & mask != 0
            line[word] |= mask
        }
        return wasThere
    }
}

/// Opens a file that has no name and goes when it is closed, in `TMPDIR` or /tmp.
func openTemporaryFile() throws(BackfillError) -> CInt {
    let directory = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var template = Array((directory + "/outrigger.XXXXXX").utf8CString)
    let descriptor = template.withUnsafeMutableBufferPointer { template in
        guard let name = template.baseAddress else { return CInt(-1) }
        let descriptor = mkstemp(name)
        if descriptor >= 0 { unlink(name) }
        return descriptor
    }
    guard descriptor >= 0 else { throw BackfillError.io("cannot make a temporary file in \(directory)", errno) }
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    return descriptor
}
