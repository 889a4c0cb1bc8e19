public import AgentRuns
public import RunSpans

/// All that a backfill is told: what to read, how to map it, what to leave out, what to remember.
public struct BackfillPlan: Sendable {
    /// Paths in order; `-` is standard input. One collection of runs: ids that repeat across files are told apart.
    public var inputs: [String]
    public var mapping: RunMapping
    /// Hash every trace id, even those that were recorded as W3C ids.
    public var rehash = false
    public var sampler = TraceSampler.alwaysOn
    /// Unix nanoseconds of the first line that has no time of its own; nil derives it from the file's modification time.
    public var startTime: UInt64?
    /// Nanoseconds from one line without a time of its own to the next.
    public var stride: UInt64 = 1_000_000_000

    /// Only runs that start at or after this, in Unix nanoseconds.
    public var since: UInt64?
    /// Only runs that start before this, in Unix nanoseconds.
    public var until: UInt64?
    /// How many runs to send at most.
    public var limit: Int?
    /// End at the first line that cannot be read.
    public var isStrict = false
    /// Where rejected lines are copied to.
    public var rejectFile: String?
    /// Bytes of a line; longer ones are rejected.
    public var maximumLine = 16 << 20

    /// Where to remember what was delivered.
    public var stateFile: String?
    /// Where the spans go, to tell one backfill's state from another's.
    public var target = ""
    /// Whether a back end is to take the spans, or would but for a dry run: it may mind how old they are.
    public var reachesBackEnd = true
    /// Keep reading as the file grows.
    public var follows = false
    /// Keep the ids of all spans for ``Verification``.
    public var keepsIDs = false

    /// Sees every run that is sent, with its ids and times, on the thread of the worker that maps it; it may take its time,
    /// and the backfill waits.
    public var onRun: (@Sendable (borrowing AgentRun, RunPlacement) -> Void)?

    /// Spans of a request at most.
    public var batchSpans = 512
    /// Bytes of a request at most.
    public var batchBytes = 4 << 20
    /// Threads that decode and encode.
    public var workers = 1
    /// Bytes that are read at once. A block, its runs and their spans stay in a processor's own cache of 512 KiB: with
    /// twice as much a backfill takes a tenth more time.
    public var blockSize = 128 << 10

    public init(inputs: [String], mapping: RunMapping) {
        self.inputs = inputs
        self.mapping = mapping
    }
}
