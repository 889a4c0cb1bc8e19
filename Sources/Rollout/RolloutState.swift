
/// What a rollout does with requests.
public enum RolloutMode: String, CaseIterable, Sendable {
    /// Everything goes to the baseline; this is what a rollback leaves.
    case baseline
    /// The baseline answers; the candidate is given copies.
    case shadow
    /// A part of the keys is the candidate's.
    case canary
}

/// Which release is the candidate, in which mode, for how much traffic. Its revision only grows.
public struct RolloutState: Hashable, Sendable {
    /// The rollout's name (`outrigger.rollout.id`).
    public internal(set) var id: String
    public internal(set) var revision: Int
    public internal(set) var mode: RolloutMode
    /// How many of the keys are the candidate's in ``RolloutMode/canary``.
    public internal(set) var percentage: Percentage
    /// How many of the requests are copied in ``RolloutMode/shadow``.
    public internal(set) var shadowPercentage: Percentage
    /// Grows with every rollback: what was decided before one is void.
    public internal(set) var epoch: Int
    public internal(set) var schedule: Schedule?

    public init(
        id: String, mode: RolloutMode = .baseline, percentage: Percentage = .none, shadowPercentage: Percentage = .all
    ) {
        self.id = id
        self.mode = mode
        self.percentage = percentage
        self.shadowPercentage = shadowPercentage
        revision = 1
        epoch = 0
    }

    /// How much of the traffic the candidate answers.
    public var weight: Percentage { mode == .canary ? percentage : .none }

    /// The step of the schedule that is on, as it is called in spans: `2/4`.
    public var stage: String? { schedule.map { "\($0.position + 1)/\($0.steps.count)" } }

    /// A canary that grows by steps.
    public struct Schedule: Hashable, Sendable {
        public struct Step: Hashable, Sendable {
            public var percentage: Percentage
            /// How long it lasts, in whole seconds; nil to wait for a person.
            public var seconds: Int?

            public init(percentage: Percentage, seconds: Int?) {
                self.percentage = percentage
                self.seconds = seconds
            }
        }

        public internal(set) var steps: [Step]
        /// Index of the step that is on.
        public internal(set) var position: Int
        /// Unix milliseconds at which the step began, less the time it has stood still.
        public internal(set) var since: Int64
        /// Unix milliseconds since when it stands still; nil while it runs.
        public internal(set) var pausedAt: Int64?

        public var isPaused: Bool { pausedAt != nil }

        /// Unix milliseconds at which the next step is due; nil when nothing is.
        public var nextAt: Int64? {
            guard !isPaused, position + 1 < steps.count, let seconds = steps[position].seconds else { return nil }
            return since + Int64(seconds) * 1000
        }
    }
}
