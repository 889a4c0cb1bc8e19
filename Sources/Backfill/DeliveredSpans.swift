internal import CCompression
internal import TraceReading

/// The CRC-32 that tells one line from another.
enum LineChecksum {
    static func of(_ line: ArraySlice<UInt8>) -> UInt32 {
        line.withUnsafeBufferPointer { crc32_gzip_refl(0, $0.baseAddress, UInt64($0.count)) }
    }
}

/// A stretch of one file's spans: from span `firstSpan` of the run at `firstIndex` up to, and without, span `endSpan` of
/// the run at `lastIndex`. Indices count the lines that are not empty, from 0.
struct SpanStretch: Equatable, Sendable {
    var file: Int
    var firstIndex: Int
    var firstSpan: Int
    var lastIndex: Int
    var endSpan: Int
    /// The sum of the CRC-32 of all lines whose first span is in the stretch: tells whether the file is still the same.
    var checksum: UInt64
}

/// Which spans of one file were delivered before, asked in the order of the lines.
struct DeliveredSpans: Sendable {
    private var stretches: [SpanStretch]
    /// The first stretch that the line asked last, or a later one, may lie in.
    private var next = 0
    private var sums: [UInt64]

    init(_ stretches: [SpanStretch]) {
        self.stretches = stretches.sorted { ($0.firstIndex, $0.firstSpan) < ($1.firstIndex, $1.firstSpan) }
        sums = Array(repeating: 0, count: stretches.count)
    }

    var isEmpty: Bool { stretches.isEmpty }

    /// Which of the spans of the run at `index` are still to be delivered. Ask for each line once, in order.
    ///
    /// - Parameter crc: the CRC-32 of the line.
    /// - Returns: nil when the file is not the one whose spans were delivered.
    mutating func missing(at index: Int, of count: Int, crc: UInt32) -> [Range<Int>]? {
        while next < stretches.count, stretches[next].lastIndex < index {
            guard sums[next] == stretches[next].checksum else { return nil }
            next += 1
        }
        var missing: [Range<Int>] = []
        var from = 0
        var i = next
        while i < stretches.count, stretches[i].firstIndex <= index {
            let stretch = stretches[i]
            if stretch.lastIndex >= index {
                let start = stretch.firstIndex == index ? stretch.firstSpan : 0
                let end = stretch.lastIndex == index ? stretch.endSpan : count
                // The mapping changed, or the line did: it has fewer spans than were delivered of it.
                guard end <= count else { return nil }
                if start == 0 { sums[i] &+= UInt64(crc) }
                if start > from { missing.append(from..<start) }
                from = max(from, end)
            }
            i += 1
        }
        if from < count { missing.append(from..<count) }
        return missing
    }

    /// Whether the file still has, unchanged, all lines that were delivered, read from its start.
    ///
    /// A follower never comes to an end at which this would show, so it asks before it begins.
    func match(_ file: InputFile, maximumLine: Int) throws(InputError) -> Bool {
        var copy = self
        var reader = LineReader(file, blockSize: 1 << 20, maximumLine: maximumLine)
        var block = LineBlock()
        while true {
            if case .atEnd = try reader.next(into: &block) { break }
            for line in block.lines { copy.see(line.index, crc: LineChecksum.of(block.bytes[line.range])) }
        }
        return copy.sums.indices.allSatisfy { copy.sums[$0] == copy.stretches[$0].checksum }
    }

    /// Counts a line into the stretches that its first span is in.
    private mutating func see(_ index: Int, crc: UInt32) {
        while next < stretches.count, stretches[next].lastIndex < index { next += 1 }
        var i = next
        while i < stretches.count, stretches[i].firstIndex <= index {
            let starts = stretches[i].firstIndex < index || stretches[i].firstSpan == 0
            if starts, stretches[i].lastIndex >= index { sums[i] &+= UInt64(crc) }
            i += 1
        }
    }

    /// Whether all that was delivered was seen again, and was the same, once the file has been read to its end.
    func isConsistentAtEnd() -> Bool {
        (next..<stretches.count).allSatisfy { sums[$0] == stretches[$0].checksum }
    }
}
