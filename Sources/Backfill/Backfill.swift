internal import AgentRuns
public import Delivery
internal import Glibc
public import OTLP
internal import RunSpans
public import Threads
internal import TraceReading

/// A backfill: historical runs from files, as spans, to a sink.
///
/// One thread reads and cuts lines, `plan.workers` threads decode, map and encode, and the sink sends. Every step waits
/// for the next when that is slower, so memory is bounded whatever the size of the input.
public final class Backfill: Sendable {
    private let plan: BackfillPlan
    private let stop: StopFlag
    private let onNotice: @Sendable (String) -> Void
    private let ledger = SettlementLedger()
    private let readProgress = Monitor(ReadProgress())
    private let state: StateFile?
    private let rejects: RejectLog
    /// The ids of the spans that should be visible in the end, if the plan asks for them.
    public let ids: IDLog?
    private let started = ContinuousClock.now

    /// - Parameters:
    ///   - stop: once set, nothing more is read, and what was read is delivered.
    ///   - onNotice: gets, from any thread, what a person should know while it happens.
    /// - Throws: ``BackfillError`` when an input, the state file or the reject file cannot be used.
    public init(
        _ plan: BackfillPlan, stop: StopFlag, onNotice: @escaping @Sendable (String) -> Void
    ) throws(BackfillError) {
        self.plan = plan
        self.stop = stop
        self.onNotice = onNotice
        // Better to learn of a wrong name before the first span leaves than after an hour.
        for path in plan.inputs {
            do throws(InputError) { try InputFile.check(path) } catch { throw .configuration(error.description) }
        }
        rejects = try RejectLog(path: plan.rejectFile, onNotice: onNotice)
        state = plan.stateFile == nil ? nil : try StateFile(
            path: plan.stateFile ?? "",
            header: .init(
                target: plan.target, dataset: plan.mapping.dataset, role: plan.mapping.role.rawValue, rehash: plan.rehash))
        ids = plan.keepsIDs ? try IDLog() : nil
    }

    /// How many spans are delivered so far, and how far the reading is.
    public var progress: (spansAccepted: Int, fileBytes: Int) {
        (ledger.totals.accepted, readProgress.withLock { $0.totalFileBytes })
    }

    /// Called by the sink when spans are settled.
    public func settle(_ marks: [RunMark], _ range: Range<Int>, _ settlement: Settlement) {
        ledger.add(settlement)
        // A partial success is final too: sending the rest again would double what was taken.
        if let state, settlement.accepted > 0 { state.note(marks.stretches(of: range)) }
    }

    /// Reads, maps and sends all there is.
    ///
    /// - Parameters:
    ///   - sink: nil for a dry run. It must call ``settle(_:_:_:)``.
    ///   - makeEncoder: called in each worker's thread.
    /// - Throws: ``BackfillError`` of kind configuration, when what the plan says cannot be done with this input.
    public func run<Encoder: SpanEncoder, Sink: SpanSink>(
        into sink: Sink?, makeEncoder: @escaping @Sendable () -> Encoder
    ) throws -> BackfillReport where Sink.Context == [RunMark] {
        let pipeline = BackfillPipeline<Encoder, Sink>(
            intake: Intake(plan, rejects: rejects, state: state, now: currentTime(), onNotice: onNotice), sink: sink,
            ids: ids, onNotice: onNotice)
        let queue = BoundedQueue<ReadBlock>(capacity: plan.workers * 2)
        let running = Monitor(0)
        for _ in 0..<max(1, plan.workers) {
            running.withLock { $0 += 1 }
            let thread = try WorkerThread { [plan] in
                BackfillWorker(pipeline, plan, encoder: makeEncoder()).run(queue)
                running.withLock { $0 -= 1 }
            }
            thread.detach()
        }
        var reading = InputReading(
            plan, queue: queue, stop: stop, rejects: rejects, progress: readProgress, isClosed: { pipeline.isClosed },
            onNotice: onNotice)
        reading.readAll()
        queue.close()
        running.wait { $0 == 0 ? () : nil }
        sink?.finish()

        // Once spans have left, the account of them matters more than what was wrong with the command.
        if let failure = pipeline.failure.withLock({ $0 }), failure.kind == .configuration, pipeline.report().spans.built == 0 {
            throw failure
        }
        if let reason = sink?.haltReason { pipeline.close(reason) }
        if stop.isSet, !plan.follows { pipeline.close("stopped by a signal") }
        return finish(pipeline.report(inputEnded: reading.isAtEnd), reading.problems, sink?.traffic)
    }

    private func finish(_ report: BackfillReport, _ problems: [String], _ traffic: Traffic?) -> BackfillReport {
        var report = report
        let settled = ledger.totals
        report.spans.accepted = settled.accepted
        report.spans.rejected = settled.rejected
        report.spans.unsent = settled.unsent
        report.spans.reasons = settled.reasons
        report.inputProblems = problems
        if let problem = rejects.problem { report.inputProblems.append(problem) }
        if let problem = state?.finish() { report.inputProblems.append(problem) }
        report.bytesRead = readProgress.withLock { $0.totalTextBytes }
        if let traffic { report.traffic = traffic }
        report.hadNothingToDo = report.runs.selected == 0 && report.runs.alreadyDelivered > 0 && report.endedEarly == nil
        report.duration = ContinuousClock.now - started
        return report
    }
}

/// Unix nanoseconds.
private func currentTime() -> UInt64 {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
}
