internal import Synchronization

/// The runs that an agent has answered, by their ids, so that a call for one of them is known to be late. The oldest are
/// forgotten.
final class AnsweredRuns: Sendable {
    private struct State {
        var ids: Set<String> = []
        /// The same, as a ring.
        var order: [String] = []
        var oldest = 0
    }

    private let maximum = 65_536
    private let state = Mutex(State())

    func insert(_ runID: String) {
        state.withLock { state in
            guard state.ids.insert(runID).inserted else { return }
            guard state.order.count == maximum else { return state.order.append(runID) }
            state.ids.remove(state.order[state.oldest])
            state.order[state.oldest] = runID
            state.oldest = (state.oldest + 1) % maximum
        }
    }

    func contains(_ runID: String) -> Bool { state.withLock { $0.ids.contains(runID) } }
}
