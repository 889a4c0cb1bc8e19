public import AgentRuns

/// A ledger that is written by a command and not by a sidecar: what is done is done when a function returns.
public final class LedgerMaintenance {
    private let store: LedgerStore
    private let interval: UInt64

    /// - Throws: ``LedgerError``, also when a sidecar or another command writes the ledger.
    public init(_ configuration: LedgerConfiguration) throws(LedgerError) {
        store = try LedgerStore(configuration)
        interval = configuration.checkpointInterval
    }

    /// How many entries there are, those that were pruned among them.
    public var count: UInt64 { store.head.count }

    /// Appends entries, all or none, durably, and makes a checkpoint when it is time.
    ///
    /// - Returns: the last one's number.
    @discardableResult
    public func append(_ records: [LedgerRecord]) throws(LedgerError) -> EntryNumber {
        guard !records.isEmpty else { return count }
        _ = try store.append(records)
        _ = try store.checkpoint(every: interval)
        return count
    }

    /// Makes a checkpoint of all entries; nil when there is one already.
    public func checkpoint() throws(LedgerError) -> Checkpoint? { try store.checkpoint() }

    /// Removes the content of these entries, and records that it did.
    ///
    /// - Returns: how many had content.
    public func erase(_ numbers: [EntryNumber], reason: String) throws(LedgerError) -> Int {
        try store.erase(numbers, reason: reason)
    }

    /// Removes the entries that are older than `time` (Unix nanoseconds), up to the last checkpoint before it.
    ///
    /// - Returns: how many went.
    public func prune(before time: UInt64, reason: String) throws(LedgerError) -> UInt64 {
        try store.prune(before: time, reason: reason)
    }

    /// Makes what filters look up anew from the entries, where a verification found it damaged.
    public func reindex() throws(LedgerError) { try store.reindex() }

    /// Whether entries of this trace are recorded.
    public func contains(_ traceID: TraceID) throws(LedgerError) -> Bool { try store.contains(traceID) }
}
