public import AgentRuns
public import Digests

/// An entry's place in its ledger, counted from 1 without a gap.
public typealias EntryNumber = UInt64

/// One thing that happened: a tool call, a refusal, a change of the rollout. What it says is bound by the hash chain;
/// content stands outside of it, so that it can be erased, and only its digests stand inside.
///
/// Text is at most ``maximumText`` bytes of UTF-8; empty text means that nothing is known.
public struct LedgerEntry: Hashable, Sendable {
    /// Longer text is cut: what an agent sends as a tool's name must not fill the disk.
    public static let maximumText = 1024

    public enum Kind: String, CaseIterable, Sendable {
        /// A call that is about to go out; durable before it does.
        case intent
        /// What became of the call whose intent ``LedgerEntry/refers`` names.
        case completion
        /// A call and its result in one: reads, replayed and backfilled calls.
        case call
        /// A call that reached no tool.
        case refusal
        case rolloutChange = "rollout_change"
        /// The content of the entry that ``LedgerEntry/refers`` names was erased.
        case erasure
        /// The entries up to the one that ``LedgerEntry/refers`` names were removed.
        case pruning
        /// Entries that could not be recorded; ``LedgerEntry/reason`` says how many and why.
        case loss

        /// Whether it says that something was removed, which only a checkpoint in the same transaction vouches for.
        var takesAway: Bool { self == .erasure || self == .pruning }
    }

    public enum Verdict: String, CaseIterable, Sendable {
        case allowed, refused, replayed, fenced
    }

    public enum Effect: String, CaseIterable, Sendable { case read, write }

    public enum Outcome: String, CaseIterable, Sendable {
        case success, error, cancelled
        /// The call went out and nobody knows what became of it.
        case unknown
    }

    /// What is known of a content by the ledger itself.
    public struct ContentMark: Hashable, Sendable {
        /// Bytes of the content as it was sent.
        public var size: UInt64
        /// HMAC-SHA-256 of the content as it was sent.
        public var digest: Digest
        /// HMAC-SHA-256 of what was kept of it, after redaction; nil when nothing was kept.
        public var kept: Digest?

        public init(size: UInt64, digest: Digest, kept: Digest? = nil) {
            self.size = size
            self.digest = digest
            self.kept = kept
        }
    }

    /// Set by the ledger.
    public var number: EntryNumber = 0
    /// Unix nanoseconds.
    public var time: UInt64
    public var kind: Kind
    public var traceID: TraceID?
    /// The `tool.call` span.
    public var spanID: SpanID?
    public var runID = ""
    public var requestID = ""
    public var arm: RunRole?
    public var mode: RunMode?
    public var agent = ""
    public var releaseVersion = ""
    public var releaseDigest = ""
    public var rolloutRevision: UInt64?
    public var tool = ""
    public var effect: Effect?
    public var verdict: Verdict?
    /// Why it was refused, who changed the rollout and why, what was lost.
    public var reason = ""
    /// Another entry that this one is about.
    public var refers: EntryNumber?
    public var arguments: ContentMark?
    public var result: ContentMark?
    /// Nanoseconds.
    public var duration: UInt64?
    public var outcome: Outcome?

    public init(_ kind: Kind, time: UInt64) {
        self.kind = kind
        self.time = time
    }
}

/// An entry to be recorded, with the content that its digests are made of.
public struct LedgerRecord: Sendable {
    public struct Content: Sendable {
        /// As it was sent: its size and keyed digest are recorded, it is not.
        public var bytes: [UInt8]
        /// What may be kept of it: captured and redacted already; nil for nothing.
        public var kept: [UInt8]?

        public init(_ bytes: [UInt8], kept: [UInt8]? = nil) {
            self.bytes = bytes
            self.kept = kept
        }
    }

    /// Number and content marks are set by the ledger.
    public var entry: LedgerEntry
    public var arguments: Content?
    public var result: Content?

    public init(_ entry: LedgerEntry, arguments: Content? = nil, result: Content? = nil) {
        self.entry = entry
        self.arguments = arguments
        self.result = result
    }
}

extension LedgerRecord {
    /// Bytes of its content.
    var contentSize: Int { [arguments, result].reduce(0) { $0 + ($1?.bytes.count ?? 0) + ($1?.kept?.count ?? 0) } }
}

/// An entry as it stands in a ledger.
public struct RecordedEntry: Sendable {
    public var entry: LedgerEntry
    public var hash: Digest
    /// What was kept and not erased.
    public var arguments: [UInt8]?
    public var result: [UInt8]?
}
