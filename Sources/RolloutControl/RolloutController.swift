internal import FileLocks
internal import Glibc
public import Rollout
internal import Synchronization
internal import Threads

/// Holds the one rollout of a sidecar: makes its changes one after the other, keeps them in a file, and puts each in force
/// before it is acknowledged.
///
/// A change is durable before it takes effect, with one exception: a rollback takes effect first. If the file cannot be
/// written then, the rollback stands, ``unsavedReason`` says why it is not saved, and the next tick tries again.
public final class RolloutController: Sendable {
    private struct State: ~Copyable {
        var policy: RoutingPolicy
        var content: StateFile.Content
        var unsaved: String?
    }

    private let file: StateFile?
    private let lock: Mutex<FileLock?>
    private let state: Mutex<State>
    /// One change at a time, from its check to its acknowledgement.
    private let changing = Monitor(())
    private let activate: @Sendable (RolloutSnapshot) -> Void
    private let now: @Sendable () -> Int64
    private let onChange: @Sendable (RolloutChange) -> Void

    /// - Parameters:
    ///   - initial: the rollout to begin with where no file says how it was.
    ///   - path: the state file; nil to keep nothing.
    ///   - now: Unix milliseconds.
    ///   - onChange: told of every change that was made, in their order, the first start's among them. Must not wait.
    ///   - activate: puts a snapshot in force; when it returns, nothing is decided by the one before.
    /// - Throws: ``StateFileError``.
    public init(
        _ initial: RolloutState, policy: RoutingPolicy, path: String?, now: @escaping @Sendable () -> Int64 = unixMilliseconds,
        onChange: @escaping @Sendable (RolloutChange) -> Void = { _ in }, activate: @escaping @Sendable (RolloutSnapshot) -> Void
    ) throws(StateFileError) {
        self.now = now
        self.onChange = onChange
        self.activate = activate
        file = path.map(StateFile.init)
        var held: FileLock?
        var content: StateFile.Content?
        if let path, let file {
            held = try FileLock(ofState: path)
            content = try file.read()
            if let found = content, found.state.id != initial.id {
                throw StateFileError(path, "is that of the rollout \(found.state.id), not of \(initial.id); name another file")
            }
        }
        lock = Mutex(held)
        if content == nil {
            let change = RolloutChange(state: initial, command: "configure", at: now(), by: "configuration", why: "the first start")
            let first = StateFile.Content(state: initial, history: [change], forgotten: 0)
            try file?.write(first)
            content = first
            onChange(change)
        }
        state = Mutex(
            State(policy: policy, content: content ?? StateFile.Content(state: initial, history: [], forgotten: 0), unsaved: nil))
    }

    public var snapshot: RolloutSnapshot { state.withLock { RolloutSnapshot(policy: $0.policy, state: $0.content.state) } }

    /// Why the last change is not in the file; nil when all is.
    public var unsavedReason: String? { state.withLock { $0.unsaved } }

    /// Makes a change, and returns when it is in force.
    ///
    /// - Parameter revision: the revision that the change is meant for; nil for whichever is.
    /// - Throws: ``RolloutRefusal``; nothing changed then.
    @discardableResult
    public func change(
        _ command: RolloutCommand, by: String, why: String, ifRevision revision: Int? = nil
    ) throws(RolloutRefusal) -> RolloutState {
        let result = changing.withLock { (_: inout Void) -> Result<RolloutState, RolloutRefusal> in
            let current = snapshot
            if let revision, revision != current.state.revision {
                return .failure(.conflict(current: current.state))
            }
            do throws(RolloutError) {
                let next = try current.state.applying(command, at: now())
                return put(next, command.name, by: by, why: why, isUrgent: next.epoch != current.state.epoch)
            } catch {
                return .failure(.senseless(error.message))
            }
        }
        return try result.get()
    }

    /// Takes the next step of a schedule if it is due, and saves what could not be saved before.
    ///
    /// - Returns: the state after the step; nil when none was due.
    @discardableResult
    public func tick() -> RolloutState? {
        changing.withLock { _ in
            let unsaved = state.withLock { $0.unsaved == nil ? nil : $0.content }
            if let unsaved, let file, (try? file.write(unsaved)) != nil { state.withLock { $0.unsaved = nil } }
            guard let next = snapshot.state.advanced(at: now()) else { return nil }
            let why = "step \(next.stage ?? "") of the schedule"
            return try? put(next, "advance", by: "schedule", why: why, isUrgent: false).get()
        }
    }

    /// Exchanges the policy, as a reload does.
    public func replace(policy: RoutingPolicy) {
        changing.withLock { _ in
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

    private func put(
        _ next: RolloutState, _ command: String, by: String, why: String, isUrgent: Bool
    ) -> Result<RolloutState, RolloutRefusal> {
        var (policy, content) = state.withLock { ($0.policy, $0.content) }
        content.state = next
        let change = RolloutChange(state: next, command: command, at: now(), by: by, why: why)
        content.history.append(change)
        let surplus = max(0, content.history.count - StateFile.maximumHistory)
        content.history.removeFirst(surplus)
        content.forgotten += surplus
        if isUrgent { activate(RolloutSnapshot(policy: policy, state: next)) }
        var problem: String?
        do throws(StateFileError) {
            try file?.write(content)
        } catch {
            guard isUrgent else { return .failure(.notSaved(error.message)) }
            problem = error.message
        }
        state.withLock { state in
            state.content = content
            state.unsaved = problem
            policy = state.policy
        }
        if !isUrgent { activate(RolloutSnapshot(policy: policy, state: next)) }
        onChange(change)
        return .success(next)
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
