public import Delivery

/// What a backfill did, in numbers that add up:
///
/// - lines = empty + rejected + runs
/// - runs = filtered + beyond the limit + sampled out + already delivered + selected
/// - spans built = accepted + rejected + unsent (or not sent at all, in a dry run)
public struct BackfillReport: Sendable {
    public struct Lines: Sendable {
        public var total = 0
        public var empty = 0
        public var rejected: [String: Int] = [:]
    }

    public struct Runs: Sendable {
        public var read = 0
        public var filtered = 0
        public var beyondLimit = 0
        public var sampledOut = 0
        public var alreadyDelivered = 0
        public var selected = 0
    }

    public struct Spans: Sendable {
        public var built = 0
        public var alreadyDelivered = 0
        public var accepted = 0
        public var rejected = 0
        public var unsent = 0
        /// Why, with how many.
        public var reasons: [String: Int] = [:]
    }

    public var lines = Lines()
    public var runs = Runs()
    public var spans = Spans()
    public var warnings: [String: Int] = [:]
    /// Bytes of text read, after decompression.
    public var bytesRead = 0
    public var traffic = Traffic()
    public var duration = Duration.zero
    /// The first few traces, to look at.
    public var firstTraces: [(traceID: String, runSpanID: String, recordedID: String)] = []
    /// Inputs that could not be read to their end.
    public var inputProblems: [String] = []
    /// Why it ended before its input did.
    public var endedEarly: String?
    /// The state file says that nothing was left to do.
    public var hadNothingToDo = false

    public var rejectedLines: Int { lines.rejected.values.reduce(0, +) }

    /// Whether everything that was asked for was delivered.
    public var isComplete: Bool {
        rejectedLines == 0 && spans.rejected == 0 && spans.unsent == 0 && inputProblems.isEmpty && endedEarly == nil
    }
}
