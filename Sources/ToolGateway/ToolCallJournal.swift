public import AgentRuns

/// A call as a record of it begins.
public struct ToolCallEntry: Sendable {
    /// Unique in this process.
    public var id: UInt64
    public var run: ToolRunIdentity
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
    /// - Throws: anything; the write is refused then.
    func begin(_ entry: ToolCallEntry) async throws
    /// Records how a call ended that was begun. Must not wait.
    func complete(_ entry: ToolCallEntry, _ ending: ToolCallEnding)
    /// Records a read, an answer for a shadow, or a refusal. Must not wait.
    func note(_ entry: ToolCallEntry, _ ending: ToolCallEnding)
}

/// Keeps no record: no ledger is configured.
public struct NoJournal: ToolCallJournal {
    public init() {}
    public func begin(_ entry: ToolCallEntry) async throws {}
    public func complete(_ entry: ToolCallEntry, _ ending: ToolCallEnding) {}
    public func note(_ entry: ToolCallEntry, _ ending: ToolCallEnding) {}
}
