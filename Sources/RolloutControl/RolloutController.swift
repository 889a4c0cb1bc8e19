internal import FileLocks
internal import Glibc
public import Rollout
internal import Synchronization
internal import Threads

/// Holds the one rollout of a sidecar: makes its changes one after the other, keeps them in a file, and puts each in force
/// before it is acknowledged.
///
/// A change is durable before it takes effect, with one exception: a rollback takes effect first, and waits for no disk, not
/// even for one on which another change is being written. If the file cannot be written then, the rollback stands,
/// ``unsavedReason`` says why it is not saved, and the next tick tries again.
public final class RolloutController: Sendable {
    private struct State {
        var policy: RoutingPolicy
        var content: StateFile.Content
    }

    /// nil to keep nothing.
    private let saver: StateSaver?
    private let state: Mutex<State>
    /// From a decision to its being in force: changes are decided, and put in force, in the order of their revisions. Held
    /// for moments only.
    private let deciding = Monitor(())
    /// One change at a time that must be durable first.
    private let saving = Monitor(())
    private let activate: @Sendable (RolloutSnapshot) -> Void
    private let now: @Sendable () -> Int64
    private let scheduleTime: @Sendable () -> Int64
    private let onChange: @Sendable (RolloutChange) -> Void

    private let changePatience: Duration
    /// How long a rollback that is in force waits for the disk before it is acknowledged.
    private static let rollbackPatience = Duration.seconds(1)

    /// - Parameters:
    ///   - initial: the rollout to begin with where no file says how it was.
    ///   - path: the state file; nil to keep nothing.
    ///   - now: Unix milliseconds.
    ///   - changePatience: how long a change waits for the disk before it is given up.
    ///   - scheduleTime: the same for the steps of schedules; nil for `now`.
    ///   - onChange: told of every change that was made, in their order, the first start's among them. Must not wait.
    ///   - activate: puts a snapshot in force; when it returns, nothing is decided by the one before.
    /// - Throws: ``StateFileError``.
    public init(
        _ initial: RolloutState, policy: RoutingPolicy, path: String?, now: @escaping @Sendable () -> Int64 = unixMilliseconds,
        scheduleTime: (@Sendable () -> Int64)? = nil, changePatience: Duration = .seconds(10),
        onChange: @escaping @Sendable (RolloutChange) -> Void = { _ in }, activate: @escaping @Sendable (RolloutSnapshot) -> Void
    ) throws(StateFileError) {
        self.now = now
        self.changePatience = changePatience
        self.scheduleTime = scheduleTime ?? now
        self.onChange = onChange
        self.activate = activate
        let first = RolloutChange(state: initial, command: "configure", at: now(), by: "configuration", why: "the first start")
        var content = StateFile.Content(state: initial, history: [first], forgotten: 0)
        var isNew = true
        if let path {
            let file = StateFile(path: path)
            // Before the lock, which is a file: none is to be made beside what is not ours.
            _ = try file.read(of: initial.id)
            let lock = try FileLock(ofState: file.path)
            if let found = try file.read(of: initial.id) {
                content = found
                isNew = false
            } else {
                try file.write(content)
            }
            saver = try StateSaver(file, lock)
        } else {
            saver = nil
        }
        state = Mutex(State(policy: policy, content: content))
        if isNew { onChange(first) }
    }

    deinit { saver?.end() }

    /// The rollout that a controller would begin with, by the state file or, where there is none yet, as the configuration says.
    /// Nothing is made, and no lock is taken.
    ///
    /// - Throws: ``StateFileError``.
    public static func stateAtStart(_ initial: RolloutState, path: String?) throws(StateFileError) -> RolloutState {
        guard let path else { return initial }
        return try StateFile(path: path).read(of: initial.id)?.state ?? initial
    }

    /// The file in which the rollout is kept: what `path` leads to, if that is a symbolic link.
    public static func stateFile(at path: String) -> String { StateFile(path: path).path }

    public var snapshot: RolloutSnapshot { state.withLock { RolloutSnapshot(policy: $0.policy, state: $0.content.state) } }

    /// Why the last change is not in the file; nil when all is.
    public var unsavedReason: String? { saver?.unsavedReason }

    /// Whether a restart would find the rollout as it is: never without a state file.
    public var isSaved: Bool { saver.map { $0.unsavedReason == nil } ?? false }

    /// Makes a change, and returns when it is in force.
    ///
    /// - Parameter revision: the revision that the change is meant for; nil for whichever is.
    /// - Throws: ``RolloutRefusal``; nothing changed then.
    @discardableResult
    public func change(
        _ command: RolloutCommand, by: String, why: String, ifRevision revision: Int? = nil
    ) throws(RolloutRefusal) -> RolloutState {
        let decide: @Sendable (RolloutState) throws(RolloutRefusal) -> Proposal = { [scheduleTime] current throws(RolloutRefusal) in
            if let revision, revision != current.revision { throw .conflict(current: current) }
            do throws(RolloutError) {
                return Proposal(next: try current.applying(command, at: scheduleTime()), command: command.name, by: by, why: why)
            } catch {
                throw .senseless(error.message)
            }
        }
        // A rollback does not queue behind changes that wait for the disk.
        if let rolledBack = try begin(decide, mayWait: false).inForce { return rolledBack }
        let result = saving.withLock { _ in
            Result { () throws(RolloutRefusal) in try makeDurable(decide, within: changePatience) }
        }
        return try result.get()
    }

