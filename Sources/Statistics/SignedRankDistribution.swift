/// The distribution of the sum of those ranks whose sign comes up positive, each with probability one half.
struct SignedRankDistribution {
    /// Probability of each sum, from 0 on.
    private let probabilities: [Double]

    /// Takes time and memory of the number of ranks times their sum; callers bound it. Only positive numbers are added, so
    /// the smallest tail is as exact relatively as the largest.
    init(ranks: [Int]) {
        let total = ranks.reduce(0, +)
        probabilities = [Double](unsafeUninitializedCapacity: total + 1) { probabilities, count in
            probabilities.initialize(repeating: 0)
            count = total + 1
            probabilities[0] = 1
            var largest = 0
            for rank in ranks {
                largest += rank
                var sum = largest
                // Downwards, so that what is read has not been written for this rank yet.
                while sum >= rank {
                    probabilities[sum] = (probabilities[sum] + probabilities[sum - rank]) / 2
                    sum -= 1
                }
                while sum >= 0 {
                    probabilities[sum] /= 2
                    sum -= 1
                }
            }
        }
    }

    /// P(sum ≤ value).
    func cumulative(_ value: Int) -> Double {
        min(1, probabilities.prefix(max(0, value + 1)).reduce(0, +))
    }

    /// The largest k for which P(sum < k) ≤ `tail`; 0 when even the smallest sum is more likely than that.
    func cut(tail: Double) -> Int {
        var cumulative = 0.0
        for (sum, probability) in probabilities.enumerated() {
            cumulative += probability
            if cumulative > tail { return sum }
        }
        return probabilities.count
    }
}
