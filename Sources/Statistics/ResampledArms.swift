/// One figure of each arm, such as its mean.
struct Arms {
    var baseline: Double
    var candidate: Double
}

/// Paired values of which a figure of each arm can be had for all pairs, for a resample, and for all but one.
protocol ResampledArms {
    var whole: Arms { get }
    mutating func resample(using generator: inout Xoshiro256) -> Arms
    func without(_ pair: Int) -> Arms
}

struct ResampledMeans: ResampledArms {
    private let pairs: [Arms]
    private let sum: Arms

    init(_ baseline: [Double], _ candidate: [Double]) {
        // Side by side, since a resample visits them in random order.
        pairs = zip(baseline, candidate).map { Arms(baseline: $0, candidate: $1) }
        sum = Arms(baseline: baseline.reduce(0, +), candidate: candidate.reduce(0, +))
    }

    var whole: Arms { Self.mean(sum, pairs.count) }

    func resample(using generator: inout Xoshiro256) -> Arms {
        pairs.withUnsafeBufferPointer { pairs in
            var sum = Arms(baseline: 0, candidate: 0)
            for _ in 0..<pairs.count {
                let pair = pairs[generator.index(below: pairs.count)]
                sum.baseline += pair.baseline
                sum.candidate += pair.candidate
            }
            return Self.mean(sum, pairs.count)
        }
    }

    func without(_ pair: Int) -> Arms {
        let rest = Arms(
            baseline: sum.baseline - pairs[pair].baseline, candidate: sum.candidate - pairs[pair].candidate)
        return Self.mean(rest, pairs.count - 1)
    }

    private static func mean(_ sum: Arms, _ count: Int) -> Arms {
        Arms(baseline: sum.baseline / Double(count), candidate: sum.candidate / Double(count))
    }
}

struct ResampledQuantiles: ResampledArms {
    private let baseline: RankedArm
    private let candidate: RankedArm
    private let probability: Double
    /// How often the current resample holds each pair; kept to be used again.
    private var weights: [Int32]

    init(_ baseline: [Double], _ candidate: [Double], _ probability: Double) {
        self.baseline = RankedArm(baseline)
        self.candidate = RankedArm(candidate)
        self.probability = probability
        weights = [Int32](repeating: 0, count: baseline.count)
    }

    var whole: Arms {
        let position = QuantilePosition(probability, count: weights.count)
        return Arms(
            baseline: position.value { baseline.sorted[$0] }, candidate: position.value { candidate.sorted[$0] })
    }

    mutating func resample(using generator: inout Xoshiro256) -> Arms {
        weights.withUnsafeMutableBufferPointer { weights in
            weights.update(repeating: 0)
            for _ in 0..<weights.count { weights[generator.index(below: weights.count)] += 1 }
        }
        let position = QuantilePosition(probability, count: weights.count)
        return Arms(
            baseline: baseline.quantile(position, weights: weights),
            candidate: candidate.quantile(position, weights: weights))
    }

    func without(_ pair: Int) -> Arms {
        let position = QuantilePosition(probability, count: weights.count - 1)
        return Arms(
            baseline: position.value { baseline.value(at: $0, without: pair) },
            candidate: position.value { candidate.value(at: $0, without: pair) })
    }
}

/// One arm's values in order: sorted once, so that no resample has to be.
private struct RankedArm {
    let sorted: [Double]
    /// The pair of each sorted value, and the place of each pair's value among the sorted.
    private let pairs: [Int32]
    private var places: [Int32]

    init(_ values: [Double]) {
        let order = values.indices.sorted { values[$0] < values[$1] }
        sorted = order.map { values[$0] }
        pairs = order.map { Int32(truncatingIfNeeded: $0) }
        places = pairs
        for (place, pair) in order.enumerated() { places[pair] = Int32(truncatingIfNeeded: place) }
    }

    /// The quantile of values that each count as often as their pair's weight.
    func quantile(_ position: QuantilePosition, weights: [Int32]) -> Double {
        // From the top, because what is asked for is mostly a high percentile.
        let remaining = sorted.count - 1 - position.index
        var seen = 0
        var next: Double?
        for place in sorted.indices.reversed() {
            seen += Int(weights[Int(pairs[place])])
            if next == nil, seen >= remaining, seen > 0 { next = sorted[place] }
            if seen > remaining { return position.between(sorted[place], next ?? sorted[place]) }
        }
        // Not reached: the weights add up to the number of values.
        return sorted[0]
    }

    func value(at index: Int, without pair: Int) -> Double {
        sorted[index < Int(places[pair]) ? index : index + 1]
    }
}
