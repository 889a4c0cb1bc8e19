/// A change of a rollout.
public enum RolloutCommand: Hashable, Sendable {
    /// Sets what is not nil. Ends a schedule.
    case set(mode: RolloutMode?, percentage: Percentage?, shadowPercentage: Percentage?)
    /// Starts a canary by steps, with the first one.
    case start([RolloutState.Schedule.Step])
    /// The schedule stands still; the traffic stays as it is.
    case pause
    case resume
    /// All keys are the candidate's; ends a schedule. It stays a canary, so that one step leads back.
    case promote
    /// Everything goes to the baseline, at once; what runs on the candidate is fenced off. Ends a schedule.
    case rollback

    /// A stable word.
    public var name: String {
        switch self {
        case .set: "set"
        case .start: "start"
        case .pause: "pause"
        case .resume: "resume"
        case .promote: "promote"
        case .rollback: "rollback"
        }
    }
}

/// Why a change cannot be made.
public struct RolloutError: Error, Hashable, Sendable, CustomStringConvertible {
    public var message: String
    public var description: String { message }

    public init(_ message: String) { self.message = message }
}

extension RolloutState {
    /// The state after a change.
    ///
    /// - Parameter now: Unix milliseconds.
    /// - Throws: ``RolloutError`` when the change makes no sense now; nothing changes then.
    public func applying(_ command: RolloutCommand, at now: Int64) throws(RolloutError) -> RolloutState {
        var next = self
        next.revision += 1
        switch command {
        case .set(let mode, let percentage, let shadowPercentage):
            guard mode != nil || percentage != nil || shadowPercentage != nil else {
                throw RolloutError("nothing is to be set; name a mode or a percentage")
            }
            next.mode = mode ?? self.mode
            next.percentage = percentage ?? (mode == .baseline ? .none : self.percentage)
            next.shadowPercentage = shadowPercentage ?? self.shadowPercentage
            if next.mode == .baseline, next.percentage != .none {
                throw RolloutError("in mode baseline the candidate has no share; set mode canary, or percent 0")
            }
            // Mode baseline is a rollback, by whatever name.
            if next.mode == .baseline { next.epoch += 1 }
            next.schedule = nil
        case .start(let steps):
            guard let first = steps.first else { throw RolloutError("a schedule needs at least one step") }
            for (a, b) in zip(steps, steps.dropFirst()) where b.percentage < a.percentage {
                throw RolloutError("the steps must not go down: \(b.percentage)% comes after \(a.percentage)%")
            }
            next.mode = .canary
            next.percentage = first.percentage
            next.schedule = Schedule(steps: steps, position: 0, since: now, pausedAt: nil)
        case .pause:
            guard var schedule else { throw RolloutError("no schedule is on, so there is nothing to pause") }
            guard !schedule.isPaused else { throw RolloutError("the schedule is paused already") }
            schedule.pausedAt = now
            next.schedule = schedule
        case .resume:
            guard var schedule else { throw RolloutError("no schedule is on, so there is nothing to resume") }
            guard let pausedAt = schedule.pausedAt else { throw RolloutError("the schedule is not paused") }
            // A clock that was set back must not shorten the step.
            schedule.since += max(0, now - pausedAt)
            schedule.pausedAt = nil
            next.schedule = schedule
        case .promote:
            next.mode = .canary
            next.percentage = .all
            next.schedule = nil
        case .rollback:
            next.mode = .baseline
            next.percentage = .none
            next.schedule = nil
            next.epoch += 1
        }
        return next
    }

    /// The state after the next step of the schedule, if it is due.
    ///
    /// One step at a time, even if several are overdue: a sidecar that was away for a day does not skip what nobody saw.
    ///
    /// - Parameter now: Unix milliseconds.
    public func advanced(at now: Int64) -> RolloutState? {
        guard var schedule, let due = schedule.nextAt, now >= due else { return nil }
        var next = self
        next.revision += 1
        schedule.position += 1
        schedule.since = now
        next.percentage = schedule.steps[schedule.position].percentage
        next.schedule = schedule
        return next
    }
}

/// One change in a rollout's history: who, when, why, and what it made.
public struct RolloutChange: Hashable, Sendable {
    /// The state after it.
    public var state: RolloutState
    /// A command's name, `advance` for a step of the schedule, `configure` for what the configuration began with.
    public var command: String
    /// Unix milliseconds.
    public var at: Int64
    public var by: String
    public var why: String

    public init(state: RolloutState, command: String, at: Int64, by: String, why: String) {
        self.state = state
        self.command = command
        self.at = at
        self.by = by
        self.why = why
    }
}
