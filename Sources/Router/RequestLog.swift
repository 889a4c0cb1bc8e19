internal import AgentRuns
internal import LiveRuns
internal import NIOCore
internal import NIOHTTP1
internal import RunSpans
internal import ToolGateway

/// What is known of a request so far: it becomes an ``Exchange`` when the request is done, and the headers that tell the
/// agent where it stands.
struct RequestLog {
    let requestID: String
    private let head: HTTPRequestHead
    private let peer: Peer
    private(set) var role = RunRole.baseline
    private(set) var mode = RunMode.live
    private var decision = Exchange.Decision()
    private var trace: Exchange.TraceContext
    private var baggage: String?
    private var served: SpanLink?
    private var upstream: Upstream?
    /// The run as the tool gateway knows it; nil before the agent is asked, and where there is no gateway or no room.
    private(set) var toolRun: ToolRun?
    /// On a shadow: the run that the user sees.
    private var servedToolRun: ToolRun?
    private var toolsURL: String?
    var request: BodyCapture
    var response = BodyCapture(limit: 0)
    private let responseLimit: Int
    private var answer: HTTPResponseHead?
    private var isComplete = false
    private var tracesTold: String?

    private var clock = RequestClock()
    // Unix nanoseconds; 0 for not yet.
    var received: UInt64
    var sent: UInt64 = 0
    private var firstByte: UInt64 = 0
    var ended: UInt64 = 0

    /// Why the request could not be completed: a stable word, and words for people.
    var failure: (type: String, message: String)?
    /// Why the baseline answered what the candidate should have.
    var fallback: String?

    init(_ head: HTTPRequestHead, peer: Peer, loop: LoopContext) {
        self.head = head
        self.peer = peer
        received = clock.now
        requestID = RequestID.of(head) ?? loop.random.requestID()
        trace = loop.traceContext(of: head, requestID: requestID)
        baggage = head.headers.joined("baggage")
        request = BodyCapture(limit: Self.isReadable(head.headers) ? loop.settings.limits.requestCaptureBytes : 0)
        responseLimit = loop.settings.limits.responseCaptureBytes
    }

    /// The copy of a request for the candidate: the same request, a trace of its own, linked to the served one.
    init(copying log: borrowing RequestLog, to upstream: Upstream, loop: LoopContext) {
        self = copy log
        role = .candidate
        mode = .shadow
        self.upstream = upstream
        served = SpanLink(
            traceID: log.trace.traceID, spanID: log.trace.runSpanID, flags: UInt32(log.trace.flags) | 0x100,
            type: RunRole.baseline.rawValue)
        trace = loop.shadowContext(of: log.trace)
        servedToolRun = log.toolRun
        toolRun = nil
        response = BodyCapture(limit: 0)
        answer = nil
        failure = nil
        fallback = nil
        sent = 0
        firstByte = 0
        ended = 0
    }

    // MARK: what happens

    mutating func begin(_ route: Route, role: RunRole, _ upstream: Upstream) {
        decision = route.decision
        mode = route.mode
        self.role = role
        self.upstream = upstream
    }

    /// A request that is sent a second time, because its connection was too old, stays the run that it was.
    mutating func begin(_ tools: ToolOffer, _ route: Route) {
        guard toolRun == nil else { return }
        toolRun = tools.begin(
            requestID, role, mode, decision, epoch: route.epoch, trace, copies: route.copies && mode != .shadow, served: servedToolRun)
        toolsURL = tools.url
    }

    func requestEnded() {}

    /// Unix nanoseconds, never before those that it gave before.
    var now: UInt64 { clock.now }

    mutating func answered(_ answer: HTTPResponseHead) {
        self.answer = answer
        firstByte = clock.now
        response = BodyCapture(limit: Self.isReadable(answer.headers) ? responseLimit : 0)
    }

    /// The answer was the sidecar's own.
    mutating func refused(_ status: HTTPResponseStatus) {
        if answer == nil { answer = HTTPResponseHead(version: .http1_1, status: status) }
    }

    var status: Int { answer.map { Int($0.status.code) } ?? 0 }

    /// Whether a body of this type may say what the agent did.
    private static func isReadable(_ headers: HTTPHeaders) -> Bool {
        guard let type = headers.first(name: "content-type") else { return false }
        return MediaType.isJSON(type) || MediaType.isEventStream(type)
    }

    // MARK: what the agent is told

