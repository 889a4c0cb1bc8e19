@testable import Backfill

/// One span of a file: of which run, and which of its spans.
struct SpanPlace: Hashable, Comparable {
    var run: Int
    var span: Int

    static func < (a: SpanPlace, b: SpanPlace) -> Bool { (a.run, a.span) < (b.run, b.span) }
}

/// How many spans each run of a file has, and the CRC-32 of each run's line.
struct RunLayout {
    var counts: [Int]
    var checksums: [UInt32]

    init(runs: Int, using numbers: inout SeededNumbers) {
        counts = (0..<runs).map { _ in Int.random(in: 1...7, using: &numbers) }
        checksums = (0..<runs).map { _ in UInt32.random(in: 1...UInt32.max, using: &numbers) }
    }

    /// All spans in order.
    var spans: [SpanPlace] { counts.indices.flatMap { run in (0..<counts[run]).map { SpanPlace(run: run, span: $0) } } }

    /// The spans that a stretch stands for.
    func spans(of stretch: SpanStretch) -> [SpanPlace] {
        let first = SpanPlace(run: stretch.firstIndex, span: stretch.firstSpan)
        let end = SpanPlace(run: stretch.lastIndex, span: stretch.endSpan)
        return spans.filter { $0 >= first && $0 < end }
    }

    /// What a stretch's checksum must be: the sum over the lines whose first span is in it.
    func checksum(of spans: [SpanPlace]) -> UInt64 {
        spans.filter { $0.span == 0 }.reduce(0) { $0 + UInt64(checksums[$1.run]) }
    }

    /// The stretch from one of ``spans`` up to, and without, another.
    func stretch(_ range: Range<Int>, file: Int = 0) -> SpanStretch {
        let covered = Array(spans[range])
        let (first, last) = (covered[0], covered[covered.count - 1])
        return SpanStretch(
            file: file, firstIndex: first.run, firstSpan: first.span, lastIndex: last.run, endSpan: last.span + 1,
            checksum: checksum(of: covered))
    }
}
