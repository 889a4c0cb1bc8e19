internal import Synchronization

/// What agents did beside their answers, counted: nothing of it changes a run, and nothing of it goes by in silence.
public final class AgentNotices: Sendable {
    /// Stable names: they stand in reports.
    public enum Kind: String, CaseIterable, Sendable {
        /// A tool call that came after its run had ended. It was refused.
        case lateCall = "late_call"
        /// A tool call that said itself that it belongs to another run. It was refused, and is a refused call of the run whose
        /// path it came by, or in whose process it was made.
        case foreignCall = "foreign_call"
        /// A request to the tool endpoint that no run's path leads to, or that could not be read as a call. What could be
        /// meant as one counts as a refused call of the run whose path it came by.
        case strayRequest = "stray_request"
        /// A connection to the tool endpoint that was closed for its behaviour: too many, too slow, too much.
        case closedConnection = "closed_connection"
        /// A stated latency that the time measured belies. The time measured counts.
        case understatedLatency = "understated_latency"
        /// A stated cost that is below the answer's own input and output tokens. Their sum counts.
        case understatedCost = "understated_cost"
        /// The answer lists fewer tool calls than were seen, or the same in another order. Those seen count.
        case listedCallsDiffer = "listed_calls_differ"
        /// A tool call that the answer lists beside those that were seen. It counts as they do.
        case unseenCall = "unseen_call"
        /// A run of whose listed tool calls none was seen, since its agent runs its tools itself. The list counts.
        case listedCallsOnly = "listed_calls_only"
        /// An answer for a run that had ended, or a second one. It was ignored.
        case lateAnswer = "late_answer"
        /// A message of a process that belongs to no run under way. It was ignored.
        case strayMessage = "stray_message"
        /// A run that was asked for again because the connection failed.
        case retry
        /// An agent's process that was started again.
        case restart
    }

    /// One thing that happened, for people to look at.
    public struct Example: Hashable, Sendable {
        public var kind: Kind
        /// The run that it is about; nil when that is not known.
        public var runID: String?
        public var detail: String
    }

    private struct State {
        var counts: [Kind: Int] = [:]
        var examples: [Example] = []
        var lateCalls: [String: Int] = [:]
    }

    private let state = Mutex(State())
    /// Of each kind; more would be noise, and a hostile agent could fill the memory with them.
    private let examplesOfAKind = 5
    private let runsWithLateCalls = 10_000

    public init() {}

    /// What happened, in sentences for people: by kind, in the order of their names.
    public var words: [String] {
        counts.sorted { $0.key.rawValue < $1.key.rawValue }.map { kind, count in
            switch kind {
            case .lateCall: "agents: \(count) \(count == 1 ? "call" : "calls") after the answer, refused"
            case .understatedLatency:
                "agents: \(count) \(count == 1 ? "run states" : "runs state") less latency than was measured; the time measured counts"
            case .understatedCost:
                "agents: \(count) \(count == 1 ? "run states" : "runs state") fewer cost_tokens than input and output tokens; their sum counts"
            case .unseenCall:
                "agents: \(count) \(count == 1 ? "call" : "calls") beside those made at the tool endpoint, told by the answer alone; judged as a call too"
            case .listedCallsOnly:
                "agents: \(count) \(count == 1 ? "run" : "runs") whose tool calls are told by the answer alone; none was made at the tool endpoint"
            default: "agents: \(kind.rawValue.replacing("_", with: " ")): \(count)"
            }
        }
    }

    public var counts: [Kind: Int] { state.withLock { $0.counts } }

    /// The first few of each kind, in the order in which they happened.
    public var examples: [Example] { state.withLock { $0.examples } }

    /// Calls after the end, by run id. Of many thousand runs only the first are told apart; the count has them all.
    public var lateCalls: [String: Int] { state.withLock { $0.lateCalls } }

    func lateCalls(ofRun runID: String) -> Int { state.withLock { $0.lateCalls[runID] ?? 0 } }

    func note(_ kind: Kind, runID: String? = nil, _ detail: @autoclosure () -> String) {
        let isWanted = state.withLock { state in
            state.counts[kind, default: 0] += 1
            if kind == .lateCall, let runID, state.lateCalls[runID] != nil || state.lateCalls.count < runsWithLateCalls {
                state.lateCalls[runID, default: 0] += 1
            }
            return state.counts[kind, default: 0] <= examplesOfAKind
        }
        guard isWanted else { return }
        let example = Example(kind: kind, runID: runID, detail: detail())
        state.withLock { $0.examples.append(example) }
    }
}
