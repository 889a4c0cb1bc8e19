public import AgentRuns
public import RunSpans

/// One request that passed the sidecar to one arm, with what came back: what the data plane hands over when it is done.
///
/// All times are Unix nanoseconds; bodies are the pieces in which they passed, as far as they were kept.
public struct Exchange: Sendable {
    /// The client's `x-request-id`, or one made for it; the same for a request and its shadow.
    public var requestID: String
    public var role: RunRole
    public var mode: RunMode
    public var decision: Decision
    public var trace: TraceContext
    public var request: Message
    /// nil where no answer came, the sidecar's own among them.
    public var response: Response?
    public var client: Endpoint
    /// Where the request was sent, or was to be sent.
    public var upstream: Endpoint?
    /// The URL that the upstream's paths are appended to, where it is more than `http` and ``upstream``.
    public var upstreamBase: String?
    public var times: Times
    /// Why it could not be completed.
    public var failure: Failure?
    /// The calls that passed the tool gateway, in the order in which they came: they have precedence over what the agent says.
    public var observedCalls: [ObservedToolCall] = []
    /// On a shadow: where it first asked its tools for something that the baseline had not.
    public var divergence: ToolDivergence?
    /// On a shadow: the `agent.run` span of the run that the user saw.
    public var served: SpanLink?
    /// On a shadow: what the user saw, where that was whole.
    public var pairedWith: ServedAnswer?

    public init(
        requestID: String, role: RunRole, mode: RunMode, decision: Decision, trace: TraceContext, request: Message,
        client: Endpoint, times: Times
    ) {
        self.requestID = requestID
        self.role = role
        self.mode = mode
        self.decision = decision
        self.trace = trace
        self.request = request
        self.client = client
        self.times = times
    }

    /// Which arm was chosen, and why.
    public struct Decision: Hashable, Sendable {
        /// Source: OpenTelemetry semantic conventions, `feature_flag.result.reason`.
        public enum Reason: String, Sendable {
            case `static`, split, disabled, error
            case targetingMatch = "targeting_match"
        }

        public var flagKey = ""
        public var reason = Reason.disabled
        /// Percent; nil where it did not matter.
        public var bucket: Double?
        public var stickyKey: String?
        public var rolloutID = ""
        public var revision = 0
        /// The step of a schedule, such as `2/4`.
        public var stage: String?
        /// The candidate's share, in percent.
        public var weight = 0.0
        /// Why the baseline answered what the candidate should have.
        public var fallback: String?

        public init() {}
    }

    /// Where the exchange stands in a trace, and which ids its spans have.
    public struct TraceContext: Hashable, Sendable {
        public var traceID: TraceID
        /// The caller's span; nil where a trace begins here.
        public var parentSpanID: SpanID?
        /// What the caller decided; nil where there was none.
        public var parentIsSampled: Bool?
        /// W3C trace flags as they go on to the agent.
        public var flags: UInt8
        public var traceState: String?
        public var serverSpanID: SpanID
        public var clientSpanID: SpanID
        public var runSpanID: SpanID
        public var isSampled: Bool

        public init(
            traceID: TraceID, parentSpanID: SpanID? = nil, parentIsSampled: Bool? = nil, flags: UInt8, traceState: String? = nil,
            serverSpanID: SpanID, clientSpanID: SpanID, runSpanID: SpanID, isSampled: Bool
        ) {
            self.traceID = traceID
            self.parentSpanID = parentSpanID
            self.parentIsSampled = parentIsSampled
            self.flags = flags
            self.traceState = traceState
            self.serverSpanID = serverSpanID
            self.clientSpanID = clientSpanID
            self.runSpanID = runSpanID
            self.isSampled = isSampled
        }
    }

    /// What the client sent.
    public struct Message: Sendable {
        public var method: String
        /// Path and query.
        public var target: String
        public var scheme: String
        /// The Host header.
        public var authority: String
        /// `1.1`.
        public var httpVersion: String
        public var contentType: String?
        public var userAgent: String?
        public var contentEncoding: String?
        public var body: [[UInt8]]
        /// Bytes that passed, kept or not.
        public var bodyBytes: Int
        public var isTruncated: Bool

