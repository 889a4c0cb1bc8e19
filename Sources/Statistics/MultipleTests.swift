/// Adjusts the p-values of several tests made together, such as one for each metric of a gate.
///
/// Both keep the order of their argument and return values in [0, 1] that are compared with the level as a single p-value
/// would be; nil when an argument is NaN or outside [0, 1]; empty for none.
public enum MultipleTests {
    /// The probability of even one false alarm stays below the level, whatever the tests' dependence. Source: Holm 1979.
    public static func holm(_ pValues: [Double]) -> [Double]? {
        guard let order = ascending(pValues) else { return nil }
        var adjusted = pValues
        var largest = 0.0
        for (rank, index) in order.enumerated() {
            largest = max(largest, min(1, pValues[index] * Double(pValues.count - rank)))
            adjusted[index] = largest
        }
        return adjusted
    }

    /// The expected share of false alarms among all alarms stays below the level, for tests that are independent or
    /// positively dependent. Source: Benjamini and Hochberg 1995.
    public static func benjaminiHochberg(_ pValues: [Double]) -> [Double]? {
        guard let order = ascending(pValues) else { return nil }
        var adjusted = pValues
        var smallest = 1.0
        for (rank, index) in order.enumerated().reversed() {
            smallest = min(smallest, pValues[index] * (Double(pValues.count) / Double(rank + 1)))
            adjusted[index] = smallest
        }
        return adjusted
    }

    private static func ascending(_ pValues: [Double]) -> [Int]? {
        guard pValues.allSatisfy({ $0 >= 0 && $0 <= 1 }) else { return nil }
        return pValues.indices.sorted { pValues[$0] < pValues[$1] }
    }
}
