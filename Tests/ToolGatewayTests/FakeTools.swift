import AgentRuns
import JSONDocuments
import Synchronization
import ToolGateway

/// Tools in this process: what they are asked is kept, and they answer when they are let.
final class RecordingTools: ToolUpstreams {
    private let state = Mutex<(calls: [String], gate: Bool)>(([], true))

    var calls: [String] { state.withLock { $0.calls } }

    /// From now on calls wait until they are cancelled, or until this is set back.
    var holds: Bool {
        get { state.withLock { !$0.gate } }
        set { state.withLock { $0.gate = !newValue } }
    }

    func call(
        _ tool: String, _ settings: ToolSettings, arguments: JSONDocument, run: ToolRunIdentity, traceParent: String
    ) async throws(ToolFailure) -> ToolAnswer {
        if Task.isCancelled { throw ToolFailure(.cancelled, "cancelled") }
        state.withLock { $0.calls.append("\(run.role.rawValue) \(tool) \(arguments.text)") }
        while holds {
            if Task.isCancelled { throw ToolFailure(.cancelled, "cancelled") }
            try? await Task.sleep(for: .milliseconds(1))
        }
        if case .string(let kind)? = arguments["fails"], let kind = ToolFailure.Kind(rawValue: kind) { throw ToolFailure(kind, "as asked") }
        return ToolAnswer(success: true, content: .object(["echo": arguments]), size: 10)
    }
}

/// A journal whose disk can be full.
final class TestJournal: ToolCallJournal {
    private let state = Mutex<(isFull: Bool, begun: [String], ended: [String])>((false, [], []))
    private let stall = Mutex(false)

    /// While it is set, records of writes take long.
    var isStalled: Bool {
        get { stall.withLock { $0 } }
        set { stall.withLock { $0 = newValue } }
    }

    var isFull: Bool {
        get { state.withLock { $0.isFull } }
        set { state.withLock { $0.isFull = newValue } }
    }

    var begun: [String] { state.withLock { $0.begun } }
    var ended: [String] { state.withLock { $0.ended } }

    struct DiskFull: Error {}

    func begin(_ entry: ToolCallEntry) async throws -> UInt64 {
        let number = try state.withLock { state in
            if state.isFull { throw DiskFull() }
            state.begun.append(entry.tool)
            return UInt64(state.begun.count)
        }
        while isStalled { try? await Task.sleep(for: .milliseconds(1)) }
        return number
    }

    func complete(_ number: UInt64, _ entry: ToolCallEntry, _ ending: ToolCallEnding) { note(entry, ending) }

    func note(_ entry: ToolCallEntry, _ ending: ToolCallEnding) {
        state.withLock { $0.ended.append("\(entry.tool) \(ending.verdict.refusal ?? ending.verdict.word)") }
    }
}

extension ToolReply {
    /// `ok`, or why not.
    var summary: String {
        switch self {
        case .answered(let answer, let verdict): "\(verdict.word) \(answer.success)"
        case .failed(let failure): "failed \(failure.kind.rawValue)"
        case .refused(let refusal): "refused \(refusal.reason)"
        }
    }
}

struct Bench {
    let tools = RecordingTools()
    let journal = TestJournal()
    let runs: ToolRuns
    let gateway: ToolGateway

    init(_ change: (inout ToolGatewaySettings) -> Void = { _ in }) {
        var read = ToolSettings()
        read.effect = .read
        var settings = ToolGatewaySettings(tools: ["lookup": read, "send": ToolSettings()])
        settings.shadow.wait = .milliseconds(200)
        change(&settings)
        runs = ToolRuns(settings)
        gateway = ToolGateway(runs, upstreams: tools, journal: journal)
    }

    func begin(
        _ role: RunRole = .baseline, _ mode: RunMode = .live, epoch: Int = 0, keepsAnswers: Bool = false, shadowOf: ToolRun? = nil
    ) throws -> ToolRun {
        let identity = ToolRunIdentity(
            requestID: "r", traceID: TraceID(high: 1, low: role == .baseline ? 1 : 2), runSpanID: SpanID(3), flags: 1, role: role,
            mode: mode, rolloutID: "test", revision: 1, epoch: epoch)
        guard let run = runs.begin(identity, keepsAnswers: keepsAnswers, shadowOf: shadowOf) else { throw NoRoom() }
        return run
    }

    struct NoRoom: Error {}

    func call(_ run: ToolRun, _ tool: String, _ arguments: String? = nil, trace: String? = nil) async -> String {
        let request = ToolRequest(
            token: run.token.hex, traceParents: [trace.map { [$0] } ?? []], tool: tool, arguments: arguments.map { Array($0.utf8) })
        return await gateway.call(request).summary
    }
}
