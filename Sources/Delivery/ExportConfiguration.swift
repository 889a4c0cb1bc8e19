/// Where spans go over HTTP, and how.
///
/// Defaults are those of the OpenTelemetry specification for OTLP exporters, unless a comment says otherwise.
public struct ExportConfiguration: Sendable {
    /// The whole URL that is posted to.
    public var endpoint: String
    /// Sent with every request, in order. Values can be secrets: they are never logged.
    public var headers: [(name: String, value: String)] = []
    public var compression = Compression.none
    /// For one request, connecting included; nil for no limit.
    public var timeout: Duration? = .seconds(10)
    /// PEM file of the authorities that are trusted instead of the system's.
    public var certificate: String?
    /// PEM files of the client's own certificate and key, for mutual TLS.
    public var clientCertificate: String?
    public var clientKey: String?
    public var userAgent: String
    /// Requests under way at once, each on a connection of its own.
    public var connections = 4
    /// Requests that wait for a connection; whoever makes more waits.
    public var queuedRequests = 4
    /// Bytes of a request before compression; larger batches are split.
    public var maximumRequest = 4 << 20
    public var retry = RetryPolicy()
    /// Whether what every further request would meet too, such as 401 or a certificate that is not trusted, ends the job. A
    /// process that stays should go on: someone may mend the receiver. What got no answer is then tried again.
    public var endsOnRefusal = true
    /// Whether a stop cuts off requests under way, within about a second, and sends no more. Otherwise they are waited for.
    public var stopCutsOff = false
    /// Notices that are passed on at once; later ones at most once a minute, with the number of those held back.
    public var immediateNotices = 50

    public init(endpoint: String, userAgent: String) {
        self.endpoint = endpoint
        self.userAgent = userAgent
    }

    /// The endpoint as it may be shown and stored: without a user's name and password, and without its query.
    public var displayName: String {
        var shown = endpoint[..<(endpoint.firstIndex { $0 == "?" || $0 == "#" } ?? endpoint.endIndex)]
        guard let slashes = shown.firstIndex(of: "/"), shown[slashes...].hasPrefix("//") else { return String(shown) }
        let start = shown.index(slashes, offsetBy: 2)
        let end = shown[start...].firstIndex(of: "/") ?? shown.endIndex
        if let at = shown[start..<end].lastIndex(of: "@") { shown = shown[..<start] + shown[shown.index(after: at)...] }
        return String(shown)
    }

    public enum Compression: String, CaseIterable, Sendable {
        case none, gzip
    }

    /// Bytes of a request that no sender may exceed, after decompression.
    ///
    /// Source: OTLP specification, "OTLP/HTTP Request" (64 MiB).
    public static let absoluteMaximumRequest = 64 << 20
    /// Bytes of an answer that are read; a larger one is a failure.
    ///
    /// Source: OTLP specification, "OTLP/HTTP Response" (4 MiB).
    static let maximumResponse = 4 << 20
}

/// When and how often a request is tried again.
public struct RetryPolicy: Sendable {
    /// The first wait; each further one is 1.5 times as long, up to `maximum`, and varied by half either way.
    public var initial = Duration.seconds(1)
    public var maximum = Duration.seconds(30)
    /// From the first try of a batch to giving it up, waits that the receiver asked for included.
    public var giveUpAfter = Duration.seconds(300)
    /// The longest wait that a receiver's `Retry-After` is believed; nil for any. A process that stays must not be silenced
    /// for ever by a wrong clock.
    public var longestRequested: Duration?

    public init() {}

    /// The wait before try number `attempt` (the first retry is 1).
    func wait(before attempt: Int, random: Double) -> Duration {
        var wait = initial
        for _ in 1..<max(1, min(attempt, 64)) where wait < maximum { wait = wait * 1.5 }
        return min(wait, maximum) * (0.5 + random)
    }
}
