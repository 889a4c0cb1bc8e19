/// An estimate and the range in which the true value lies with the stated confidence, all in the estimate's unit.
public struct ConfidenceInterval: Hashable, Sendable {
    public let estimate: Double
    public let lower: Double
    public let upper: Double
    /// In (0, 1); 0.95 means that of twenty such intervals nineteen enclose the true value.
    public let confidence: Double

    public init(estimate: Double, lower: Double, upper: Double, confidence: Double) {
        self.estimate = estimate
        self.lower = lower
        self.upper = upper
        self.confidence = confidence
    }

    public func contains(_ value: Double) -> Bool {
        lower <= value && value <= upper
    }
}
