public import AgentRuns
public import Delivery
public import OTLP
public import Replay
public import RunSpans
public import Threads

/// Exports the runs of a replay: both arms through the one mapping, linked to each other, with what was found about them
/// as `gen_ai.evaluation.result` events.
///
/// It stands beside the replay: what cannot be exported is counted and never stops the verdict.
public final class ReplayExporter<Encoder: SpanEncoder, Events: EventEncoder> {
    private var baseline: RunSpanMapper<Encoder>
    private var candidate: RunSpanMapper<Encoder>
    private var events: Events
    private let evaluations: EvaluationWriter
    private let spans: HTTPExporter<Signal>
    private let logs: HTTPExporter<Signal>
    private let identities: ReplayIdentities
    private let capturesContent: Bool
    private let batchSpans: Int
    /// Unix nanoseconds for runs that say nothing of when they were.
    private let fallbackTime: UInt64
    private var account: ReplayReport.ExportAccount
    private let accepted: Monitor<SettledCounts>

    /// Which signal a batch is of.
    private enum Signal: Sendable { case spans, events }

    private struct SettledCounts: Sendable {
        var spans = Settlement()
        var events = Settlement()
    }

    /// - Parameters:
    ///   - mapping: what both arms share; role and release are set here.
    ///   - logsEndpoint: the whole URL for the events; spans go to the configuration's own.
    ///   - fallbackTime: Unix nanoseconds for runs that say nothing of when they were.
    ///   - stop: once set, nothing is tried again.
    /// - Throws: `ThreadError` when the system has no more threads to give.
    public init(
        _ mapping: RunMapping, replayID: String, baseline: RunMapping.Release, candidate: RunMapping.Release, identities: ReplayIdentities,
        encoder: Encoder, events: Events, configuration: ExportConfiguration, logsEndpoint: String, batchSpans: Int,
        fallbackTime: UInt64, stop: StopFlag
    ) throws {
        var mapping = mapping
        mapping.mode = .replay
        mapping.replayID = replayID
        mapping.dataset = identities.dataset(repetition: 0)
        mapping.role = .baseline
        mapping.release = baseline
        self.baseline = RunSpanMapper(mapping, writer: encoder.copy())
        mapping.role = .candidate
        mapping.release = candidate
        self.candidate = RunSpanMapper(mapping, writer: encoder.copy())
        self.events = events
        self.identities = identities
        self.batchSpans = batchSpans
        self.fallbackTime = fallbackTime
        capturesContent = mapping.capture == .full
        evaluations = EvaluationWriter(explains: capturesContent)
        account = ReplayReport.ExportAccount(target: configuration.displayName)
        let counts = Monitor(SettledCounts())
        accepted = counts
        let settle: @Sendable (Signal, Range<Int>, Settlement) -> Void = { signal, _, settlement in
            counts.withLock { counts in
                switch signal {
                case .spans: counts.spans.add(settlement)
                case .events: counts.events.add(settlement)
                }
            }
        }
        // What happens on the way is nobody's concern here; what came of it stands in the account.
        spans = try HTTPExporter(configuration, form: encoder.form, stop: stop, onSettled: settle, onNotice: { _ in })
        var logConfiguration = configuration
        logConfiguration.endpoint = logsEndpoint
        logConfiguration.connections = 1
        logs = try HTTPExporter(logConfiguration, form: events.form, stop: stop, onSettled: settle, onNotice: { _ in })
    }

