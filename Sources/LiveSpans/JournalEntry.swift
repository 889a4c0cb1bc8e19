internal import LiveRuns

/// What the journal keeps of an exchange: its binary form, and a byte that says why it is exported.
enum JournalEntry {
    private static let reasons: [LiveSampling.Reason?] = [.sampled, .candidate, .error, nil]

    static func bytes(_ exchange: borrowing Exchange, _ reason: LiveSampling.Reason?) -> [UInt8] {
        var bytes = exchange.binaryForm
        bytes.append(UInt8(reasons.firstIndex(of: reason) ?? 0))
        return bytes
    }

    /// - Returns: nil for what another version wrote.
    static func read(_ bytes: [UInt8]) -> (Exchange, LiveSampling.Reason?)? {
        guard let last = bytes.last, Int(last) < reasons.count, let exchange = Exchange(binaryForm: bytes.dropLast()) else { return nil }
        return (exchange, reasons[Int(last)])
    }
}
