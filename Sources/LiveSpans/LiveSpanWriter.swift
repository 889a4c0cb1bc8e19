public import LiveRuns
internal import AgentRuns
public import OTLP
public import RunSpans

/// Turns exchanges into spans and events: the run through the one mapping, an HTTP SERVER span around it and a CLIENT span
/// for the call of the agent within it.
///
/// SERVER is the parent of `agent.run`, and `agent.run` of CLIENT: the run is what the caller asked for, and the call of the
/// agent is how it was done. The agent's own spans hang under the CLIENT span, whose id it was told. A shadow has no SERVER
/// span: nobody waits for it, and its trace is its own, linked to the served run. A request that was refused before an arm
/// was chosen has a SERVER span only.
///
/// Source: OpenTelemetry semantic conventions for HTTP spans and feature flags.
public struct LiveSpanWriter<Encoder: SpanEncoder, Events: EventEncoder>: ~Copyable {
    private var live: RunSpanMapper<Encoder>
    private var liveCandidate: RunSpanMapper<Encoder>
    private var canaryBaseline: RunSpanMapper<Encoder>
    private var canaryCandidate: RunSpanMapper<Encoder>
    private var shadow: RunSpanMapper<Encoder>
    private var events: Events
    private var reader = LiveRunReader()
    private let attributes: LiveSpanAttributes

    /// Which release an arm is of.
    public typealias Release = RunMapping.Release

    /// - Parameter mapping: what all runs share; mode, role and release are set here.
    public init(_ mapping: RunMapping, baseline: Release?, candidate: Release?, encoder: Encoder, events: Events) {
        // They write one span after the other, so what an encoder keeps for the next span they may share: it stays nearer.
        let encoder = encoder.copy()
        func mapper(_ mode: RunMode, _ role: RunRole) -> RunSpanMapper<Encoder> {
            var mapping = mapping
            mapping.mode = mode
            mapping.role = role
            mapping.release = role == .baseline ? baseline : candidate
            return RunSpanMapper(mapping, writer: encoder)
        }
        live = mapper(.live, .baseline)
        liveCandidate = mapper(.live, .candidate)
        canaryBaseline = mapper(.canary, .baseline)
        canaryCandidate = mapper(.canary, .candidate)
        shadow = mapper(.shadow, .candidate)
        self.events = events
        attributes = LiveSpanAttributes(redactor: mapping.capture == .full ? TextRedactor(mapping.redaction) : nil)
    }

    /// What was read of the agent's answer.
    public struct Outcome: Sendable {
        public var shape: LiveRun.Shape
        public var problem: String?
        /// Of a shadow: what was compared, such as `tool_calls_match`, and what came of it, such as `pass`.
        public var comparisons: [Comparison] = []
    }

    /// One thing that was compared, and what came of it.
    public typealias Comparison = ShadowComparison.Result

    /// Reads what an exchange tells of its run.
    public mutating func read(_ exchange: Exchange) -> LiveRun { reader.read(exchange) }

    /// The same in the memory of another run, which is forgotten.
    public mutating func read(_ exchange: Exchange, into run: inout LiveRun) { reader.read(exchange, into: &run) }

    /// - Parameter reason: why it is exported.
    @discardableResult
    public mutating func write(_ exchange: Exchange, because reason: LiveSampling.Reason = .sampled) -> Outcome {
        write(exchange, read(exchange), because: reason)
    }

    /// - Parameters:
    ///   - read: what ``read(_:)`` made of it.
    ///   - reason: why it is exported.
    @discardableResult
    public mutating func write(_ exchange: Exchange, _ read: LiveRun, because reason: LiveSampling.Reason) -> Outcome {
        let times = exchange.times.inOrder
        switch (exchange.mode, exchange.role) {
        case (.shadow, _): Self.write(exchange, times, read, reason, attributes, to: &shadow)
        case (.canary, .baseline): Self.write(exchange, times, read, reason, attributes, to: &canaryBaseline)
        case (.canary, .candidate): Self.write(exchange, times, read, reason, attributes, to: &canaryCandidate)
        case (_, .baseline): Self.write(exchange, times, read, reason, attributes, to: &live)
        case (_, .candidate): Self.write(exchange, times, read, reason, attributes, to: &liveCandidate)
        }
        var outcome = Outcome(shape: read.shape, problem: read.problem)
        if exchange.mode != .shadow {
            if let event = exchange.evaluationEvent { events.encode(event) }
        } else if let served = exchange.pairedWith {
            var exchange = exchange
            exchange.times = times
            outcome.comparisons = ShadowComparison(exchange, read, served, reader.read(served)).write(to: &events)
        }
        return outcome
    }

    /// Bytes of what was written and not taken yet.
    public var pendingBytes: Int {
        live.writer.batch.byteCount + liveCandidate.writer.batch.byteCount + canaryBaseline.writer.batch.byteCount
            + canaryCandidate.writer.batch.byteCount + shadow.writer.batch.byteCount + events.batch.byteCount
    }

    /// Attributes that the limits have cost so far.
    public var droppedAttributes: Int {
        live.losses.droppedAttributes + liveCandidate.losses.droppedAttributes + canaryBaseline.losses.droppedAttributes
            + canaryCandidate.losses.droppedAttributes + shadow.losses.droppedAttributes
    }

