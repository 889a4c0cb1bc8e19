internal import FileLocks
internal import Synchronization
internal import Threads

/// Writes the state file on a thread of its own: a disk that hangs must hold back no rollback, and nobody who looks.
///
/// Of several contents that wait only the newest is written, which has all that the others have.
final class StateSaver: Sendable {
    /// What became of a content that was to be written.
    enum Outcome: Hashable {
        case saved
        case failed(String)
        /// Nothing yet.
        case pending
    }

    private struct State {
        var newest: StateFile.Content?
        /// Contents are counted from 1, in the order in which they were to be written.
        var asked = 0
        /// When the writing that is under way was begun, or asked for.
        var busySince = ContinuousClock.now
        /// The last one whose writing has ended, well or not.
        var finished = 0
        var failure: String?
        /// What is in force and not in the file, and its number.
        var owed: (number: Int, content: StateFile.Content)?
        var owedProblem: String?
        var isEnding = false
        var hasEnded = false
    }

    /// A write that takes longer is told of: the disk hangs.
    private static let patience = Duration.seconds(1)

    private let file: StateFile
    private let state = Monitor(State())

    /// - Parameter lock: what keeps other processes from the file; given up when the last write has ended.
    /// - Throws: ``StateFileError`` when the system has no thread to give.
    init(_ file: StateFile, _ lock: consuming FileLock) throws(StateFileError) {
        self.file = file
        let held = HeldLock(lock)
        do throws(ThreadError) {
            try WorkerThread { [self] in
                while case .write(let number, let content) = next() { write(number, content) }
                held.release()
                state.withLock { $0.hasEnded = true }
            }.detach()
        } catch {
            throw StateFileError(file.path, "cannot be kept: \(error)")
        }
    }

    /// Writes what was asked for and what is owed, and lets the file go. A write that hangs is not waited for, and keeps the
    /// lock.
    func end() {
        retry()
        state.withLock { $0.isEnding = true }
        _ = state.wait(atMost: Self.patience) { $0.hasEnded ? () : nil }
    }

    // MARK: what is to be written

    /// Never waits.
    ///
    /// - Parameter isInForce: whether the content counts already, so that it is owed until it is in the file.
    /// - Returns: its number.
    func ask(_ content: StateFile.Content, isInForce: Bool) -> Int {
        state.withLock { state in
            if state.finished == state.asked { state.busySince = .now }
            state.asked += 1
            state.newest = content
            if isInForce { state.owed = (state.asked, content) }
            return state.asked
        }
    }

    /// Waits for the writing of a content, or of a newer one.
    func outcome(of number: Int, within bound: Duration) -> Outcome {
        state.wait(atMost: bound) { state -> Outcome? in
            guard state.finished >= number else { return nil }
            return state.failure.map { .failed($0) } ?? .saved
        } ?? .pending
    }

    /// Tries again what is owed, unless something is being written.
    func retry() {
        let owed = state.withLockQuietly { $0.finished == $0.asked ? $0.owed?.content : nil }
        if let owed { _ = outcome(of: ask(owed, isInForce: true), within: .milliseconds(100)) }
    }

    /// Whether something is being written.
    var isBusy: Bool { state.withLockQuietly { $0.finished < $0.asked } }

    /// Whether something has been being written for so long that there is no point in asking for more.
    var hangs: Bool { state.withLockQuietly { Self.hangs($0) } }

    private static func hangs(_ state: State) -> Bool {
        state.finished < state.asked && ContinuousClock.now - state.busySince > patience
    }

    /// Why what is in force is not in the file; nil when it is, or will be at once.
    var unsavedReason: String? {
        state.withLockQuietly { state in
            guard state.owed != nil else { return nil }
            return state.owedProblem ?? (Self.hangs(state) ? hanging : nil)
        }
    }

    /// What to say of a write that does not end.
    var hanging: String { StateFileError(file.path, "is being written for too long; does its disk answer?").message }

    // MARK: the thread

    private enum Task {
        case write(Int, StateFile.Content)
        case end
    }

    private func next() -> Task {
        state.wait { state in
            if let content = state.newest {
                state.newest = nil
                return .write(state.asked, content)
            }
            return state.isEnding ? .end : nil
        }
    }

    private func write(_ number: Int, _ content: StateFile.Content) {
        var failure: String?
        do throws(StateFileError) { try file.write(content) } catch { failure = error.message }
        state.withLock { state in
            state.finished = number
            state.busySince = .now
            state.failure = failure
            guard let owed = state.owed, owed.number <= number else { return }
            if failure == nil { state.owed = nil }
            state.owedProblem = failure
        }
    }
}

/// A lock that a thread gives up when it ends.
private final class HeldLock: Sendable {
    private let lock: Mutex<FileLock?>

    init(_ lock: consuming FileLock) { self.lock = Mutex(lock) }

    func release() { lock.withLock { $0 = nil } }
}
