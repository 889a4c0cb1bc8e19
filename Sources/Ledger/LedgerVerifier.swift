public import Digests
internal import GRDB

/// What is wrong with a ledger, first.
public struct LedgerFinding: Hashable, Sendable, CustomStringConvertible {
    public enum Problem: String, CaseIterable, Sendable {
        /// The database cannot be read as a ledger.
        case unreadable
        /// An entry's content does not give its hash: a field was changed, or it stood elsewhere.
        case changed
        /// An entry is not there although a later one is.
        case missing
        /// Entries were replaced together with their hashes: a checkpoint knows another chain.
        case rewritten
        /// A checkpoint knows of more entries than there are: the end was cut off, or an older copy put in place.
        case cut
        /// A checkpoint's signature is not that of what it says.
        case checkpoint
        /// A checkpoint is signed by another key than the one that is trusted, or by none.
        case signer
        /// A checkpoint is another ledger's.
        case otherLedger = "other_ledger"
        /// What was kept of a content does not give the digest in the entry.
        case content
        /// Content that was kept is not there, and no entry says that it was erased.
        case erased
        /// The entries before the first one are vouched for by no checkpoint.
        case base
        /// What filters look up is not what the entries give: some could be hidden from a list.
        case index
    }

    public var problem: Problem
    /// The first bad entry; nil when the finding is about none.
    public var entry: EntryNumber?
    public var message: String
    public var description: String { (entry.map { "entry \($0): " } ?? "") + message }
}

/// What a verification saw.
public struct LedgerVerification: Sendable {
    /// Nil when all is well.
    public var finding: LedgerFinding?
    /// Entries whose hash was computed.
    public var entries: UInt64 = 0
    /// Entries that a good checkpoint covers.
    public var covered: UInt64 = 0
    public var checkpoints = 0
    public var contents: UInt64 = 0
    public var last: Digest?
    /// What a reader of a good result must know.
    public var notes: [String] = []
    public var isGood: Bool { finding == nil }
}

/// Computes a ledger's whole chain anew, and holds it against its checkpoints.
public struct LedgerVerifier: Sendable {
    /// Whom checkpoints must be signed by; nil to take any signature that is valid.
    public var publicKey: [UInt8]?
    /// To check kept content against its digest.
    public var digestKey: [UInt8]?
    /// Checkpoints from elsewhere.
    public var checkpointFile: String?
    /// Entries after the last checkpoint that may be covered by none, where a key is trusted.
    public var maximumUncovered: UInt64 = 10_000
    /// A count and a last hash that must be found.
    public var expected: (count: UInt64, hash: Digest)?

    public init(
        publicKey: [UInt8]? = nil, digestKey: [UInt8]? = nil, checkpointFile: String? = nil,
        expected: (count: UInt64, hash: Digest)? = nil
    ) {
        self.publicKey = publicKey
        self.digestKey = digestKey
        self.checkpointFile = checkpointFile
        self.expected = expected
    }

    /// - Throws: ``LedgerError`` when there is nothing to verify: no such file, no ledger, a key or checkpoint file that is none.
    public func verify(_ path: String) throws(LedgerError) -> LedgerVerification {
        let queue = try LedgerFile.openForReading(path)
        let filed = try checkpointFile.map { file throws(LedgerError) in try CheckpointFile.read(file) } ?? []
        let lookups = try LookupCheck.start(path)
        var result: LedgerVerification
        do throws(LedgerError) {
            result = try verifyChain(queue, filed, path)
        } catch {
            _ = try? lookups.finish(isWanted: false)
            throw error
        }
        // What the chain says comes first: lookups of entries that are not what they were mean nothing.
        let found = try lookups.finish(isWanted: result.isGood)
        if result.isGood {
            result.finding = found.finding
            result.notes += found.notes
        }
        return result
    }

    private func verifyChain(_ queue: DatabaseQueue, _ filed: [Checkpoint], _ path: String) throws(LedgerError) -> LedgerVerification {
        var found: LedgerVerification?
        do {
            return try queue.read { db in
                var pass = VerificationPass(self, filed)
                do {
                    try pass.run(db)
                } catch let finding as FoundBad {
                    pass.result.finding = finding.finding
                } catch let error as DatabaseError where error.resultCode != .SQLITE_BUSY {
                    let next = pass.result.last == nil ? nil : pass.base + pass.result.entries + 1
                    pass.result.finding = LedgerFinding(
                        problem: .unreadable, entry: next,
                        message: "the database cannot be read on: \(LedgerError(error, path).message)")
                }
                found = pass.result
                return pass.result
            }
        } catch {
            // Where a page is damaged, to end reading can fail too: what was found by then is what there is to say.
            if let found, !found.isGood { return found }
            throw LedgerError(error, path)
        }
    }
}

struct FoundBad: Error {
    var finding: LedgerFinding

    init(_ problem: LedgerFinding.Problem, _ entry: EntryNumber? = nil, _ message: String) {
        finding = LedgerFinding(problem: problem, entry: entry, message: message)
    }
}
