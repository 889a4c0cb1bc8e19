/// What happened in one run of one version of an agent: the noun that every source makes and every sink takes.
///
/// All text lives in ``storage``; the fields are places in it. A run can be emptied with ``removeAll()`` and filled
/// again without allocating.
public struct AgentRun: Sendable {
    /// The text of all fields, UTF-8. It may hold more than them: a run that was read from a short line holds all of it.
    public private(set) var storage: [UInt8] = []

    /// The id under which the run was recorded, if it had one.
    public var recordedID: Text?
    public var request: Content?
    public var response: Content?
    /// What the agent did, in order. Result K answers call K.
    public var toolCalls: [ToolCall] = []
    /// Names of the tools that this run was allowed to use; nil when nothing was said.
    public var allowedTools: [Text]?
    public var outcome: Text?
    /// Whether the recording says in so many words that there was no outcome, which a missing field does not.
    public var statesNoOutcome = false
    public var expectedOutcome: Text?
    /// Time from request to response, in milliseconds, as recorded.
    public var latency: RecordedNumber?
    /// Cost in tokens of no stated direction, as recorded.
    public var costTokens: RecordedNumber?
    public var inputTokens: Int64?
    public var outputTokens: Int64?
    /// When the run started, in Unix nanoseconds, if the recording says.
    public var startTime: UInt64?
    /// The agent's name.
    public var agent: Text?
    /// The version of the agent's release.
    public var version: Text?
    public var conversationID: Text?
    public var model: Text?
    /// Words by which whoever recorded the run sorts it.
    public var tags: [Text] = []

    public init() {}

    /// Keeps a copy of the bytes and says where.
    ///
    /// - Precondition: the run's text stays under 2 GiB; readers bound a line far below that.
    @inlinable
    public mutating func store(_ bytes: UnsafeRawBufferPointer) -> Text {
        _append(bytes)
    }

    /// Keeps a copy of the string's UTF-8 and says where.
    public mutating func store(_ string: String) -> Text {
        var string = string
        return string.withUTF8 { _append(UnsafeRawBufferPointer($0)) }
    }

    @usableFromInline
    mutating func _append(_ bytes: UnsafeRawBufferPointer) -> Text {
        let start = Int32(storage.count)
        storage.append(addingCapacity: bytes.count) { (free: inout OutputSpan<UInt8>) in
            free.withUnsafeMutableBufferPointer { buffer, count in
                UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[count...]).copyMemory(from: bytes)
                count += bytes.count
            }
        }
        return Text(start: start, count: Int32(bytes.count))
    }

    /// Lets `body` append to the storage and returns what it appended.
    public mutating func store(appendingWith body: (inout [UInt8]) -> Void) -> Text {
        let start = storage.count
        body(&storage)
        return Text(start: Int32(start), count: Int32(storage.count - start))
    }

    /// The text as a string; bytes that are not UTF-8 are replaced.
    public func string(_ text: Text) -> String {
        String(decoding: storage[text.range], as: UTF8.self)
    }

    /// Empties the run, keeping its memory for the next one.
    public mutating func removeAll() {
        // The arrays are exchanged, never assigned: one that has two owners gives its memory up when it is emptied.
        var storage: [UInt8] = []
        var toolCalls: [ToolCall] = []
        swap(&storage, &self.storage)
        swap(&toolCalls, &self.toolCalls)
        self = AgentRun()
        storage.removeAll(keepingCapacity: true)
        toolCalls.removeAll(keepingCapacity: true)
        swap(&storage, &self.storage)
        swap(&toolCalls, &self.toolCalls)
    }
}

/// One call of a tool, with its result when there was one.
public struct ToolCall: Sendable {
    public var name: Text?
    /// The call's own id, as the model gave it.
    public var id: Text?
    public var arguments: Content?
    public var result: ToolResult?
    /// What the tool gateway did with it; nil when it did not pass there, or nobody knows.
    public var verdict: ToolVerdict?
    /// The id of its `tool.call` span, where that was told before the run was over; nil where it is to be computed.
    public var spanID: SpanID?

    @inlinable
    public init(name: Text? = nil, id: Text? = nil, arguments: Content? = nil, result: ToolResult? = nil) {
        self.name = name
        self.id = id
        self.arguments = arguments
        self.result = result
    }
}

/// What a tool answered.
public struct ToolResult: Sendable {
    public var success: Bool
    public var content: Content?
    public var error: Content?
    /// How long the call took, in milliseconds, as recorded.
    public var duration: RecordedNumber?

    @inlinable
    public init(success: Bool, content: Content? = nil, error: Content? = nil, duration: RecordedNumber? = nil) {
        self.success = success
        self.content = content
        self.error = error
        self.duration = duration
    }
}

/// Which of the two versions a run belongs to (`outrigger.run.role`).
public enum RunRole: String, CaseIterable, Sendable {
    case baseline
    case candidate
}

/// How a run came to be (`outrigger.run.mode`).
public enum RunMode: String, CaseIterable, Sendable {
    case live, canary, shadow, replay, backfill

    /// Whether the run happens as it is seen, and is not read from a recording.
    public var isLive: Bool {
        switch self {
        case .live, .canary, .shadow: true
        case .replay, .backfill: false
        }
    }
}
