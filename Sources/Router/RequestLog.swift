internal import AgentRuns
internal import LiveRuns
internal import NIOCore
internal import NIOHTTP1
internal import RunSpans
internal import ToolGateway

/// What is known of a request so far: it becomes an ``Exchange`` when the request is done, and the headers that tell the
/// agent where it stands (``writeHead(to:routing:)``).
///
/// A class, since it is asked and told many things on its way, and is too large to be copied for each.
final class RequestLog {
    let requestID: String
    let head: RequestHead
    let peer: Peer
    private(set) var role = RunRole.baseline
    private(set) var mode = RunMode.live
    private var decision = Exchange.Decision()
    let trace: Exchange.TraceContext
    private let served: SpanLink?
    private(set) var arm: SettingsInForce.Arm?
    /// The run as the tool gateway knows it; nil before the agent is asked, and where there is no gateway or no room.
    private(set) var toolRun: ToolRun?
    /// On a shadow: the run that the user sees.
    private let servedToolRun: ToolRun?
    private(set) var toolsURL: String?
    var request: BodyCapture
    var response = BodyCapture(limit: 0)
    private let responseLimit: Int
    private var answer: Answer?

    private let clock: RequestClock
    // Unix nanoseconds; 0 for not yet.
    var received: UInt64
    var sent: UInt64 = 0
    private var firstByte: UInt64 = 0
    var ended: UInt64 = 0

    /// Why the request could not be completed: a stable word, and words for people.
    var failure: (type: String, message: String)?
    /// Why the baseline answered what the candidate should have.
    var fallback: String?

    /// What is recorded of an answer's head.
    private struct Answer {
        var status: Int
        var contentType: String?
        var contentEncoding: String?
    }

    init(_ head: RequestHead, peer: Peer, loop: LoopContext) {
        self.head = head
        self.peer = peer
        let clock = RequestClock()
        self.clock = clock
        received = clock.start
        let requestID = RequestID.of(head) ?? loop.random.requestID()
        self.requestID = requestID
        trace = loop.traceContext(of: head, requestID: requestID)
        served = nil
        servedToolRun = nil
        request = BodyCapture(limit: Self.isReadable(head.contentType) ? loop.settings.limits.requestCaptureBytes : 0)
        responseLimit = loop.settings.limits.responseCaptureBytes
    }

    /// The copy of a request for the candidate: the same request, a trace of its own, linked to the served one.
    init(copying log: RequestLog, to arm: SettingsInForce.Arm, loop: LoopContext) {
        requestID = log.requestID
        head = log.head
        peer = log.peer
        role = .candidate
        mode = .shadow
        decision = log.decision
        served = SpanLink(
            traceID: log.trace.traceID, spanID: log.trace.runSpanID, flags: UInt32(log.trace.flags) | 0x100,
            type: RunRole.baseline.rawValue)
        trace = loop.shadowContext(of: log.trace)
        self.arm = arm
        servedToolRun = log.toolRun
        toolsURL = log.toolsURL
        request = log.request
        responseLimit = log.responseLimit
        clock = log.clock
        received = log.received
    }

    // MARK: what happens

    func begin(_ route: Route, role: RunRole, _ arm: SettingsInForce.Arm) {
        decision = route.decision
        mode = route.mode
        self.role = role
        self.arm = arm
    }

    /// A request that is sent a second time, because its connection was too old, stays the run that it was.
    func begin(_ tools: ToolOffer, _ route: Route) {
        guard toolRun == nil else { return }
        let isShadow = if case .shadow = mode { true } else { false }
        toolRun = tools.begin(
            requestID, role, mode, decision, epoch: route.epoch, trace, copies: route.copies && !isShadow, served: servedToolRun)
        toolsURL = tools.url
    }

    /// Unix nanoseconds, never before those that it gave before.
    var now: UInt64 { clock.now }

    func answered(_ answer: AnswerHead) {
        self.answer = Answer(
            status: Int(answer.status.code), contentType: answer.contentType, contentEncoding: answer.contentEncoding)
        firstByte = clock.now
        response = BodyCapture(limit: Self.isReadable(answer.contentType) ? responseLimit : 0)
    }

    /// The answer was the sidecar's own.
    func refused(_ status: HTTPResponseStatus) {
        if answer == nil { answer = Answer(status: Int(status.code)) }
    }

    var status: Int { answer?.status ?? 0 }

    /// Whether a body of this type may say what the agent did.
    private static func isReadable(_ contentType: String?) -> Bool {
        guard let contentType else { return false }
        return MediaType.isJSON(contentType) || MediaType.isEventStream(contentType)
    }

    // MARK: what is recorded

    var servedAnswer: Exchange.ServedAnswer? {
        guard let answer, failure == nil else { return nil }
        return Exchange.ServedAnswer(
            status: answer.status, contentType: answer.contentType, contentEncoding: answer.contentEncoding, body: response.chunks,
            isTruncated: response.isTruncated, latency: ended > received ? ended - received : 0,
            observedCalls: toolRun?.observedCalls ?? [])
    }

    func exchange(pairedWith served: Exchange.ServedAnswer?) -> Exchange {
        decision.fallback = fallback
        var exchange = Exchange(
            requestID: requestID, role: role, mode: mode, decision: decision, trace: trace,
            request: Exchange.Message(
                method: head.method.token, target: head.uri, scheme: "http", authority: head.host.first ?? "",
                httpVersion: head.versionText, contentType: head.contentType, userAgent: head.userAgent,
                contentEncoding: head.contentEncoding, body: request.chunks, bodyBytes: request.passed,
                isTruncated: request.isTruncated),
            client: Exchange.Endpoint(address: peer.address ?? "", port: peer.port),
            times: Exchange.Times(
                received: received, sent: sent == 0 ? nil : sent, firstByte: firstByte == 0 ? nil : firstByte, ended: ended))
        exchange.served = self.served
        if let toolRun {
            exchange.observedCalls = toolRun.observedCalls
            exchange.divergence = toolRun.divergence
        }
        if let arm {
            let upstream = arm.settings.upstream
            exchange.upstream = Exchange.Endpoint(address: upstream.host, port: upstream.port)
            exchange.upstreamBase = upstream.url
        }
        exchange.pairedWith = served
        if let failure { exchange.failure = Exchange.Failure(type: failure.type, message: failure.message) }
        if let answer {
            exchange.response = Exchange.Response(
                status: answer.status, contentType: answer.contentType, contentEncoding: answer.contentEncoding,
                body: response.chunks, bodyBytes: response.passed, isTruncated: response.isTruncated, isComplete: failure == nil)
        }
        return exchange
    }
}

/// The request's id, which the client may give.
enum RequestID {
    /// - Returns: nil where there is none that can be passed on as it is: 1 to 128 visible characters.
    static func of(_ head: RequestHead) -> String? {
        guard let id = head.requestID, (1...128).contains(id.utf8.count),
            id.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") })
        else { return nil }
        return id
    }
}