    /// The request as it goes to the arm.
    ///
    /// - Parameter routing: names of the headers that decide on the arm, in lower case.
    func upstreamHead(_ head: HTTPRequestHead, routing: [String]) -> HTTPRequestHead {
        var headers = ForwardedHeaders.ofRequest(head.headers, routing: routing)
        headers.append(("traceparent", trace.traceParent))
        if let state = trace.traceState { headers.append(("tracestate", state)) }
        headers.append(("baggage", Baggage.adding(role: role, requestID: requestID, to: baggage)))
        headers.append(("x-request-id", requestID))
        headers.append(("x-outrigger-role", role.rawValue))
        headers.append(("x-outrigger-mode", mode.rawValue))
        if let toolRun, let toolsURL {
            headers.append((ToolOffer.tokenHeader, toolRun.token.hex))
            headers.append((ToolOffer.urlHeader, toolsURL))
        }
        if let address = peer.address {
            let earlier = head.headers.joined("x-forwarded-for")
            headers.append(("x-forwarded-for", earlier.map { "\($0), \(address)" } ?? address))
        }
        headers.append(("x-forwarded-proto", head.headers.first(name: "x-forwarded-proto") ?? "http"))
        if let host = head.headers.first(name: "x-forwarded-host") ?? head.headers.first(name: "host") {
            headers.append(("x-forwarded-host", host))
        }
        let via = "\(head.version.text) outrigger"
        headers.append(("via", head.headers.joined("via").map { "\($0), \(via)" } ?? via))
        if !head.headers.contains(name: "host"), let upstream { headers.append(("host", upstream.authority)) }
        if head.headers.contains(name: "transfer-encoding") {
            headers.append(("transfer-encoding", "chunked"))
        } else if let length = head.headers.first(name: "content-length") {
            headers.append(("content-length", length))
        }
        let path = RequestCheck.originForm(head.uri) ?? head.uri
        let base = upstream?.basePath ?? ""
        return HTTPRequestHead(
            version: .http1_1, method: head.method, uri: base.isEmpty || path == "*" ? path : base + path,
            headers: HTTPHeaders(headers))
    }

    // MARK: what is recorded

    var servedAnswer: Exchange.ServedAnswer? {
        guard let answer, failure == nil else { return nil }
        return Exchange.ServedAnswer(
            status: Int(answer.status.code), contentType: answer.headers.first(name: "content-type"),
            contentEncoding: answer.headers.first(name: "content-encoding"), body: response.chunks, isTruncated: response.isTruncated,
            latency: ended > received ? ended - received : 0, observedCalls: toolRun?.observedCalls ?? [])
    }

    func exchange(pairedWith served: Exchange.ServedAnswer?) -> Exchange {
        var decision = decision
        decision.fallback = fallback
        var exchange = Exchange(
            requestID: requestID, role: role, mode: mode, decision: decision, trace: trace,
            request: Exchange.Message(
                method: head.method.rawValue, target: head.uri, scheme: "http",
                authority: head.headers.first(name: "host") ?? "", httpVersion: head.version.text,
                contentType: head.headers.first(name: "content-type"), userAgent: head.headers.first(name: "user-agent"),
                contentEncoding: head.headers.first(name: "content-encoding"), body: request.chunks, bodyBytes: request.passed,
                isTruncated: request.isTruncated),
            client: Exchange.Endpoint(address: peer.address ?? "", port: peer.port),
            times: Exchange.Times(
                received: received, sent: sent == 0 ? nil : sent, firstByte: firstByte == 0 ? nil : firstByte, ended: ended))
        exchange.served = self.served
        if let toolRun {
            exchange.observedCalls = toolRun.observedCalls
            exchange.divergence = toolRun.divergence
        }
        exchange.upstream = upstream.map { Exchange.Endpoint(address: $0.host, port: $0.port) }
        exchange.upstreamBase = upstream?.url
        exchange.pairedWith = served
        if let failure { exchange.failure = Exchange.Failure(type: failure.type, message: failure.message) }
        if let answer {
            exchange.response = Exchange.Response(
                status: Int(answer.status.code), contentType: answer.headers.first(name: "content-type"),
                contentEncoding: answer.headers.first(name: "content-encoding"), body: response.chunks, bodyBytes: response.passed,
                isTruncated: response.isTruncated, isComplete: failure == nil)
        }
        return exchange
    }
}

/// The request's id, which the client may give.
enum RequestID {
    /// - Returns: nil where there is none that can be passed on as it is: 1 to 128 visible characters.
    static func of(_ head: HTTPRequestHead) -> String? {
        guard let id = head.headers.first(name: "x-request-id"), (1...128).contains(id.utf8.count),
            id.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") })
        else { return nil }
        return id
    }
}

extension HTTPVersion {
    /// The usual ones without making a text of numbers each time.
    fileprivate var text: String { self == .http1_1 ? "1.1" : self == .http1_0 ? "1.0" : "\(major).\(minor)" }
}

extension HTTPHeaders {
    /// All values of a list-valued header as one; nil when there is none.
    func joined(_ name: String) -> String? {
        let values = self[name]
        return values.isEmpty ? nil : values.count == 1 ? values[0] : values.joined(separator: ",")
    }
}
