/// Common subsequences of two sequences.
enum SequenceAlignment {
    /// The largest table that is worth its memory (2 bytes a cell).
    private static let tableLimit = 1 << 20

    /// Pairs of places with equal elements, ascending in both sequences, as many as there can be.
    ///
    /// Up to a million pairs of places (after cutting equal ends) the result is a longest common subsequence. Beyond that
    /// the k-th occurrence of an element is only matched with the k-th one, and of these matches the longest ascending
    /// chain is taken: O(n log n), right for elements that do not repeat, and near for those that do.
    static func commonSubsequence(_ a: [Int], _ b: [Int]) -> [(a: Int, b: Int)] {
        var start = 0
        while start < a.count, start < b.count, a[start] == b[start] { start += 1 }
        var endA = a.count
        var endB = b.count
        while endA > start, endB > start, a[endA - 1] == b[endB - 1] {
            endA -= 1
            endB -= 1
        }
        var pairs = (0..<start).map { (a: $0, b: $0) }
        let middle = (endA - start) * (endB - start) <= tableLimit
            ? longest(a[start..<endA], b[start..<endB]) : chain(a[start..<endA], b[start..<endB])
        pairs.append(contentsOf: middle)
        pairs.append(contentsOf: (0..<a.count - endA).map { (a: endA + $0, b: endB + $0) })
        return pairs
    }

    /// By the table of lengths, filled from the back so that the walk goes forward and takes the earliest matches.
    private static func longest(_ a: ArraySlice<Int>, _ b: ArraySlice<Int>) -> [(a: Int, b: Int)] {
        guard !a.isEmpty, !b.isEmpty else { return [] }
        let width = b.count + 1
        var lengths = [UInt16](repeating: 0, count: (a.count + 1) * width)
        for i in a.indices.reversed() {
            for j in b.indices.reversed() {
                let cell = (i - a.startIndex) * width + j - b.startIndex
                lengths[cell] = a[i] == b[j]
                    ? lengths[cell + width + 1] &+ 1 : max(lengths[cell + width], lengths[cell + 1])
            }
        }
        var pairs: [(a: Int, b: Int)] = []
        var i = a.startIndex
        var j = b.startIndex
        while i < a.endIndex, j < b.endIndex {
            let cell = (i - a.startIndex) * width + j - b.startIndex
            if a[i] == b[j] {
                pairs.append((i, j))
                i += 1
                j += 1
            } else if lengths[cell + width] >= lengths[cell + 1] {
                i += 1
            } else {
                j += 1
            }
        }
        return pairs
    }

    /// By patience sorting of the matches of equal occurrences.
    private static func chain(_ a: ArraySlice<Int>, _ b: ArraySlice<Int>) -> [(a: Int, b: Int)] {
        var places: [Int: [Int]] = [:]
        for j in b.indices { places[b[j], default: []].append(j) }
        var used: [Int: Int] = [:]
        var matches: [(a: Int, b: Int)] = []
        for i in a.indices {
            let k = used[a[i], default: 0]
            guard let found = places[a[i]], k < found.count else { continue }
            used[a[i]] = k + 1
            matches.append((i, found[k]))
        }
        // `tops[l]` is the match with the smallest place in b that ends a chain of length l + 1.
        var tops: [Int] = []
        var previous = [Int?](repeating: nil, count: matches.count)
        for m in matches.indices {
            var low = 0
            var high = tops.count
            while low < high {
                let middle = (low + high) / 2
                if matches[tops[middle]].b < matches[m].b { low = middle + 1 } else { high = middle }
            }
            previous[m] = low > 0 ? tops[low - 1] : nil
            if low == tops.count { tops.append(m) } else { tops[low] = m }
        }
        var pairs: [(a: Int, b: Int)] = []
        var m = tops.last
        while let match = m {
            pairs.append(matches[match])
            m = previous[match]
        }
        return pairs.reversed()
    }
}
