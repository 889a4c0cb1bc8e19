internal import NIOCore

/// How the data plane treats requests: fixed for a request once it has begun, exchanged as a whole by a reload.
public struct ProxySettings: Sendable {
    public var baseline: ArmSettings
    /// nil while there is only one version.
    public var candidate: ArmSettings?
    public var limits = ProxyLimits()
    public var timeouts = ProxyTimeouts()
    public var shadow = ShadowSettings()
    /// Whether answers tell which arm they are of (`x-outrigger-role`) and the request's id (`x-request-id`).
    public var tellsRole = true

    public init(baseline: ArmSettings, candidate: ArmSettings? = nil) {
        self.baseline = baseline
        self.candidate = candidate
    }
}

/// One arm: where it is and how much it may be asked at once.
public struct ArmSettings: Hashable, Sendable {
    public var upstream: Upstream
    /// Requests at once; more are turned away, so that an arm that is slow does not take the sidecar with it.
    public var maximumConcurrency = 1024
    public var breaker = BreakerSettings()
    public var health: HealthCheckSettings?
    /// PEM file of the authorities that an `https://` upstream is trusted by; nil for the system's.
    public var certificateAuthorities: String?

    public init(upstream: Upstream) { self.upstream = upstream }
}

/// Bounds on what one client, and all, can make the proxy hold.
public struct ProxyLimits: Hashable, Sendable {
    /// Bytes of a request's line and headers; more is answered 431.
    public var headerBytes = 64 << 10
    public var headerCount = 128
    /// Bytes of a request's body; more is answered 413. nil for no limit: bodies stream through.
    public var bodyBytes: Int? = nil
    /// Bytes of a body that are held back when the sticky key stands in it; a longer body has no key.
    public var keyBodyBytes = 256 << 10
    /// Bytes of a request's body that are kept for the run's spans.
    public var requestCaptureBytes = 256 << 10
    /// Bytes of an answer that are kept for the run's spans.
    public var responseCaptureBytes = 1 << 20
    /// Connections of clients; more are closed at once.
    public var connections = 20_000
    /// Connections that are kept open to an arm, for each event loop, while nobody needs them.
    public var idleUpstreamConnections = 128

    public init() {}
}

/// How long each phase of a request may take.
public struct ProxyTimeouts: Hashable, Sendable {
    /// From a request's first byte, or the end of the answer before it if that is later, to the end of its headers: 408.
    public var requestHeader = Duration.seconds(10)
    /// Between two pieces of a request's body: 408.
    public var requestBody = Duration.seconds(30)
    /// A connection between two requests.
    public var keepAlive = Duration.seconds(75)
    public var connect = Duration.seconds(2)
    /// From the request's last byte to the answer's headers: 504. Agents think for long.
    public var responseHeader = Duration.seconds(120)
    /// Between two pieces of an answer.
    public var responseBody = Duration.seconds(120)
    /// For a client that does not take its answer.
    public var write = Duration.seconds(60)
    /// An idle connection to an agent; under what servers usually allow, so that they do not close under a request.
    public var upstreamIdle = Duration.seconds(4)

    public init() {}
}

/// Bounds on the copies that go to the candidate beside the user's request.
public struct ShadowSettings: Hashable, Sendable {
    /// Copies under way at once, for each event loop.
    public var maximumConcurrency = 64
    /// Copies that wait, for each event loop; more are dropped and counted.
    public var queue = 256
    /// Bytes of a body that is still copied; longer requests have no shadow.
    public var bodyBytes = 1 << 20
    /// From the copy's start to its last byte.
    public var timeout = Duration.seconds(300)

    public init() {}
}

/// When an arm is taken for broken.
public struct BreakerSettings: Hashable, Sendable {
    /// Failures in a row (no connection, no answer, 502, 503, 504) after which the arm is left alone; 0 for never.
    public var failures = 5
    /// How long it is left alone before one request tries it again.
    public var openFor = Duration.seconds(5)

    public init() {}
}

/// A request that the sidecar makes of its own to see whether an arm lives.
public struct HealthCheckSettings: Hashable, Sendable {
    public var path = "/healthz"
    public var interval = Duration.seconds(5)
    public var timeout = Duration.seconds(2)
    /// Failed checks in a row that make an arm unhealthy.
    public var failures = 3

    public init() {}
}

extension TimeAmount {
    init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        self = .nanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
    }
}

extension NIODeadline {
    static func + (deadline: NIODeadline, duration: Duration) -> NIODeadline { deadline + TimeAmount(duration) }
}