    /// Exports both runs of a pair.
    ///
    /// - Returns: the ids under which they are exported.
    public func export(
        _ place: PairPlace, trace: borrowing AgentRun, baseline: borrowing ArmRun, candidate: borrowing ArmRun,
        verdict: borrowing PairVerdict
    ) -> ArmIDs {
        let first = identities.identity(of: trace, place, .baseline)
        let second = identities.identity(of: trace, place, .candidate)
        // Runs that are not there have no spans; what is said of them stands in the report.
        let hasBaseline = baseline.problem?.kind != .noRun
        let hasCandidate = candidate.problem?.kind != .noRun
        var baselinePlace = placement(place, trace, baseline, first)
        var candidatePlace = placement(place, trace, candidate, second)
        if hasBaseline, hasCandidate {
            candidatePlace.link = SpanLink(
                traceID: first.traceID, spanID: first.runSpanID, flags: first.flags, type: RunRole.baseline.rawValue)
            baselinePlace.link = SpanLink(
                traceID: second.traceID, spanID: second.runSpanID, flags: second.flags, type: RunRole.candidate.rawValue)
        }
        if hasBaseline {
            self.baseline.write(baseline.run, baselinePlace)
            evaluations.write(verdict.baseline, trace, baseline.run, first, baselinePlace.timeline.end, to: &events)
        }
        if hasCandidate {
            self.candidate.write(candidate.run, candidatePlace)
            evaluations.write(verdict.candidate, trace, candidate.run, second, candidatePlace.timeline.end, to: &events)
            evaluations.write(verdict.toolChanges, baseline, candidate, second, candidatePlace.timeline.end, to: &events)
        }
        flush(atLeast: batchSpans)
        return ArmIDs(baseline: (first.traceID, first.runSpanID), candidate: (second.traceID, second.runSpanID))
    }

    /// Sends what is left, waits for the answers, and gives the account.
    public func finish() -> ReplayReport.ExportAccount {
        flush(atLeast: 1)
        spans.finish()
        logs.finish()
        let settled = accepted.withLock { $0 }
        account.spansAccepted = settled.spans.accepted
        account.spansRejected = settled.spans.rejected
        account.spansUnsent = settled.spans.unsent
        account.eventsAccepted = settled.events.accepted
        account.eventsRejected = settled.events.rejected
        account.eventsUnsent = settled.events.unsent
        account.problem = spans.haltReason ?? logs.haltReason ?? settled.spans.reason ?? settled.events.reason
        return account
    }

    private func placement(
        _ place: PairPlace, _ trace: borrowing AgentRun, _ arm: borrowing ArmRun, _ identity: RunIdentity
    ) -> RunPlacement {
        let recorded = arm.startTime ?? arm.run.startTime ?? trace.startTime
        var placement = RunPlacement(
            identity: identity, timeline: RunTimeline(of: arm.run, start: recorded ?? fallbackTime),
            hasRecordedTime: recorded != nil, recordedID: trace.recordedID.map { trace.string($0) } ?? "line:\(place.line)",
            line: place.line)
        if let problem = arm.problem {
            placement.failure = .init(type: problem.kind.rawValue, message: capturesContent ? problem.detail : "")
        }
        return placement
    }

    /// Hands full batches to the exporters; with `atLeast: 1`, what is left too.
    private func flush(atLeast wanted: Int) {
        while baseline.writer.batch.count >= wanted { submit(baseline.writer.batch.takeFirst(batchSpans), to: spans, .spans) }
        while candidate.writer.batch.count >= wanted { submit(candidate.writer.batch.takeFirst(batchSpans), to: spans, .spans) }
        while events.batch.count >= wanted { submit(events.batch.takeFirst(batchSpans), to: logs, .events) }
    }

    private func submit(_ batch: SpanBatch, to exporter: HTTPExporter<Signal>, _ signal: Signal) {
        switch signal {
        case .spans: account.spansBuilt += batch.count
        case .events: account.eventsBuilt += batch.count
        }
        exporter.submit(batch, signal)
    }
}

extension SpanBatch {
    fileprivate mutating func takeFirst(_ limit: Int) -> SpanBatch { removeFirst(min(limit, count)) }
}

extension Settlement {
    fileprivate mutating func add(_ other: Settlement) {
        accepted += other.accepted
        rejected += other.rejected
        unsent += other.unsent
        reason = reason ?? other.reason
    }
}
