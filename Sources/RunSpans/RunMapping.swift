public import AgentRuns

/// How runs become spans: everything that is the same for all runs of one job.
public struct RunMapping: Sendable {
    public var mode: RunMode
    public var role: RunRole
    /// A name for the collection of runs, part of every hashed id.
    public var dataset: String
    /// The agent's name where the run does not say.
    public var agentName: String?
    /// The release's version where the run does not say.
    public var agentVersion: String?
    /// The release that the runs are of, whatever they say themselves; nil where that is not known.
    public var release: Release?
    /// The name of the replay that the runs belong to.
    public var replayID: String?
    public var capture: Capture
    public var redaction: Redaction
    public var limits: AttributeLimits

    public init(
        mode: RunMode, role: RunRole = .baseline, dataset: String = "default", agentName: String? = nil,
        agentVersion: String? = nil, capture: Capture = .none, redaction: Redaction = Redaction(),
        limits: AttributeLimits = AttributeLimits()
    ) {
        self.mode = mode
        self.role = role
        self.dataset = dataset
        self.agentName = agentName
        self.agentVersion = agentVersion
        self.capture = capture
        self.redaction = redaction
        self.limits = limits
    }

    /// Which release decided how the agent behaved.
    public struct Release: Hashable, Sendable {
        public var version: String
        /// `sha256:…` of the bundle; nil for a mere label.
        public var digest: String?

        public init(version: String, digest: String? = nil) {
            self.version = version
            self.digest = digest
        }
    }

    /// How much of what was said goes into the spans.
    public enum Capture: String, CaseIterable, Sendable {
        /// Ids, names, counts and the request's digest: nothing that anyone said.
        case none
        /// Also size and SHA-256 of arguments, results and response.
        case metadata
        /// Also the content itself, redacted.
        case full
    }
}

/// What the mapping must know about one run beside the run itself.
public struct RunPlacement: Sendable {
    public var identity: RunIdentity
    public var timeline: RunTimeline
    /// Whether the start came from the recording.
    public var hasRecordedTime: Bool
    /// The id under which it was recorded, or the stand-in for a missing one.
    public var recordedID: String?
    /// Line in its file, counted from 1.
    public var line: Int
    /// The other arm's run of the same trace.
    public var link: SpanLink?
    /// The span in whose course the run happened; nil for the root of a trace.
    public var parent: SpanID?
    /// What only live runs have to say.
    public var more: [Attribute] = []
    /// Why the run failed as such; nil when it ended by itself, be its outcome as it may.
    public var failure: Failure?

    public init(
        identity: RunIdentity, timeline: RunTimeline, hasRecordedTime: Bool, recordedID: String? = nil, line: Int
    ) {
        self.identity = identity
        self.timeline = timeline
        self.hasRecordedTime = hasRecordedTime
        self.recordedID = recordedID
        self.line = line
    }
}

extension RunPlacement {
    /// Why a run did not end by itself.
    public struct Failure: Hashable, Sendable {
        /// A stable word, such as `timeout` (`error.type`).
        public var type: String
        public var message: String

        public init(type: String, message: String) {
            self.type = type
            self.message = message
        }
    }
}

/// Bounds on a span's attributes.
///
/// Source: OpenTelemetry SDK environment variables, `OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT` and
/// `OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT`.
public struct AttributeLimits: Hashable, Sendable {
    /// Attributes a span; the surplus is dropped and counted.
    public var count: Int
    /// Characters (Unicode scalars) of a text; nil for no limit.
    public var valueLength: Int?

    public init(count: Int = 128, valueLength: Int? = nil) {
        self.count = count
        self.valueLength = valueLength
    }
}

/// What the limits cost.
public struct LimitLosses: Hashable, Sendable {
    public var droppedAttributes = 0
    public var truncatedValues = 0

    public init() {}
}
