public import OTLP

/// What became of some spans in the end. Every span that a sink takes is settled exactly once.
public struct Settlement: Sendable {
    /// Spans that the receiver took.
    public var accepted = 0
    /// Spans that the receiver refused for good.
    public var rejected = 0
    /// Spans that the receiver never said anything final about.
    public var unsent = 0
    /// A stable name for why spans were rejected or unsent, such as `http_400` or `gave_up`.
    public var reason: String?

    public init(accepted: Int = 0, rejected: Int = 0, unsent: Int = 0, reason: String? = nil) {
        self.accepted = accepted
        self.rejected = rejected
        self.unsent = unsent
        self.reason = reason
    }

    static func accepted(_ count: Int, rejected: Int = 0) -> Settlement {
        Settlement(accepted: count, rejected: rejected, reason: rejected > 0 ? "partial_success" : nil)
    }
}

/// Takes batches of spans, and settles each of them.
///
/// `Context` is whatever the caller wants back with the settlement; the range says which of the batch's spans it is about.
public protocol SpanSink<Context>: Sendable {
    associatedtype Context: Sendable

    /// Hands over a batch; waits while the sink has as much as it can hold.
    func submit(_ batch: SpanBatch, _ context: Context)
    /// Waits until all is settled. Nothing may be submitted afterwards.
    func finish()
    /// Why the sink takes nothing more, if so: all that is submitted is settled as unsent.
    var haltReason: String? { get }
    var traffic: Traffic { get }
}

/// What went over the wire.
public struct Traffic: Sendable {
    /// Requests answered or not, retries included; for files, records written.
    public var requests = 0
    public var retries = 0
    /// Bytes of messages before compression, each as often as it was sent.
    public var bytes = 0
    /// Of those, the bytes of messages that were taken, each once.
    public var deliveredBytes = 0
    /// Bytes of message bodies as sent.
    public var wireBytes = 0
    /// Answers that were accepted although they could not be read in full, and the like.
    public var warnings: [String: Int] = [:]

    public init() {}
}
