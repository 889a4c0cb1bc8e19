import Testing

@testable import Backfill

/// Marks say whose spans a batch holds; the state file needs them as stretches, whichever way the batch was cut.
@Suite struct RunMarkTests {
    /// Marks of one batch, and the spans that they stand for, one for each span of the batch.
    struct Batch {
        var layout: RunLayout
        var marks: [RunMark] = []
        var spans: [SpanPlace] = []

        /// Runs in order, some left out as a filter does, some with parts left out that were delivered before.
        init(seed: UInt64) {
            var numbers = SeededNumbers(seed: seed)
            layout = RunLayout(runs: Int.random(in: 1...25, using: &numbers), using: &numbers)
            for run in layout.counts.indices where Int.random(in: 0..<6, using: &numbers) > 0 {
                let count = layout.counts[run]
                var ranges = [0..<count]
                if count > 2, Int.random(in: 0..<3, using: &numbers) == 0 {
                    let hole = Int.random(in: 0..<count, using: &numbers)
                    ranges = [0..<hole, hole + 1..<count].filter { !$0.isEmpty }
                }
                for range in ranges {
                    marks.append(
                        RunMark(
                            file: 3, index: Int32(run), firstSpan: Int32(range.lowerBound), count: Int32(range.count),
                            checksum: layout.checksums[run], isComplete: range.upperBound == count))
                    spans += range.map { SpanPlace(run: run, span: $0) }
                }
            }
        }

        /// The spans that marks stand for.
        static func spans(of marks: [RunMark]) -> [SpanPlace] {
            marks.flatMap { mark in (0..<mark.count).map { SpanPlace(run: Int(mark.index), span: Int(mark.firstSpan + $0)) } }
        }
    }

    @Test(arguments: 1...80 as ClosedRange<UInt64>)
    func stretchesStandForExactlyTheSpansOfTheRange(seed: UInt64) {
        let batch = Batch(seed: seed)
        var numbers = SeededNumbers(seed: seed &* 31)
        for _ in 0..<10 where !batch.spans.isEmpty {
            let start = Int.random(in: 0..<batch.spans.count, using: &numbers)
            let range = start..<Int.random(in: start...batch.spans.count, using: &numbers)
            let stretches = batch.marks.stretches(of: range)
            #expect(stretches.flatMap { batch.layout.spans(of: $0) } == Array(batch.spans[range]))
            for stretch in stretches {
                #expect(stretch.file == 3)
                #expect(stretch.checksum == batch.layout.checksum(of: batch.layout.spans(of: stretch)))
            }
        }
    }

    @Test(arguments: 1...40 as ClosedRange<UInt64>)
    func takingFromTheFrontKeepsEverySpanOnce(seed: UInt64) {
        let batch = Batch(seed: seed)
        var numbers = SeededNumbers(seed: seed &* 37)
        var rest = batch.marks
        var taken: [SpanPlace] = []
        while !rest.isEmpty {
            let count = Int.random(in: 1...9, using: &numbers)
            let part = rest.removeFirst(spans: count)
            #expect(Batch.spans(of: part) == Array(batch.spans[taken.count...].prefix(count)))
            // What is cut out must stand for itself: its stretches are written when its part is acknowledged.
            let covered = part.stretches(of: 0..<Batch.spans(of: part).count).flatMap { batch.layout.spans(of: $0) }
            #expect(covered == Batch.spans(of: part))
            taken += Batch.spans(of: part)
        }
        #expect(taken == batch.spans)
    }

    @Test func wholeRunsInARowAreOneStretch() {
        let marks = (0..<100).map { RunMark(file: 0, index: $0, firstSpan: 0, count: 3, checksum: 5, isComplete: true) }
        let stretch = SpanStretch(file: 0, firstIndex: 0, firstSpan: 0, lastIndex: 99, endSpan: 3, checksum: 500)
        #expect(marks.stretches(of: 0..<300) == [stretch])
    }

    @Test func runsOfDifferentFilesAreNotJoined() {
        let marks = (0..<2).map { RunMark(file: $0, index: $0, firstSpan: 0, count: 1, checksum: 1, isComplete: true) }
        #expect(marks.stretches(of: 0..<2).map(\.file) == [0, 1])
    }

    @Test func aRunThatWasCutInTwoIsNotCompleteInItsFirstPart() {
        var marks = [RunMark(file: 0, index: 4, firstSpan: 0, count: 5, checksum: 7, isComplete: true)]
        let first = marks.removeFirst(spans: 2)
        #expect(first.map(\.isComplete) == [false])
        #expect(marks.map(\.isComplete) == [true])
        #expect(marks.map(\.firstSpan) == [2])
        #expect(marks.stretches(of: 0..<3).map(\.checksum) == [0], "the line counts where its first span is")
    }
}
