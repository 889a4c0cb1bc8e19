internal import AgentRuns

/// A stretch of tool calls that repeats itself without end in sight.
public struct CallLoop: Hashable, Sendable {
    /// Place of the first call of the stretch, counted from 0.
    public var start: Int
    /// How many calls are repeated together: 1 for the same call again and again.
    public var period: Int
    /// How often they stand there in a row.
    public var repetitions: Int
}

/// Finds the same call, or the same few calls, made again and again.
enum LoopDetector {
    /// Longer patterns than this are not looked for.
    static let maximumPeriod = 4

    /// The stretch with the most repetitions.
    ///
    /// - Parameter limit: how many repetitions in a row are still no loop.
    /// - Returns: nil when nothing repeats more often than `limit`.
    static func longestLoop(in calls: [Int], limit: Int) -> CallLoop? {
        var longest: CallLoop?
        for period in 1...maximumPeriod where calls.count > period * limit {
            var length = period
            for i in period...calls.count {
                if i < calls.count, calls[i] == calls[i - period] {
                    length += 1
                    continue
                }
                let repetitions = length / period
                if repetitions > limit, repetitions > longest?.repetitions ?? 0 {
                    longest = CallLoop(start: i - length, period: period, repetitions: repetitions)
                }
                length = period
            }
        }
        return longest
    }
}
