public import AgentRuns
internal import JSONDocuments

/// How the calls of a replayed run are matched to recorded ones.
public enum ToolMatching: String, CaseIterable, Sendable {
    /// Same name and same arguments; each recorded call answers once.
    case strict
    /// The next recorded call that has not answered yet must have the name.
    case ordered
    /// Same name and same arguments, else the next unused call of that name.
    case lenient
}

/// What a call of a tool is answered with in a replay.
public struct ToolReply: Hashable, Sendable {
    /// Where the reply comes from. Numbers are places in the recording.
    public enum Source: Hashable, Sendable {
        /// The recorded result of the same call.
        case same(Int)
        /// The recorded result of another call of the tool, or once more that of the same call.
        case sameName(Int)
        case fallback
        case refused
    }

    public var success: Bool
    /// JSON; nil when there is none.
    public var result: [UInt8]?
    /// JSON; nil when there was no error.
    public var error: [UInt8]?
    /// How long the recorded call took, in milliseconds.
    public var duration: RecordedNumber?
    public var source: Source

    public init(
        success: Bool, result: [UInt8]? = nil, error: [UInt8]? = nil, duration: RecordedNumber? = nil, source: Source
    ) {
        self.success = success
        self.result = result
        self.error = error
        self.duration = duration
        self.source = source
    }

    /// A refusal that an agent, and the model behind it, can read.
    static func refusal(_ text: String) -> ToolReply {
        ToolReply(success: false, error: JSONDocument.string(text).canonicalBytes, source: .refused)
    }
}

/// Answers the tool calls of one replayed run from its recording, so that nothing happens in the world.
///
/// Arguments are the same when their canonical JSON is: the order of members, white space and the spelling of numbers do
/// not matter, and no arguments are the same as `null` and `{}`. A recorded call without a result is answered with success
/// and `null`: that it happened is all that is known. In strict and ordered matching nothing is ever given twice.
///
/// In lenient matching, a call that repeats one whose recorded results are used up gets the last of them again, before a
/// recorded call with other arguments is used for it: reading the same thing twice is what agents do, and the other
/// call's result may still be asked for. It counts as matched by name only, since nothing was recorded for the repetition.
public struct RecordedTools: Sendable {
    private let recording: AgentRun
    private let matching: ToolMatching
    private let fallback: ToolFallback?
    private var isUsed: [Bool]
    /// Places of the recorded calls, by name and arguments and by name alone.
    private var byCall: [ToolArguments.Key: Queue] = [:]
    private var byName: [[UInt8]: Queue] = [:]
    /// Place of the first unused call in ordered matching.
    private var next = 0
    private var counts = ToolAnswers()

    /// Places in recorded order, of which those before `start` are known to be used.
    private struct Queue: Sendable {
        var places: [Int] = []
        var start = 0

        mutating func firstUnused(_ isUsed: [Bool]) -> Int? {
            while start < places.count, isUsed[places[start]] { start += 1 }
            return start < places.count ? places[start] : nil
        }
    }

    public init(_ recording: AgentRun, matching: ToolMatching = .lenient, fallback: ToolFallback? = nil) {
        self.recording = recording
        self.matching = matching
        self.fallback = fallback
        isUsed = Array(repeating: false, count: recording.toolCalls.count)
        for (place, call) in recording.toolCalls.enumerated() {
            let key = ToolArguments.Key(recording, call)
            byCall[key, default: Queue()].places.append(place)
            byName[key.name, default: Queue()].places.append(place)
        }
    }

    /// How the calls so far were answered, and which recorded ones were never asked for.
    public var answers: ToolAnswers {
        var answers = counts
        answers.unasked = isUsed.indices.filter { !isUsed[$0] }
        return answers
    }

    /// Refuses a call that cannot be looked up at all, and counts it.
    public mutating func refuse(_ reason: String) -> ToolReply {
        counts.refused += 1
        return .refusal(reason)
    }

    /// What the agent may be told that there is: the trace's allowed tools, then those recorded, then those of the fallback
    /// file, each once.
    public var toolNames: [String] {
        var seen: Set<[UInt8]> = []
        var names: [String] = []
        func add(_ name: [UInt8]) {
            if !name.isEmpty, seen.insert(name).inserted { names.append(String(decoding: name, as: UTF8.self)) }
        }
        for name in recording.allowedTools ?? [] { add(Array(recording.storage[name.range])) }
        for call in recording.toolCalls { add(call.name.map { Array(recording.storage[$0.range]) } ?? []) }
        for name in fallback?.toolNames ?? [] { add(name) }
        return names
    }

    /// Answers one call.
    ///
    /// - Parameter arguments: the arguments as JSON; nil when the call had none.
    public mutating func answer(name: String, arguments: [UInt8]?) -> ToolReply {
        let key = ToolArguments.Key(name: Array(name.utf8), arguments: ToolArguments.canonical(arguments))
        if let reply = recorded(key) { return reply }
        if let reply = fallback?.reply(to: key) {
            counts.fallback += 1
            return reply
        }
        counts.refused += 1
        return .refusal(refusalText(name, key))
    }

    private mutating func recorded(_ key: ToolArguments.Key) -> ToolReply? {
        if matching == .ordered {
            guard next < isUsed.count else { return nil }
            let recorded = ToolArguments.Key(recording, recording.toolCalls[next])
            guard recorded.name == key.name else { return nil }
            next += 1
            return use(next - 1, isSame: recorded == key)
        }
        if let place = byCall[key]?.firstUnused(isUsed) { return use(place, isSame: true) }
        guard matching == .lenient else { return nil }
        if let last = byCall[key]?.places.last { return use(last, isSame: false) }
        if let place = byName[key.name]?.firstUnused(isUsed) { return use(place, isSame: false) }
        return nil
    }

    private mutating func use(_ place: Int, isSame: Bool) -> ToolReply {
        isUsed[place] = true
        if isSame { counts.matched += 1 } else { counts.matchedByName += 1 }
        let source: ToolReply.Source = isSame ? .same(place) : .sameName(place)
        guard let result = recording.toolCalls[place].result else { return ToolReply(success: true, source: source) }
        return ToolReply(
            success: result.success, result: result.content.map(recording.json), error: result.error.map(recording.json),
            duration: result.duration, source: source)
    }

    private func refusalText(_ name: String, _ key: ToolArguments.Key) -> String {
        let recorded = byName[key.name]?.places.count ?? 0
        let unused = byName[key.name]?.places.filter { !isUsed[$0] }.count ?? 0
        let reason =
            if recorded == 0 {
                "the recording has no call of this tool"
            } else if unused == 0 {
                recorded == 1 ? "the recorded call of this tool is used up" : "all \(recorded) recorded calls of this tool are used up"
            } else if matching == .ordered {
                "another tool's call comes next in the recording"
            } else {
                "the recording has no such call with these arguments"
            }
        return "This is a replay and the tool \(name.prefix(100)) was not called: \(reason). No result is available."
    }
}

extension AgentRun {
    /// Content as JSON text.
    func json(_ content: Content) -> [UInt8] {
        let text = storage[content.text.range]
        return switch content.form {
        case .json: Array(text)
        case .string: JSONDocument.string(String(decoding: text, as: UTF8.self)).canonicalBytes
        }
    }
}
