internal import NIOCore
internal import Synchronization

/// Whether an arm may be asked now: how much it is at, and whether it was found broken. Shared by all event loops.
final class ArmGate: Sendable {
    enum Admission: Equatable {
        case admitted
        /// As much is under way as the arm takes.
        case overloaded
        /// The arm failed too often; it is left alone for so long.
        case open(retryAfter: TimeAmount)
        /// Health checks failed.
        case unhealthy
    }

    private struct State {
        var inFlight = 0
        var breaker = CircuitBreaker()
        var failedChecks = 0
        var isHealthy = true
    }

    private let state = Mutex(State())

    /// Asks for a place. What was admitted must ``leave(_:_:)``.
    func enter(_ settings: ArmSettings, now: NIODeadline) -> Admission {
        state.withLock { state in
            guard state.isHealthy else { return .unhealthy }
            guard state.inFlight < settings.maximumConcurrency else { return .overloaded }
            if let wait = state.breaker.refusal(settings.breaker, now: now) { return .open(retryAfter: wait) }
            state.inFlight += 1
            return .admitted
        }
    }

    /// What came of a request.
    enum Ending {
        case succeeded
        case failed
        /// It says nothing about the arm: the client left, for instance.
        case unknown
    }

    func leave(_ settings: BreakerSettings, _ ending: Ending, now: NIODeadline) {
        state.withLock { state in
            state.inFlight -= 1
            switch ending {
            case .succeeded: state.breaker.succeed()
            case .failed: state.breaker.fail(settings, now: now)
            case .unknown: state.breaker.giveUpTrial()
            }
        }
    }

    /// - Returns: whether the arm's health changed.
    func check(passed: Bool, _ settings: HealthCheckSettings) -> Bool {
        state.withLock { state in
            let before = state.isHealthy
            state.failedChecks = passed ? 0 : state.failedChecks + 1
            state.isHealthy = state.failedChecks < max(1, settings.failures)
            return before != state.isHealthy
        }
    }

    var status: (inFlight: Int, isHealthy: Bool, isOpen: Bool) {
        state.withLock { ($0.inFlight, $0.isHealthy, $0.breaker.isOpen) }
    }
}

/// Leaves an arm alone that fails again and again, and tries it with one request at a time until one succeeds.
struct CircuitBreaker {
    private var failures = 0
    private var openUntil: NIODeadline?
    private var isTrying = false

    var isOpen: Bool { openUntil != nil }

    /// - Returns: nil when a request may go; else how long to wait.
    mutating func refusal(_ settings: BreakerSettings, now: NIODeadline) -> TimeAmount? {
        guard let openUntil else { return nil }
        guard now >= openUntil, !isTrying else { return max(openUntil - now, .seconds(1)) }
        isTrying = true
        return nil
    }

    mutating func succeed() {
        failures = 0
        openUntil = nil
        isTrying = false
    }

    mutating func fail(_ settings: BreakerSettings, now: NIODeadline) {
        failures += 1
        isTrying = false
        if settings.failures > 0, failures >= settings.failures { openUntil = now + settings.openFor }
    }

    /// The request that tried the arm ended without saying anything about it.
    mutating func giveUpTrial() { isTrying = false }
}
