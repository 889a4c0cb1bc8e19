public import LiveRuns
internal import AgentRuns
public import OTLP
internal import Replay
public import RunSpans

/// Turns exchanges into spans and events: the run through the one mapping, an HTTP SERVER span around it and a CLIENT span
/// for the call of the agent within it.
///
/// The agent's own spans hang under the CLIENT span, whose id it was told. A shadow has no SERVER span: nobody waits for it,
/// and its trace is its own, linked to the served run.
///
/// Source: OpenTelemetry semantic conventions for HTTP spans and feature flags.
public struct LiveSpanWriter<Encoder: SpanEncoder, Events: EventEncoder>: ~Copyable {
    private var live: RunSpanMapper<Encoder>
    private var canaryBaseline: RunSpanMapper<Encoder>
    private var canaryCandidate: RunSpanMapper<Encoder>
    private var shadow: RunSpanMapper<Encoder>
    private var events: Events
    private let showsQueries: Bool

    /// Which release an arm is of.
    public typealias Release = RunMapping.Release

    /// - Parameter mapping: what all runs share; mode, role and release are set here.
    public init(_ mapping: RunMapping, baseline: Release?, candidate: Release?, encoder: Encoder, events: Events) {
        func mapper(_ mode: RunMode, _ role: RunRole) -> RunSpanMapper<Encoder> {
            var mapping = mapping
            mapping.mode = mode
            mapping.role = role
            mapping.release = role == .baseline ? baseline : candidate
            return RunSpanMapper(mapping, writer: encoder.copy())
        }
        live = mapper(.live, .baseline)
        canaryBaseline = mapper(.canary, .baseline)
        canaryCandidate = mapper(.canary, .candidate)
        shadow = mapper(.shadow, .candidate)
        self.events = events
        showsQueries = mapping.capture == .full
    }

    /// What was read of the agent's answer.
    public struct Outcome: Sendable {
        public var shape: LiveRun.Shape
        public var problem: String?
    }

    @discardableResult
    public mutating func write(_ exchange: Exchange) -> Outcome {
        let read = LiveRun(exchange)
        switch (exchange.mode, exchange.role) {
        case (.shadow, _): Self.write(exchange, read, showsQueries, to: &shadow)
        case (.canary, .baseline): Self.write(exchange, read, showsQueries, to: &canaryBaseline)
        case (.canary, .candidate): Self.write(exchange, read, showsQueries, to: &canaryCandidate)
        default: Self.write(exchange, read, showsQueries, to: &live)
        }
        if exchange.mode == .shadow {
            writeComparison(exchange, read)
        } else {
            events.encode(decision(exchange))
        }
        return Outcome(shape: read.shape, problem: read.problem)
    }

    /// Takes the spans that were written since the last time.
    public mutating func takeSpans() -> SpanBatch {
        var batch = live.writer.takeBatch()
        batch.append(canaryBaseline.writer.takeBatch())
        batch.append(canaryCandidate.writer.takeBatch())
        batch.append(shadow.writer.takeBatch())
        return batch
    }

    /// Takes the events that were written since the last time.
    public mutating func takeEvents() -> SpanBatch {
        defer { events.batch = SpanBatch() }
        return events.batch
    }

    // MARK: spans