    /// Takes the spans that were written since the last time.
    public mutating func takeSpans() -> SpanBatch {
        var batch = live.writer.takeBatch()
        batch.append(liveCandidate.writer.takeBatch())
        batch.append(canaryBaseline.writer.takeBatch())
        batch.append(canaryCandidate.writer.takeBatch())
        batch.append(shadow.writer.takeBatch())
        return batch
    }

    /// Takes the events that were written since the last time.
    public mutating func takeEvents() -> SpanBatch {
        events.batch.removeAll()
    }

    // MARK: spans

    /// - Parameter times: the exchange's, in order.
    private static func write(
        _ exchange: Exchange, _ times: Exchange.Times, _ read: LiveRun, _ reason: LiveSampling.Reason, _ attributes: LiveSpanAttributes,
        to mapper: inout RunSpanMapper<Encoder>
    ) {
        let line = RequestLine(exchange.request, attributes.redactor)
        let isServed = exchange.mode != .shadow
        if isServed {
            let parent = exchange.trace.parentSpanID
            mapper.begin(
                head(
                    .server, line.name, exchange.trace, exchange.trace.serverSpanID, parent: parent, times.received, times.ended,
                    parent == nil ? 0x100 : 0x300))
            attributes.writeServer(exchange, line, to: &mapper)
            mapper.end(failure: exchange.serverFailure)
            guard exchange.hasRun else { return }
        }
        var placement = RunPlacement(
            identity: RunIdentity(
                live: exchange.trace.traceID, runSpanID: exchange.trace.runSpanID, flags: UInt32(exchange.trace.flags) | 0x100,
                traceState: exchange.trace.traceState),
            timeline: RunTimeline(measured: read.run, from: times.begun, to: times.ended), hasRecordedTime: true,
            recordedID: exchange.requestID, line: 0)
        placement.parent = isServed ? exchange.trace.serverSpanID : nil
        placement.link = exchange.served
        placement.failure = exchange.wireFailure ?? read.failure.map { .init(type: $0.type, message: attributes.shown($0.message)) }
        placement.more = attributes.run(exchange, read, reason)
        mapper.write(read.run, placement)
        guard let start = exchange.callStart(times) else { return }
        mapper.begin(
            head(
                .client, line.name, exchange.trace, exchange.trace.clientSpanID, parent: exchange.trace.runSpanID, start, times.ended,
                0x100))
        attributes.writeClient(exchange, times, line, to: &mapper)
        mapper.end(failure: exchange.clientFailure)
    }

    /// - Parameter flags: OTLP's bits 8 and 9, about the parent.
    private static func head(
        _ kind: SpanKind, _ name: SpanName, _ trace: Exchange.TraceContext, _ id: SpanID, parent: SpanID?, _ start: UInt64,
        _ end: UInt64, _ flags: UInt32
    ) -> SpanHead {
        var head = SpanHead(
            traceID: trace.traceID, spanID: id, parent: parent, name: name, start: start, end: end, flags: UInt32(trace.flags) | flags)
        head.kind = kind
        head.traceState = trace.traceState
        return head
    }
}

extension SpanEncoder {
    fileprivate mutating func takeBatch() -> SpanBatch { batch.removeAll() }
}

extension Exchange {
    /// Why it failed by what was seen on the wire.
    fileprivate var wireFailure: RunPlacement.Failure? {
        if let failure { return .init(type: failure.type, message: failure.message) }
        guard let status = response?.status, status >= 500 else { return nil }
        return .init(type: String(status), message: "")
    }

    /// A 4xx is no error of the server's, be it the agent's or the sidecar's own.
    fileprivate var serverFailure: RunPlacement.Failure? { isRefusedRequest ? nil : wireFailure }

    /// For whoever asks, a 4xx is an error too.
    fileprivate var clientFailure: RunPlacement.Failure? {
        wireFailure ?? response.flatMap { $0.status >= 400 ? .init(type: String($0.status), message: "") : nil }
    }

    /// When the agent was called: an agent that could not be connected to was called, though nothing was sent.
    ///
    /// - Parameter times: its own, in order.
    fileprivate func callStart(_ times: Times) -> UInt64? {
        times.sent ?? (upstream != nil && failure?.type.hasPrefix("connect") ?? false ? times.received : nil)
    }

    /// The decision which arm answers; nil where the request was refused before there was one.
    fileprivate var evaluationEvent: LogEvent? {
        guard !decision.flagKey.isEmpty else { return nil }
        var event = LogEvent(
            "feature_flag.evaluation", traceID: trace.traceID, spanID: hasRun ? trace.runSpanID : trace.serverSpanID,
            flags: UInt32(trace.flags), time: times.received)
        event.attributes.reserveCapacity(9)
        event.add("feature_flag.key", decision.flagKey)
        // The flag said candidate although the baseline had to answer.
        event.add("feature_flag.result.variant", decision.fallback == nil ? role.rawValue : RunRole.candidate.rawValue)
        event.add("feature_flag.result.reason", decision.reason.rawValue)
        event.add("feature_flag.provider.name", "outrigger")
        event.add("feature_flag.context.id", decision.stickyKey)
        event.add("feature_flag.set.id", decision.rolloutID.isEmpty ? nil : decision.rolloutID)
        event.add("feature_flag.version", String(decision.revision))
        if decision.reason == .error { event.add("error.type", "general") }
        event.add("outrigger.rollout.fallback", decision.fallback)
        return event
    }
}
