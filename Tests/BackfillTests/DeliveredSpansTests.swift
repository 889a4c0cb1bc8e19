import Testing

@testable import Backfill

@Suite struct DeliveredSpansTests {
    /// What is missing of each run, told once for each span; nil when the file was found to be another one.
    private func missing(_ delivered: inout DeliveredSpans, _ layout: RunLayout) -> [SpanPlace]? {
        var missing: [SpanPlace] = []
        for run in layout.counts.indices {
            guard let ranges = delivered.missing(at: run, of: layout.counts[run], crc: layout.checksums[run]) else { return nil }
            for range in ranges { missing += range.map { SpanPlace(run: run, span: $0) } }
        }
        return missing
    }

    /// Stretches as interrupted backfills leave them: of any length, beginning and ending in the middle of runs, some of
    /// them overlapping since a lost answer makes a batch come twice.
    @Test(arguments: 1...60 as ClosedRange<UInt64>)
    func missingIsAllThatNoStretchCovers(seed: UInt64) throws {
        var numbers = SeededNumbers(seed: seed)
        let layout = RunLayout(runs: Int.random(in: 1...40, using: &numbers), using: &numbers)
        let spans = layout.spans
        var stretches: [SpanStretch] = []
        for _ in 0..<Int.random(in: 0...12, using: &numbers) {
            let start = Int.random(in: 0..<spans.count, using: &numbers)
            let end = min(spans.count, start + Int.random(in: 1...25, using: &numbers))
            stretches.append(layout.stretch(start..<end))
        }
        stretches.shuffle(using: &numbers)
        let covered = Set(stretches.flatMap { layout.spans(of: $0) })

        var delivered = DeliveredSpans(stretches)
        #expect(delivered.isEmpty == stretches.isEmpty)
        #expect(missing(&delivered, layout) == spans.filter { !covered.contains($0) })
        #expect(delivered.isConsistentAtEnd())
    }

    @Test(arguments: 1...30 as ClosedRange<UInt64>)
    func aChangedLineIsFoundOut(seed: UInt64) throws {
        var numbers = SeededNumbers(seed: seed)
        let layout = RunLayout(runs: 20, using: &numbers)
        let spans = layout.spans
        let cut = Int.random(in: 1..<spans.count, using: &numbers)
        let stretches = [layout.stretch(0..<cut), layout.stretch(cut..<spans.count)]
        var other = layout
        other.checksums[Int.random(in: 0..<20, using: &numbers)] ^= 1

        var delivered = DeliveredSpans(stretches)
        let isSame = missing(&delivered, other) != nil && delivered.isConsistentAtEnd()
        #expect(!isSame)
    }

    @Test func aFileThatLostItsEndIsFoundOutAtItsEnd() throws {
        var numbers = SeededNumbers(seed: 5)
        var layout = RunLayout(runs: 10, using: &numbers)
        var delivered = DeliveredSpans([layout.stretch(0..<layout.spans.count)])
        layout.counts.removeLast()
        #expect(missing(&delivered, layout) == [])
        #expect(!delivered.isConsistentAtEnd())
    }

    @Test func aRunWithFewerSpansThanWereDeliveredIsFoundOut() {
        let stretch = SpanStretch(file: 0, firstIndex: 0, firstSpan: 0, lastIndex: 0, endSpan: 5, checksum: 9)
        var delivered = DeliveredSpans([stretch])
        #expect(delivered.missing(at: 0, of: 4, crc: 9) == nil)
    }

    @Test func linesBehindAllStretchesAreMissingAsAWhole() throws {
        var delivered = DeliveredSpans([SpanStretch(file: 0, firstIndex: 1, firstSpan: 2, lastIndex: 1, endSpan: 4, checksum: 0)])
        #expect(delivered.missing(at: 0, of: 3, crc: 1) == [0..<3])
        #expect(delivered.missing(at: 1, of: 6, crc: 2) == [0..<2, 4..<6])
        #expect(delivered.missing(at: 2, of: 1, crc: 3) == [0..<1])
        #expect(delivered.isConsistentAtEnd())
    }
}
