/// How to make one array from another: their longest common subsequence stays, and between its elements old ones are
/// replaced by new ones in order, the rest removed or added.
struct SequenceAlignment {
    enum Step: Hashable {
        /// Two elements that differ, to be compared with each other. Equal ones are not listed.
        case pair(old: Int, new: Int)
        /// `position` is the index it has once all steps before have been taken.
        case remove(old: Int, position: Int)
        case add(new: Int)
    }

    private(set) var steps: [Step] = []

    init(_ old: [JSONDocument], _ new: [JSONDocument], maximumCount: Int) {
        var start = 0
        while start < min(old.count, new.count), old[start] == new[start] { start += 1 }
        var end = 0
        while end < min(old.count, new.count) - start, old[old.count - 1 - end] == new[new.count - 1 - end] { end += 1 }
        let oldRange = start..<old.count - end
        let newRange = start..<new.count - end
        guard !oldRange.isEmpty || !newRange.isEmpty else { return }
        let kept =
            oldRange.isEmpty || newRange.isEmpty || max(oldRange.count, newRange.count) > maximumCount
            ? [] : Self.longestCommonSubsequence(old[oldRange], new[newRange])
        var i = start
        var j = start
        for (keptOld, keptNew) in kept + [(oldRange.upperBound, newRange.upperBound)] {
            appendGap(i..<keptOld, j..<keptNew)
            i = keptOld + 1
            j = keptNew + 1
        }
    }

    private mutating func appendGap(_ old: Range<Int>, _ new: Range<Int>) {
        let pairs = min(old.count, new.count)
        for k in 0..<pairs { steps.append(.pair(old: old.lowerBound + k, new: new.lowerBound + k)) }
        for i in old.dropFirst(pairs) { steps.append(.remove(old: i, position: new.upperBound)) }
        for j in new.dropFirst(pairs) { steps.append(.add(new: j)) }
    }

    /// The pairs of indices that stay, by dynamic programming over numbers that stand for the distinct values.
    private static func longestCommonSubsequence(
        _ old: ArraySlice<JSONDocument>, _ new: ArraySlice<JSONDocument>
    ) -> [(Int, Int)] {
        var numbers: [JSONDocument: Int] = [:]
        func number(_ value: JSONDocument) -> Int {
            if let known = numbers[value] { return known }
            numbers[value] = numbers.count
            return numbers.count - 1
        }
        let x = old.map(number)
        let y = new.map(number)
        // lengths[i * width + j]: of the longest common subsequence of x[i...] and y[j...]; at most 2,000, so it fits.
        let width = y.count + 1
        var lengths = [UInt16](repeating: 0, count: (x.count + 1) * width)
        for i in x.indices.reversed() {
            for j in y.indices.reversed() {
                lengths[i * width + j] =
                    x[i] == y[j]
                    ? lengths[(i + 1) * width + j + 1] + 1
                    : max(lengths[(i + 1) * width + j], lengths[i * width + j + 1])
            }
        }
        var pairs: [(Int, Int)] = []
        var i = 0
        var j = 0
        while i < x.count, j < y.count {
            if x[i] == y[j] {
                pairs.append((old.startIndex + i, new.startIndex + j))
                i += 1
                j += 1
            } else if lengths[(i + 1) * width + j] >= lengths[i * width + j + 1] {
                i += 1
            } else {
                j += 1
            }
        }
        return pairs
    }
}
