/// Mean, spread and quantiles of finite numbers, in their unit.
///
/// Nil for anything that is not a finite number, or when the result would not be one.
public enum Sample {
    /// The arithmetic mean; nil for none.
    public static func mean(_ values: [Double]) -> Double? {
        guard !values.isEmpty else { return nil }
        let n = Double(values.count)
        var mean = values.reduce(0, +) / n
        // The sum of finite numbers can overflow where their mean does not.
        if !mean.isFinite { mean = values.reduce(0) { $0 + $1 / n } }
        // A second pass takes back what rounding lost in the first.
        let corrected = mean + values.reduce(0) { $0 + ($1 - mean) } / n
        if corrected.isFinite { return corrected }
        return mean.isFinite ? mean : nil
    }

    /// The standard deviation with n − 1 below the line (numpy's `ddof=1`); nil for fewer than two.
    public static func standardDeviation(_ values: [Double]) -> Double? {
        guard values.count > 1, let mean = mean(values) else { return nil }
        let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        let deviation = (squares / Double(values.count - 1)).squareRoot()
        return deviation.isFinite ? deviation : nil
    }

    /// The value below which a share `probability` (0…1) lies, interpolated linearly between neighbours: type 7 of
    /// Hyndman and Fan 1996, numpy's default. Nil for none or a probability outside [0, 1].
    public static func quantile(_ probability: Double, of values: [Double]) -> Double? {
        guard !values.isEmpty, probability >= 0, probability <= 1, values.allSatisfy(\.isFinite) else { return nil }
        let sorted = values.sorted()
        return QuantilePosition(probability, count: sorted.count).value { sorted[$0] }
    }
}

/// Where a type 7 quantile lies among so many sorted values: on one of them, or between it and the next.
struct QuantilePosition {
    let index: Int
    /// How far towards the next value, 0..<1.
    let fraction: Double

    /// - Precondition: `probability` is in [0, 1] and `count` positive.
    init(_ probability: Double, count: Int) {
        let position = Double(count - 1) * probability
        index = min(count - 1, Int(position))
        fraction = index == count - 1 ? 0 : position - Double(index)
    }

    /// The quantile, given the value at each place in sorted order.
    func value(at sorted: (Int) -> Double) -> Double {
        fraction == 0 ? sorted(index) : between(sorted(index), sorted(index + 1))
    }

    /// Interpolates so that neighbours that are equal give exactly themselves, and distant ones do not overflow.
    func between(_ low: Double, _ high: Double) -> Double {
        low == high ? low : low * (1 - fraction) + high * fraction
    }
}
