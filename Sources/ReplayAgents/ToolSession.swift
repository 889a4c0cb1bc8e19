internal import AgentRuns
internal import JSONDocuments
internal import Replay
internal import Synchronization

/// A tool call as an agent made it, with what it was answered.
struct SeenCall: Sendable {
    /// nil where it could not be read.
    var name: String?
    var id: String?
    /// JSON; nil when there were none.
    var arguments: [UInt8]?
    var reply: ToolReply
}

/// All that is known about the tools of one run once it is over.
struct ToolRecord: Sendable {
    var calls: [SeenCall] = []
    var answers: ToolAnswers
    /// Why the run cannot be judged by its calls, if it cannot: there were too many to keep.
    var problem: RunProblem?
}

/// The tools of one run: answers its calls and keeps them, until the run is over.
final class ToolSession: Sendable {
    /// More than any run that means well makes; the same as a trace may hold.
    static let maximumCalls = 10_000
    /// Names, arguments and results that are kept of one run.
    static let maximumBytes = 64 << 20

    let runID: String
    /// Hex trace id of the run, by which a call can be told to belong to another one.
    let traceID: String
    let toolNames: [String]
    private let notices: AgentNotices
    private let state: Mutex<State>

    private struct State {
        /// nil once the run is over.
        var tools: RecordedTools?
        var calls: [SeenCall] = []
        var bytes = 0
        var problem: RunProblem?
    }

    init(_ task: ReplayTask, _ tools: RecordedTools, _ notices: AgentNotices) {
        runID = task.runID
        traceID = task.traceID
        toolNames = tools.toolNames
        self.notices = notices
        state = Mutex(State(tools: tools))
    }

    /// - Parameter arguments: valid JSON, or nil for none.
    /// - Returns: nil when the run is over; the call is then counted as late.
    func answer(name: String, id: String? = nil, arguments: [UInt8]?) -> ToolReply? {
        reply(name, id, arguments) { $0.answer(name: name, arguments: arguments) }
    }

    /// Answers a call whose arguments cannot be read. It is kept with their text as a string.
    func refuse(name: String, id: String? = nil, text: [UInt8], because problem: String) -> ToolReply? {
        let arguments = JSONDocument.string(String(decoding: text.prefix(1 << 16), as: UTF8.self)).canonicalBytes
        return reply(name, id, arguments) { $0.refuse("The arguments of \(name) cannot be read: \(problem).") }
    }

    /// Keeps a call that is refused before its arguments are looked at: that it was tried counts.
    ///
    /// - Parameter name: as far as it can be read; nil where it cannot.
    /// - Returns: false when the run is over; the call is then counted as late.
    func turnAway(name: String?, id: String? = nil, because problem: String) -> Bool {
        reply(name, id, nil) { $0.refuse("This call was refused: \(problem).") } != nil
    }

    private func reply(
        _ name: String?, _ id: String?, _ arguments: [UInt8]?, _ answer: (inout RecordedTools) -> ToolReply
    ) -> ToolReply? {
        let reply: ToolReply? = state.withLock { state in
            guard state.tools != nil else { return nil }
            let size = (name?.utf8.count ?? 0) + (arguments?.count ?? 0)
            guard state.calls.count < Self.maximumCalls, state.bytes + size < Self.maximumBytes else {
                // What is not kept cannot be judged, so the run cannot either.
                state.problem = RunProblem(
                    .badAnswer,
                    "the run made more tool calls than are kept: \(Self.maximumCalls), of \(Self.maximumBytes >> 20) MiB in all")
                return state.tools?.refuse("This run made more tool calls than any run may.")
            }
            guard let reply = Self.answered(&state.tools, answer) else { return nil }
            state.bytes += size + (reply.result?.count ?? 0) + (reply.error?.count ?? 0)
            state.calls.append(SeenCall(name: name, id: id, arguments: arguments, reply: reply))
            return reply
        }
        if reply == nil { notices.note(.lateCall, runID: runID, "a call of \(Excerpt.tool(name)) after the run had ended") }
        return reply
    }

    private static func answered(
        _ tools: inout RecordedTools?, _ answer: (inout RecordedTools) -> ToolReply
    ) -> ToolReply? {
        guard var taken = tools.take() else { return nil }
        defer { tools = taken }
        return answer(&taken)
    }

    /// Ends the run: calls from now on are late. The first call gives the record, later ones an empty one.
    func finish() -> ToolRecord {
        state.withLock { state in
            let record = ToolRecord(calls: state.calls, answers: state.tools?.answers ?? ToolAnswers(), problem: state.problem)
            state = State()
            return record
        }
    }
}

extension ReplayTask {
    /// The trace id in the header of trace context.
    var traceID: String {
        let parts = traceParent.split(separator: "-", maxSplits: 2)
        return parts.count > 1 ? String(parts[1]) : ""
    }
}

extension ToolReply {
    /// As agents get it: `{"success":true,"result":…}` or `{"success":false,"error":…}`.
    func append(to output: inout [UInt8]) {
        output.append(contentsOf: (success ? #"{"success":true"# : #"{"success":false"#).utf8)
        if result != nil || success {
            output.append(contentsOf: #","result":"#.utf8)
            output.append(contentsOf: result ?? Array("null".utf8))
        }
        if error != nil || !success {
            output.append(contentsOf: #","error":"#.utf8)
            output.append(contentsOf: error ?? Array(#""the tool failed""#.utf8))
        }
        output.append(UInt8(ascii: "}"))
    }
}