    private static func write(_ exchange: Exchange, _ read: LiveRun, _ showsQueries: Bool, to mapper: inout RunSpanMapper<Encoder>) {
        let trace = exchange.trace
        let flags = UInt32(trace.flags)
        let isServed = exchange.mode != .shadow
        let end = max(exchange.times.ended, exchange.times.received + 1)
        let failure = failure(of: exchange)
        if isServed {
            var head = SpanHead(
                traceID: trace.traceID, spanID: trace.serverSpanID, parent: trace.parentSpanID, name: SpanName(method: exchange.request.method),
                start: exchange.times.received, end: end, flags: flags | (trace.parentSpanID == nil ? 0x100 : 0x300))
            head.kind = .server
            head.traceState = trace.traceState
            mapper.write(head, serverAttributes(exchange, showsQueries), failure: failure)
        }
        var placement = RunPlacement(
            identity: RunIdentity(live: trace.traceID, runSpanID: trace.runSpanID, flags: flags | 0x100),
            timeline: RunTimeline(of: read.run, start: exchange.times.sent ?? exchange.times.received), hasRecordedTime: true,
            recordedID: exchange.requestID, line: 0)
        placement.parent = isServed ? trace.serverSpanID : nil
        placement.link = exchange.served
        placement.failure = failure
        placement.more = runAttributes(exchange, read)
        mapper.write(read.run, placement)
        guard let sent = exchange.times.sent else { return }
        var head = SpanHead(
            traceID: trace.traceID, spanID: trace.clientSpanID, parent: trace.runSpanID, name: SpanName(method: exchange.request.method),
            start: sent, end: max(end, sent), flags: flags | 0x100)
        head.kind = .client
        head.traceState = trace.traceState
        // For whoever asks, a 4xx is an error too; the one who answers may be right to give it.
        let clientFailure = failure ?? exchange.response.flatMap { $0.status >= 400 ? .init(type: String($0.status), message: "") : nil }
        mapper.write(head, clientAttributes(exchange, showsQueries), failure: clientFailure)
    }

    private static func failure(of exchange: Exchange) -> RunPlacement.Failure? {
        if let failure = exchange.failure { return .init(type: failure.type, message: failure.message) }
        guard let status = exchange.response?.status, status >= 500 else { return nil }
        return .init(type: String(status), message: "")
    }

    private static func runAttributes(_ exchange: Exchange, _ read: LiveRun) -> [Attribute] {
        let decision = exchange.decision
        var attributes = [
            Attribute("outrigger.rollout.id", .text(decision.rolloutID)),
            Attribute("outrigger.rollout.revision", .integer(Int64(decision.revision))),
            Attribute("outrigger.rollout.weight", .double(decision.weight)),
            Attribute("outrigger.answer.shape", .text(read.shape.rawValue)),
        ]
        if let stage = decision.stage { attributes.append(Attribute("outrigger.rollout.stage", .text(stage))) }
        if let bucket = decision.bucket { attributes.append(Attribute("outrigger.rollout.bucket", .double(bucket))) }
        if let fallback = decision.fallback { attributes.append(Attribute("outrigger.rollout.fallback", .text(fallback))) }
        if let problem = read.problem { attributes.append(Attribute("outrigger.answer.problem", .text(problem))) }
        if exchange.request.isTruncated || exchange.response?.isTruncated ?? false {
            attributes.append(Attribute("outrigger.capture.truncated", .bool(true)))
        }
        return attributes
    }

    private static func serverAttributes(_ exchange: Exchange, _ showsQueries: Bool) -> [Attribute] {
        let request = exchange.request
        let (path, query) = request.pathAndQuery
        var attributes = [
            Attribute("http.request.method", .text(request.conventionalMethod)), Attribute("url.path", .text(path)),
            Attribute("url.scheme", .text(request.scheme)), Attribute("network.protocol.version", .text(request.httpVersion)),
            Attribute("client.address", .text(exchange.client.address)), Attribute("outrigger.request.id", .text(exchange.requestID)),
        ]
        if request.conventionalMethod == "_OTHER" { attributes.append(Attribute("http.request.method_original", .text(request.method))) }
        if showsQueries, let query { attributes.append(Attribute("url.query", .text(QueryRedaction.redacted(query)))) }
        let (host, port) = request.hostAndPort
        if !host.isEmpty { attributes.append(Attribute("server.address", .text(host))) }
        if let port { attributes.append(Attribute("server.port", .integer(Int64(port)))) }
        if let agent = request.userAgent { attributes.append(Attribute("user_agent.original", .text(agent))) }
        if let status = exchange.response?.status { attributes.append(Attribute("http.response.status_code", .integer(Int64(status)))) }
        attributes.append(Attribute("http.request.body.size", .integer(Int64(request.bodyBytes))))
        if let response = exchange.response { attributes.append(Attribute("http.response.body.size", .integer(Int64(response.bodyBytes)))) }
        return attributes
    }