    /// Takes the next step of a schedule if it is due, and saves what could not be saved before.
    ///
    /// - Returns: the state after the step; nil when none was due, or it could not be saved yet.
    @discardableResult
    public func tick() -> RolloutState? {
        saver?.retry()
        // While the disk hangs there is no point in asking it for more.
        guard snapshot.state.advanced(at: scheduleTime()) != nil, saver?.isBusy != true else { return nil }
        return saving.withLock { _ in
            let decide: @Sendable (RolloutState) throws(RolloutRefusal) -> Proposal = { [scheduleTime] current throws(RolloutRefusal) in
                guard let next = current.advanced(at: scheduleTime()) else { throw .conflict(current: current) }
                return Proposal(next: next, command: "advance", by: "schedule", why: "step \(next.stage ?? "") of the schedule")
            }
            return try? makeDurable(decide, within: Self.rollbackPatience)
        }
    }

    /// Exchanges the policy, as a reload does.
    public func replace(policy: RoutingPolicy) {
        deciding.withLock { _ in
            let snapshot = state.withLock { state in
                state.policy = policy
                return RolloutSnapshot(policy: policy, state: state.content.state)
            }
            activate(snapshot)
        }
    }

    /// - Parameter before: only changes before this revision.
    /// - Returns: the newest first.
    public func history(limit: Int, before: Int? = nil) -> [RolloutChange] {
        state.withLock { state in
            Array(state.content.history.reversed().lazy.filter { before == nil || $0.state.revision < before ?? 0 }.prefix(limit))
        }
    }

    // MARK: from a proposal to its being in force

    /// A change that would make sense.
    private struct Proposal {
        var next: RolloutState
        var command: String
        var by: String
        var why: String
    }

    /// A change that is in force, or that is being written and not in force yet.
    private enum Begun {
        case inForce(RolloutState)
        case writing(StateFile.Content, RolloutChange, base: Int, number: Int?)
        case mustWait

        var inForce: RolloutState? {
            if case .inForce(let state) = self { return state }
            return nil
        }
    }

    /// Decides, and puts a rollback in force at once; whatever else is only asked to be written, if it may wait for that.
    private func begin(
        _ decide: (RolloutState) throws(RolloutRefusal) -> Proposal, mayWait: Bool
    ) throws(RolloutRefusal) -> Begun {
        let result = deciding.withLock { _ in
            Result { () throws(RolloutRefusal) -> (Begun, saved: Int?) in
                var content = state.withLock { $0.content }
                let current = content.state
                let proposal = try decide(current)
                let change = content.append(proposal.next, proposal.command, at: now(), by: proposal.by, why: proposal.why)
                guard proposal.next.epoch != current.epoch else {
                    guard mayWait else { return (.mustWait, nil) }
                    let number = saver?.ask(content, isInForce: false)
                    return (.writing(content, change, base: current.revision, number: number), nil)
                }
                putInForce(content, change)
                return (.inForce(proposal.next), saver?.ask(content, isInForce: true))
            }
        }
        let (begun, number) = try result.get()
        if let number { _ = saver?.outcome(of: number, within: Self.rollbackPatience) }
        return begun
    }

    /// Makes a change that takes effect only once it is in the file.
    private func makeDurable(
        _ decide: (RolloutState) throws(RolloutRefusal) -> Proposal, within patience: Duration
    ) throws(RolloutRefusal) -> RolloutState {
        if let saver, saver.hangs { throw .notSaved(saver.hanging) }
        let begun = try begin(decide, mayWait: true)
        guard case .writing(let content, let change, let base, let number) = begun else { return begun.inForce ?? snapshot.state }
        if let saver, let number {
            switch saver.outcome(of: number, within: patience) {
            case .saved: break
            case .failed(let problem): throw .notSaved(problem)
            case .pending:
                // Should the disk answer yet, then what is in force must be written last.
                deciding.withLock { _ in _ = saver.ask(state.withLock { $0.content }, isInForce: true) }
                throw .notSaved(saver.hanging)
            }
        }
        let overtaken: RolloutState? = deciding.withLock { _ in
            let current = snapshot.state
            // A rollback came meanwhile, and its state is written after this one.
            guard current.revision == base else { return current }
            putInForce(content, change)
            return nil
        }
        if let overtaken { throw .conflict(current: overtaken) }
        return content.state
    }

    private func putInForce(_ content: StateFile.Content, _ change: RolloutChange) {
        let policy = state.withLock { state in
            state.content = content
            return state.policy
        }
        activate(RolloutSnapshot(policy: policy, state: content.state))
        onChange(change)
    }
}

extension StateFile.Content {
    /// Adds a change, and forgets the oldest beyond the limit.
    fileprivate mutating func append(_ next: RolloutState, _ command: String, at time: Int64, by: String, why: String) -> RolloutChange {
        state = next
        let change = RolloutChange(state: next, command: command, at: time, by: by, why: why)
        history.append(change)
        let surplus = max(0, history.count - StateFile.maximumHistory)
        history.removeFirst(surplus)
        forgotten += surplus
        return change
    }
}

/// Why a change was not made.
public enum RolloutRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    /// Someone else changed it meanwhile.
    case conflict(current: RolloutState)
    /// It makes no sense now.
    case senseless(String)
    /// The state file cannot be written.
    case notSaved(String)

    public var description: String {
        switch self {
        case .conflict(let current): "the rollout is at revision \(current.revision) by now; look at it and try again"
        case .senseless(let message), .notSaved(let message): message
        }
    }
}

/// Unix milliseconds.
public func unixMilliseconds() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
}
