extension LedgerEntry {
    /// With its text cut to ``maximumText`` bytes, and numbers that a database can hold.
    var bounded: LedgerEntry {
        var entry = self
        for field in [\LedgerEntry.runID, \.requestID, \.agent, \.releaseVersion, \.releaseDigest, \.tool, \.reason] {
            if entry[keyPath: field].utf8.count > Self.maximumText { entry[keyPath: field] = cut(entry[keyPath: field]) }
        }
        entry.time = min(time, UInt64(Int64.max))
        entry.duration = duration.map { min($0, UInt64(Int64.max)) }
        entry.rolloutRevision = rolloutRevision.map { min($0, UInt64(Int64.max)) }
        entry.refers = refers.map { min($0, UInt64(Int64.max)) }
        return entry
    }

    private func cut(_ text: String) -> String {
        var count = 0
        var scalars = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            count += String(scalar).utf8.count
            guard count <= Self.maximumText - 3 else { break }
            scalars.append(scalar)
        }
        return String(scalars) + "…"
    }
}
