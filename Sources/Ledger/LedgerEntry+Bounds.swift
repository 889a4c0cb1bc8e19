internal import AgentRuns

extension LedgerEntry {
    /// With its text cut to ``maximumText`` bytes, and numbers that a database can hold.
    var bounded: LedgerEntry {
        var entry = self
        for field in [\LedgerEntry.runID, \.requestID, \.agent, \.releaseVersion, \.releaseDigest, \.tool, \.reason] {
            let text = entry[keyPath: field]
            if text.utf8.count > Self.maximumText { entry[keyPath: field] = text.bounded(toBytes: Self.maximumText - 3) + "…" }
        }
        entry.time = min(time, UInt64(Int64.max))
        entry.duration = duration.map { min($0, UInt64(Int64.max)) }
        entry.rolloutRevision = rolloutRevision.map { min($0, UInt64(Int64.max)) }
        entry.refers = refers.map { min($0, UInt64(Int64.max)) }
        return entry
    }
}
