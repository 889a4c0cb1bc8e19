/// A call as it stands in a trace: one entry, or a write's two.
public struct TracedCall: Sendable {
    /// The intent, where there are two.
    public var entry: LedgerEntry
    /// How the call of an intent ended; nil where that is not recorded.
    public var completion: LedgerEntry?

    /// Makes calls of entries, in the order in which the calls began.
    ///
    /// A completion is a call's other half, wherever it comes among the entries; alone it stands only where its intent is not
    /// among them.
    public static func calls(of entries: [RecordedEntry]) -> [TracedCall] {
        var calls: [TracedCall] = []
        var intents: [EntryNumber: Int] = [:]
        for recorded in entries {
            let entry = recorded.entry
            if entry.kind == .completion, let place = entry.refers.flatMap({ intents[$0] }), calls[place].completion == nil {
                calls[place].completion = entry
                continue
            }
            if entry.kind == .intent { intents[entry.number] = calls.count }
            calls.append(TracedCall(entry: entry))
        }
        return calls
    }
}
