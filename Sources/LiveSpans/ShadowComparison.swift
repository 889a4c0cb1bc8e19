internal import AgentRuns
internal import LiveRuns
internal import OTLP
internal import Replay

/// Whether the candidate did what the baseline did with the same request, as `gen_ai.evaluation.result` events about the
/// shadow's run.
///
/// Their explanations name kinds, statuses and failures, never what was said.
public struct ShadowComparison {
    /// Longer lists of calls take too long to align while others wait.
    static let maximumCalls = 2000

    /// One thing that was compared, such as `tool_calls_match`, and what came of it, such as `pass`.
    public struct Result: Hashable, Sendable {
        public var check: String
        public var result: String
    }

    private let exchange: Exchange
    private let read: LiveRun
    private let served: Exchange.ServedAnswer
    private let baseline: LiveRun

    init(_ exchange: Exchange, _ read: LiveRun, _ served: Exchange.ServedAnswer, _ baseline: LiveRun) {
        self.exchange = exchange
        self.read = read
        self.served = served
        self.baseline = baseline
    }

    /// - Returns: what was written, for counts.
    func write(to events: inout some EventEncoder) -> [Result] {
        let written = compared
        for event in written { events.encode(event) }
        return written.map { Result(check: $0.name, result: $0.label) }
    }

    private var compared: [EvaluationEvent] {
        guard let answer = exchange.failure?.type ?? exchange.response.map({ String($0.status) }) else { return [] }
        // What never left the sidecar is no word of the candidate's, but that it could not be reached is one.
        guard exchange.times.sent != nil || answer.hasPrefix("connect") else { return [] }
        let isSame = exchange.failure == nil && exchange.response?.status == served.status
        var events = [event("status_match", isSame, "\(served.status), \(answer)")]
        guard exchange.failure == nil else { return events }
        if let latency { events.append(latency) }
        guard read.failure == nil, baseline.failure == nil else { return events }
        let isReadable = read.shape != .unknown && baseline.shape != .unknown && read.problem == nil && baseline.problem == nil
        if !served.observedCalls.isEmpty || !exchange.observedCalls.isEmpty {
            // What passed the tool gateway is what was done, whatever the agents say of it.
            events.append(toolCalls(AgentRun(observed: served.observedCalls), AgentRun(observed: exchange.observedCalls)))
        } else if isReadable {
            events.append(toolCalls(baseline.run, read.run))
        }
        guard isReadable else { return events }
        if baseline.run.statesOutcome, read.run.statesOutcome {
            events.append(event("outcome_match", baseline.run.bytes(of: baseline.run.outcome) == read.run.bytes(of: read.run.outcome)))
        }
        if baseline.run.response != nil || read.run.response != nil { events.append(event("response_match", respondsAlike)) }
        return events
    }

    private var latency: EvaluationEvent? {
        let mine = exchange.times.ended - exchange.times.begun
        guard served.latency > 0 else { return nil }
        var event = event("latency_ratio", true)
        event.score = Double(mine) / Double(served.latency)
        event.label = mine == served.latency ? "equal" : mine < served.latency ? "faster" : "slower"
        return event
    }

    private func toolCalls(_ baseline: AgentRun, _ candidate: AgentRun) -> EvaluationEvent {
        guard max(baseline.toolCalls.count, candidate.toolCalls.count) <= Self.maximumCalls else {
            var event = event("tool_calls_match", false)
            event.score = nil
            event.label = "inconclusive"
            event.errorType = "too_many_calls"
            return event
        }
        let changes = ToolCallDiff.changes(from: baseline, to: candidate)
        let kinds = Set(changes.map(\.kind.rawValue)).sorted().joined(separator: ", ")
        return event("tool_calls_match", changes.isEmpty, kinds.isEmpty ? nil : kinds)
    }

    /// Whether both say the same, or both nothing; of JSON neither the order of members nor the white space matters.
    private var respondsAlike: Bool {
        guard let a = baseline.run.response, let b = read.run.response else { return false }
        if a.form == b.form, baseline.run.bytes(of: a.text) == read.run.bytes(of: b.text) { return true }
        guard a.form == .json, b.form == .json else { return false }
        return baseline.run.canonicalBytes(of: a) == read.run.canonicalBytes(of: b)
    }

    private func event(_ name: String, _ passed: Bool, _ explanation: String? = nil) -> EvaluationEvent {
        EvaluationEvent(
            traceID: exchange.trace.traceID, spanID: exchange.trace.runSpanID, flags: UInt32(exchange.trace.flags),
            time: exchange.times.ended, name: name, score: passed ? 1 : 0, label: passed ? "pass" : "fail", explanation: explanation)
    }
}

extension AgentRun {
    /// Whether it says how it ended, be it that there is nothing to say.
    fileprivate var statesOutcome: Bool { outcome != nil || statesNoOutcome }

    fileprivate func bytes(of text: Text?) -> ArraySlice<UInt8>? { text.map { storage[$0.range] } }
}
