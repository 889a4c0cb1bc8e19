internal import LiveRuns

/// What the journal keeps of an exchange: its binary form, and a byte that says why it is exported.
enum JournalEntry {
    private static let reasons: [LiveSampling.Reason?] = [.sampled, .candidate, .error, nil]

    static func bytes(_ exchange: borrowing Exchange, _ reason: LiveSampling.Reason?) -> [UInt8] {
        var bytes = exchange.binaryForm
        bytes.append(number(of: reason))
        return bytes
    }

    /// Its place among the ``reasons``.
    private static func number(of reason: LiveSampling.Reason?) -> UInt8 {
        switch reason {
        case .sampled: 0
        case .candidate: 1
        case .error: 2
        case nil: 3
        }
    }

    /// - Returns: nil for what another version wrote.
    static func read(_ bytes: [UInt8]) -> (Exchange, LiveSampling.Reason?)? {
        guard let last = bytes.last, Int(last) < reasons.count, let exchange = Exchange(binaryForm: bytes.dropLast()) else { return nil }
        return (exchange, reasons[Int(last)])
    }
}
