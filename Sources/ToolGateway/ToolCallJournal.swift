public import AgentRuns

/// A call as a record of it begins.
public struct ToolCallEntry: Sendable {
    public var run: ToolRunIdentity
    /// Of its `tool.call` span.
    public var spanID: SpanID
    /// Place among the run's calls, from 0.
    public var index: Int
    public var tool: String
    public var effect: ToolEffect
    /// JSON as it came.
    public var arguments: [UInt8]
    /// Unix nanoseconds.
    public var started: UInt64
}

/// How a call ended.
public struct ToolCallEnding: Sendable {
    public var verdict: ToolVerdict
    /// `success`, `error`, `timeout`, `cancelled`, `unreachable` or `bad_answer`; nil where no tool was called.
    public var outcome: String?
    /// JSON.
    public var result: [UInt8]?
    /// Unix nanoseconds.
    public var ended: UInt64
}

/// Where calls are recorded. A write waits until its record is durable; nothing else waits.
public protocol ToolCallJournal: Sendable {
    /// Records that a write is about to go out, and returns when that is durable.
    ///
    /// - Returns: the record's number.
    /// - Throws: anything; the write is refused then.
    func begin(_ entry: ToolCallEntry) async throws -> UInt64
    /// Records how a call ended that was begun under this number. Must not wait.
    func complete(_ number: UInt64, _ entry: ToolCallEntry, _ ending: ToolCallEnding)
    /// Records a read, an answer for a shadow, or a refusal. Must not wait.
    func note(_ entry: ToolCallEntry, _ ending: ToolCallEnding)
}

/// Keeps no record: no ledger is configured.
public struct NoJournal: ToolCallJournal {
    public init() {}
    public func begin(_ entry: ToolCallEntry) async throws -> UInt64 { 0 }
    public func complete(_ number: UInt64, _ entry: ToolCallEntry, _ ending: ToolCallEnding) {}
    public func note(_ entry: ToolCallEntry, _ ending: ToolCallEnding) {}
}
