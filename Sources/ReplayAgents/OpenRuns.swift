internal import Synchronization

/// The runs whose tools can be called, by the token in their path.
final class OpenRuns: Sendable {
    enum Place: Sendable {
        case open(ToolSession)
        /// The id of the run that is over.
        case ended(runID: String)
        case unknown
    }

    private struct State {
        var open: [RunToken: ToolSession] = [:]
        /// How many open runs have each trace id.
        var traces: [String: Int] = [:]
        var ended: [RunToken: String] = [:]
        /// The tokens of the runs that ended, as a ring.
        var order: [RunToken] = []
        var oldest = 0
    }

    /// Runs that ended are remembered so that late calls can be told from guesses; the oldest are forgotten.
    private let maximumEnded = 65_536
    private let state = Mutex(State())

    func open(_ session: ToolSession) -> RunToken {
        let token = RunToken()
        state.withLock { state in
            state.open[token] = session
            state.traces[session.traceID, default: 0] += 1
        }
        return token
    }

    func end(_ token: RunToken) {
        state.withLock { state in
            guard let session = state.open.removeValue(forKey: token) else { return }
            if let count = state.traces[session.traceID] { state.traces[session.traceID] = count > 1 ? count - 1 : nil }
            state.ended[token] = session.runID
            if state.order.count < maximumEnded {
                state.order.append(token)
            } else {
                state.ended[state.order[state.oldest]] = nil
                state.order[state.oldest] = token
                state.oldest = (state.oldest + 1) % maximumEnded
            }
        }
    }

    func place(of token: RunToken) -> Place {
        state.withLock { state in
            if let session = state.open[token] { return .open(session) }
            return state.ended[token].map { .ended(runID: $0) } ?? .unknown
        }
    }

    /// Whether another open run than this one has the trace id.
    func isForeign(traceID: String, to session: ToolSession) -> Bool {
        traceID != session.traceID && state.withLock { $0.traces[traceID] != nil }
    }
}
