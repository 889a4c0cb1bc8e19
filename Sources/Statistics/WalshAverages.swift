/// The averages of all pairs of values, each value also with itself: n(n+1)/2 of them, never held in memory.
struct WalshAverages {
    /// Halves of the values, ascending: their sums are the averages and cannot overflow.
    private let halves: [Double]

    init(sorted values: [Double]) {
        halves = values.map { $0 / 2 }
    }

    var count: Int { halves.count * (halves.count + 1) / 2 }

    /// The average with this rank, from 1 to ``count``, exactly; takes 64 passes over the values at most.
    ///
    /// It is the smallest `Double` that at least `rank` averages do not exceed. The order of floating-point numbers is that
    /// of integers made from their bits, so halving the range of those integers finds it; counting needs one pass because
    /// the matrix of averages is sorted by row and column (the idea is Johnson and Mizoguchi's, 1978).
    func value(rank: Int) -> Double {
        guard let first = halves.first, let last = halves.last else { return 0 }
        var low = Self.key(first + first)
        var high = Self.key(last + last)
        while low < high {
            // Their sum could overflow.
            let middle = (low & high) + ((low ^ high) >> 1)
            if countNotAbove(Self.number(middle)) >= rank { high = middle } else { low = middle + 1 }
        }
        return Self.number(low)
    }

    /// The middle average, or the mean of the middle two.
    var median: Double {
        let low = value(rank: (count + 1) / 2)
        return count % 2 == 1 ? low : low / 2 + value(rank: count / 2 + 1) / 2
    }

    private func countNotAbove(_ bound: Double) -> Int {
        halves.withUnsafeBufferPointer { halves in
            var count = 0
            var end = halves.count
            for start in halves.indices {
                while end > start, halves[start] + halves[end - 1] > bound { end -= 1 }
                if end <= start { break }
                count += end - start
            }
            return count
        }
    }

    private static func key(_ number: Double) -> Int64 {
        let bits = Int64(bitPattern: number.bitPattern)
        return bits < 0 ? Int64.min &- bits : bits
    }

    private static func number(_ key: Int64) -> Double {
        Double(bitPattern: UInt64(bitPattern: key < 0 ? Int64.min &- key : key))
    }
}