        public init(
            method: String, target: String, scheme: String = "http", authority: String = "", httpVersion: String = "1.1",
            contentType: String? = nil, userAgent: String? = nil, contentEncoding: String? = nil, body: [[UInt8]] = [],
            bodyBytes: Int = 0, isTruncated: Bool = false
        ) {
            self.method = method
            self.target = target
            self.scheme = scheme
            self.authority = authority
            self.httpVersion = httpVersion
            self.contentType = contentType
            self.userAgent = userAgent
            self.contentEncoding = contentEncoding
            self.body = body
            self.bodyBytes = bodyBytes
            self.isTruncated = isTruncated
        }
    }

    /// What was answered.
    public struct Response: Sendable {
        public var status: Int
        public var contentType: String?
        public var contentEncoding: String?
        public var body: [[UInt8]]
        /// Bytes that passed, kept or not.
        public var bodyBytes: Int
        public var isTruncated: Bool
        /// Whether it came to its end.
        public var isComplete: Bool

        public init(
            status: Int, contentType: String? = nil, contentEncoding: String? = nil, body: [[UInt8]] = [], bodyBytes: Int = 0,
            isTruncated: Bool = false, isComplete: Bool = true
        ) {
            self.status = status
            self.contentType = contentType
            self.contentEncoding = contentEncoding
            self.body = body
            self.bodyBytes = bodyBytes
            self.isTruncated = isTruncated
            self.isComplete = isComplete
        }
    }

    public struct Endpoint: Hashable, Sendable {
        /// An address or a name.
        public var address: String
        public var port: Int

        public init(address: String, port: Int) {
            self.address = address
            self.port = port
        }
    }

    public struct Times: Hashable, Sendable {
        /// The request's head was there.
        public var received: UInt64
        /// The first byte went to the agent.
        public var sent: UInt64?
        /// The answer's head was there.
        public var firstByte: UInt64?
        public var ended: UInt64

        public init(received: UInt64, sent: UInt64? = nil, firstByte: UInt64? = nil, ended: UInt64) {
            self.received = received
            self.sent = sent
            self.firstByte = firstByte
            self.ended = ended
        }

        /// When the run began: before it was sent, the agent had no part in it.
        public var begun: UInt64 { sent ?? received }

        /// The same times where each is no earlier than the one before it, and the end at least 1 ns after the beginning: a
        /// clock that is set back makes no spans that end before they begin.
        public var inOrder: Times {
            var times = self
            times.sent = sent.map { max($0, received) }
            times.firstByte = firstByte.map { max($0, times.begun) }
            times.ended = max(ended, times.firstByte ?? times.begun, times.begun + 1)
            return times
        }
    }

    public struct Failure: Hashable, Sendable {
        /// A stable word (`error.type`).
        public var type: String
        public var message: String

        public init(type: String, message: String) {
            self.type = type
            self.message = message
        }
    }

    /// The baseline's answer to the request of which a shadow is the copy.
    public struct ServedAnswer: Sendable {
        public var status: Int
        public var contentType: String?
        public var contentEncoding: String?
        public var body: [[UInt8]]
        public var isTruncated: Bool
        /// Nanoseconds.
        public var latency: UInt64
        /// The calls of that run that passed the tool gateway, in the order in which they came.
        public var observedCalls: [ObservedToolCall]

        public init(
            status: Int, contentType: String?, contentEncoding: String? = nil, body: [[UInt8]], isTruncated: Bool = false,
            latency: UInt64, observedCalls: [ObservedToolCall] = []
        ) {
            self.status = status
            self.contentType = contentType
            self.contentEncoding = contentEncoding
            self.body = body
            self.isTruncated = isTruncated
            self.latency = latency
            self.observedCalls = observedCalls
        }
    }
}
