/// How steadily an agent passes when each trace is run several times.
///
/// A task is one trace in one arm. Every rate is in [0, 1] and averages over tasks, each counting the same however often it
/// was repeated.
public struct Flakiness: Hashable, Sendable {
    /// How many of a task's repeats passed.
    public struct Task: Hashable, Sendable {
        public let passed: Int
        public let repeats: Int

        /// Nil unless 0 ≤ passed ≤ repeats.
        public init?(passed: Int, repeats: Int) {
            guard passed >= 0, passed <= repeats else { return nil }
            self.passed = passed
            self.repeats = repeats
        }

        /// Whether some repeats passed and some failed.
        public var isMixed: Bool { passed > 0 && passed < repeats }

        /// The share of pairs of repeats with the same result: 1 when steady; nil for fewer than two repeats.
        public var agreement: Double? {
            repeats < 2 ? nil : Self.allAmong(passed, of: repeats, 2) + Self.allAmong(repeats - passed, of: repeats, 2)
        }

        /// C(count, k) / C(total, k): the chance that k repeats, drawn without replacement, are all among `count`.
        static func allAmong(_ count: Int, of total: Int, _ k: Int) -> Double {
            // As a product of ratios, no binomial coefficient has to be representable.
            k > count ? 0 : (0..<k).reduce(1) { $0 * (Double(count - $1) / Double(total - $1)) }
        }
    }

    /// A rate and the tasks that it rests on: tasks with too few repeats for it are counted, never silently left out.
    public struct Rate: Hashable, Sendable {
        public let value: Double
        public let tasks: Int
        public let skippedTasks: Int
    }

    public let tasks: [Task]

    public init(_ tasks: [Task]) {
        self.tasks = tasks
    }

    /// pass^k: the chance that k repeats of a task all pass. Nil when k < 1 or no task was repeated k times.
    ///
    /// The unbiased estimator C(c, k) / C(n, k) of c passes among n repeats. Source: Yao et al. 2024, "τ-bench".
    public func allPass(_ k: Int) -> Rate? {
        k < 1 ? nil : rate { $0.repeats < k ? nil : Task.allAmong($0.passed, of: $0.repeats, k) }
    }

    /// pass@k: the chance that at least one of k repeats passes. Nil when k < 1 or no task was repeated k times.
    ///
    /// The unbiased estimator 1 − C(n − c, k) / C(n, k). Source: Chen et al. 2021, "Evaluating large language models
    /// trained on code".
    public func anyPass(_ k: Int) -> Rate? {
        k < 1 ? nil : rate { $0.repeats < k ? nil : 1 - Task.allAmong($0.repeats - $0.passed, of: $0.repeats, k) }
    }

    /// The share of tasks with mixed results, among those repeated at least twice; nil when there are none.
    ///
    /// It grows with the number of repeats: compare it only between arms that were repeated equally often.
    public var flakyRate: Rate? {
        rate { $0.repeats < 2 ? nil : $0.isMixed ? 1 : 0 }
    }

    /// The mean of the tasks' agreement, among those repeated at least twice; nil when there are none.
    public var agreement: Rate? {
        rate(\.agreement)
    }

    private func rate(_ of: (Task) -> Double?) -> Rate? {
        let values = tasks.compactMap(of)
        guard let mean = Sample.mean(values) else { return nil }
        return Rate(value: mean, tasks: values.count, skippedTasks: tasks.count - values.count)
    }
}
