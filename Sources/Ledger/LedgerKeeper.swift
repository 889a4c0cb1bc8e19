internal import Digests
internal import GRDB
internal import Glibc

/// Takes something away from a ledger, also while a sidecar writes it, which then does it on request.
public struct LedgerKeeper: Sendable {
    private let configuration: LedgerConfiguration
    /// Seconds that a writer may take to see a request.
    private let patience: Int

    public init(_ configuration: LedgerConfiguration, patience: Int = 15) {
        self.configuration = configuration
        self.patience = patience
    }

    /// Entries whose content is removed at once.
    private static let part = 10_000

    /// Removes the content of these entries, and records that it did.
    ///
    /// - Returns: how many had content.
    public func erase(_ numbers: [EntryNumber], reason: String) throws(LedgerError) -> Int {
        var total = 0
        var rest = numbers[...]
        // In parts as well, so that calls need not wait long for one.
        repeat {
            let part = Array(rest.prefix(Self.part))
            let all = Array(rest)
            var isAll = false
            do throws(LedgerError) {
                total += Int(clamping: try keep(.erase(part, reason: reason)) { (ledger) throws(LedgerError) in
                    // Nobody waits: all at once, since the file is made anew afterwards.
                    isAll = true
                    return UInt64(try ledger.erase(all, reason: reason))
                })
            } catch {
                guard !isAll, all.count > part.count else { throw error }
                throw LedgerError(error.kind, "\(error.message) (the last \(all.count - part.count) entries were not touched; do it again)")
            }
            rest = isAll ? [] : rest.dropFirst(part.count)
        } while !rest.isEmpty
        return total
    }

    /// Removes the entries that are older than `time` (Unix nanoseconds), up to the last checkpoint before it.
    ///
    /// - Returns: how many went.
    public func prune(before time: UInt64, reason: String) throws(LedgerError) -> UInt64 {
        var total: UInt64 = 0
        // Each part leaves an entry that says so, which is not to be removed with the next.
        let time = min(time, unixNanoseconds())
        // A writer does a part at a time, so that calls need not wait long for it.
        while true {
            var isAll = false
            let count = try keep(.prune(before: time, reason: reason)) { (ledger) throws(LedgerError) in
                isAll = true
                let count = try ledger.prune(before: time, reason: reason)
                _ = try ledger.checkpoint()
                return count
            }
            total += count
            if isAll || count == 0 { return total }
        }
    }

    /// Does it, or has the writer do it.
    private func keep(
        _ request: KeepingRequest, _ body: (LedgerMaintenance) throws(LedgerError) -> UInt64
    ) throws(LedgerError) -> UInt64 {
        let folder = RequestFolder(ofLedger: configuration.path)
        let id = hexText(KeyFile.random(16))
        var isAsked = false
        defer { if isAsked { folder.clear(id) } }
        var seconds = 0
        while true {
            let busy: LedgerError
            do throws(LedgerError) {
                let ledger = try LedgerMaintenance(configuration)
                // The writer ended. What it took it did, or it is done now: erasing twice is erasing once.
                if let answer = folder.text(id, "answer").flatMap({ KeepingAnswer($0) }) { return try Self.count(answer) }
                return try body(ledger)
            } catch {
                guard error.kind == .inUse else { throw error }
                busy = error
            }
            if !isAsked {
                try folder.make()
                isAsked = true
                try folder.put(request.text, id, "request")
            }
            for _ in 0..<20 {
                if let answer = folder.text(id, "answer").flatMap({ KeepingAnswer($0) }) { return try Self.count(answer) }
                usleep(50_000)
            }
            seconds += 1
            if seconds >= patience, folder.withdraw(id) {
                throw LedgerError(.inUse, "\(busy.message) (it was asked to do this, and did not within \(patience) s: only a sidecar does)")
            }
        }
    }

    private static func count(_ answer: KeepingAnswer) throws(LedgerError) -> UInt64 {
        switch answer {
        case .done(let count): return count
        case .failed(let message): throw LedgerError(.system, "the process that writes the ledger says: \(message)")
        }
    }
}

extension LedgerStore {
    /// Entries that are removed at once while calls wait.
    private static let part: UInt64 = 50_000

    /// Carries out what other processes ask for, and answers them.
    ///
    /// - Throws: what went wrong with the ledger, after it was answered.
    func carryOutRequests() throws(LedgerError) {
        let folder = RequestFolder(ofLedger: path)
        for id in folder.waiting where folder.take(id) {
            var problem: LedgerError?
            var answer = KeepingAnswer.failed("the request is none that this version knows")
            do throws(LedgerError) {
                switch folder.text(id, "taken").flatMap({ KeepingRequest($0) }) {
                case .erase(let numbers, let reason): answer = .done(UInt64(try erase(numbers, reason: reason, whileWritten: true)))
                case .prune(let time, let reason):
                    answer = .done(try prune(before: time, reason: reason, atMost: Self.part, whileWritten: true))
                case nil: break
                }
            } catch {
                (problem, answer) = (error, .failed(error.message))
            }
            try folder.put(answer.text, id, "answer")
            unlink(folder.file(id, "taken"))
            if let problem { throw problem }
        }
    }
}
