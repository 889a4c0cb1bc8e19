/// Which spans of which run stand in a batch: what the state file needs to know when the batch is acknowledged.
public struct RunMark: Sendable {
    /// Which input.
    var file: Int32
    /// Which line of it, among those that are not empty.
    var index: Int32
    /// The first of the run's spans in the batch.
    var firstSpan: Int32
    var count: Int32
    /// CRC-32 of the line.
    var checksum: UInt32
    /// Whether the run's last span is in the batch.
    var isComplete: Bool
}

extension [RunMark] {
    /// Takes out the marks of the first `spans` spans, cutting a run in two where that is where it ends.
    mutating func removeFirst(spans: Int) -> [RunMark] {
        var taken: [RunMark] = []
        var left = spans
        var i = 0
        while i < count, left >= self[i].count {
            left -= Int(self[i].count)
            taken.append(self[i])
            i += 1
        }
        removeSubrange(..<i)
        if left > 0, !isEmpty {
            var part = self[0]
            part.count = Int32(left)
            part.isComplete = false
            taken.append(part)
            self[0].firstSpan += Int32(left)
            self[0].count -= Int32(left)
        }
        return taken
    }

    /// The stretches that the spans in `range` of the batch make up, as few as possible.
    func stretches(of range: Range<Int>) -> [SpanStretch] {
        var stretches: [SpanStretch] = []
        var start = 0
        for mark in self {
            let end = start + Int(mark.count)
            let from = Swift.max(start, range.lowerBound)
            let to = Swift.min(end, range.upperBound)
            if from < to {
                let firstSpan = Int(mark.firstSpan) + from - start
                let stretch = SpanStretch(
                    file: Int(mark.file), firstIndex: Int(mark.index), firstSpan: firstSpan, lastIndex: Int(mark.index),
                    endSpan: Int(mark.firstSpan) + to - start, checksum: firstSpan == 0 ? UInt64(mark.checksum) : 0)
                let follows = stretches.last.map {
                    $0.file == stretch.file && $0.lastIndex + 1 == stretch.firstIndex && firstSpan == 0
                }
                if follows == true, previousIsComplete(before: mark) {
                    let last = stretches.count - 1
                    stretches[last].lastIndex = stretch.lastIndex
                    stretches[last].endSpan = stretch.endSpan
                    stretches[last].checksum &+= stretch.checksum
                } else {
                    stretches.append(stretch)
                }
            }
            start = end
        }
        return stretches
    }

    private func previousIsComplete(before mark: RunMark) -> Bool {
        contains { $0.file == mark.file && $0.index == mark.index - 1 && $0.isComplete }
    }
}
