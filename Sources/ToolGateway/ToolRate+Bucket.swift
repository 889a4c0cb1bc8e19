/// How much of a rate is left: the whole of it can be spent at once, and comes back evenly.
struct RateBucket: Sendable {
    private var tokens: Double
    private var last: ContinuousClock.Instant
    let rate: ToolRate

    init(_ rate: ToolRate, now: ContinuousClock.Instant) {
        self.rate = rate
        tokens = Double(rate.calls)
        last = now
    }

    /// Takes from a bucket that begins full, and begins anew where the rate is another than it was.
    static func take(from bucket: inout RateBucket?, _ rate: ToolRate, now: ContinuousClock.Instant) -> Duration? {
        if bucket?.rate != rate { bucket = RateBucket(rate, now: now) }
        return bucket?.take(now: now)
    }

    /// - Returns: nil when the call may go; else how long until one may.
    private mutating func take(now: ContinuousClock.Instant) -> Duration? {
        let perCall = rate.per / Double(max(1, rate.calls))
        if now > last {
            tokens = min(Double(rate.calls), tokens + (now - last) / perCall)
            last = now
        }
        guard tokens >= 1 else { return perCall * (1 - tokens) }
        tokens -= 1
        return nil
    }
}
