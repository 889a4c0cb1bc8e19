internal import Digests

/// What may be asked of the process that writes a ledger: to take something away.
enum KeepingRequest: Hashable, Sendable {
    case erase([EntryNumber], reason: String)
    /// Up to a checkpoint before this time, Unix nanoseconds; some tens of thousands of entries at once.
    case prune(before: UInt64, reason: String)

    private static let format = "outrigger/ledger-request/1"

    /// Lines: the format, what is asked, the reason in hex, and for an erasure the entries' numbers.
    var text: String {
        let (words, reason, numbers) =
            switch self {
            case .erase(let numbers, let reason): ("erase", reason, numbers)
            case .prune(let time, let reason): ("prune \(time)", reason, [])
            }
        return ([Self.format, words, hexText(reason.utf8)] + numbers.map(String.init)).joined(separator: "\n") + "\n"
    }

    /// - Returns: nil for what is no request.
    init?(_ text: String) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count >= 4, lines[0] == Self.format, lines.last == "", let reason = hexBytes(String(lines[2])) else { return nil }
        let why = String(decoding: reason, as: UTF8.self)
        let words = lines[1].split(separator: " ")
        if words == ["erase"] {
            let numbers = lines[3..<(lines.count - 1)].map { UInt64($0) }
            guard !numbers.contains(nil) else { return nil }
            self = .erase(numbers.compactMap { $0 }, reason: why)
        } else if words.count == 2, words[0] == "prune", let time = UInt64(words[1]), lines.count == 4 {
            self = .prune(before: time, reason: why)
        } else {
            return nil
        }
    }
}

/// What became of a request.
enum KeepingAnswer: Hashable, Sendable {
    /// Contents erased, or entries removed.
    case done(UInt64)
    case failed(String)

    var text: String {
        switch self {
        case .done(let count): "done \(count)\n"
        case .failed(let message): "failed \(hexText(message.utf8))\n"
        }
    }

    init?(_ text: String) {
        guard text.hasSuffix("\n") else { return nil }
        let words = text.dropLast().split(separator: " ")
        if words.count == 2, words[0] == "done", let count = UInt64(words[1]) {
            self = .done(count)
        } else if words.count == 2, words[0] == "failed", let message = hexBytes(String(words[1])) {
            self = .failed(String(decoding: message, as: UTF8.self))
        } else {
            return nil
        }
    }
}