    private static func clientAttributes(_ exchange: Exchange, _ showsQueries: Bool) -> [Attribute] {
        let request = exchange.request
        let (path, query) = request.pathAndQuery
        var attributes = [Attribute("http.request.method", .text(request.conventionalMethod))]
        if let upstream = exchange.upstream {
            let shownQuery = showsQueries ? query.map { "?" + QueryRedaction.redacted($0) } ?? "" : ""
            attributes += [
                Attribute("server.address", .text(upstream.address)), Attribute("server.port", .integer(Int64(upstream.port))),
                Attribute("url.full", .text("\(request.scheme)://\(upstream.address):\(upstream.port)\(path)\(shownQuery)")),
            ]
        }
        if let status = exchange.response?.status, exchange.failure == nil {
            attributes.append(Attribute("http.response.status_code", .integer(Int64(status))))
        }
        if let first = exchange.times.firstByte, let sent = exchange.times.sent, first >= sent {
            attributes.append(Attribute("outrigger.http.time_to_first_byte_ms", .double(Double(first - sent) / 1e6)))
        }
        return attributes
    }

    // MARK: events

    private func decision(_ exchange: Exchange) -> LogEvent {
        let trace = exchange.trace
        var event = LogEvent(
            "feature_flag.evaluation", traceID: trace.traceID, spanID: trace.runSpanID, flags: UInt32(trace.flags),
            time: exchange.times.received)
        event.add("feature_flag.key", exchange.decision.flagKey)
        event.add("feature_flag.result.variant", exchange.role.rawValue)
        event.add("feature_flag.result.reason", exchange.decision.reason.rawValue)
        event.add("feature_flag.provider.name", "outrigger")
        event.add("feature_flag.context.id", exchange.decision.stickyKey)
        event.add("feature_flag.set.id", exchange.decision.rolloutID)
        event.add("feature_flag.version", String(exchange.decision.revision))
        event.add("outrigger.rollout.fallback", exchange.decision.fallback)
        return event
    }

    /// Whether the candidate did what the baseline did with the same request.
    private mutating func writeComparison(_ exchange: Exchange, _ read: LiveRun) {
        guard let served = exchange.pairedWith, exchange.failure == nil, let response = exchange.response else { return }
        let baseline = LiveRun(answer: served)
        let time = exchange.times.ended
        func event(_ name: String, _ passed: Bool, _ explanation: String? = nil) -> EvaluationEvent {
            EvaluationEvent(
                traceID: exchange.trace.traceID, spanID: exchange.trace.runSpanID, flags: UInt32(exchange.trace.flags), time: time,
                name: name, score: passed ? 1 : 0, label: passed ? "pass" : "fail", explanation: explanation)
        }
        events.encode(event("status_match", served.status == response.status, "\(served.status), \(response.status)"))
        guard read.shape != .unknown, baseline.shape != .unknown, read.problem == nil, baseline.problem == nil else { return }
        let changes = ToolCallDiff.changes(from: baseline.run, to: read.run)
        let kinds = Set(changes.map(\.kind.rawValue)).sorted().joined(separator: ", ")
        events.encode(event("tool_calls_match", changes.isEmpty, kinds.isEmpty ? nil : kinds))
        if let a = baseline.run.outcome, let b = read.run.outcome {
            events.encode(event("outcome_match", baseline.run.string(a) == read.run.string(b)))
        }
        if let a = baseline.run.response, let b = read.run.response {
            events.encode(event("response_match", baseline.run.string(a.text) == read.run.string(b.text)))
        }
    }
}

extension SpanEncoder {
    fileprivate mutating func takeBatch() -> SpanBatch {
        defer { batch = SpanBatch() }
        return batch
    }
}
