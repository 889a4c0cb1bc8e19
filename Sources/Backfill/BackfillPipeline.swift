internal import AgentRuns
internal import Delivery
internal import OTLP
internal import RunSpans
internal import Threads
internal import TraceReading

/// What the threads of one backfill share: the turnstile through which blocks pass in order, the sink, and the counts.
final class BackfillPipeline<Encoder: SpanEncoder, Sink: SpanSink>: Sendable where Sink.Context == [RunMark] {
    /// The intake, and the block whose turn it is.
    private struct Turnstile {
        var next = 0
        var intake: Intake
    }

    private struct Built: Sendable {
        var spans = 0
        var losses = LimitLosses()
    }

    private let turnstile: Monitor<Turnstile>
    private let sink: Sink?
    private let ids: IDLog?
    private let built = Monitor(Built())
    private let onNotice: @Sendable (String) -> Void

    /// - Parameter sink: nil in a dry run.
    init(intake: sending Intake, sink: Sink?, ids: IDLog?, onNotice: @escaping @Sendable (String) -> Void) {
        turnstile = Monitor(Turnstile(intake: intake))
        self.sink = sink
        self.ids = ids
        self.onNotice = onNotice
    }

    /// Admits the block's runs when all blocks before it have passed.
    func admit(_ block: DecodedBlock) -> [AdmittedRun] {
        turnstile.wait { turnstile in
            guard turnstile.next == block.source.sequence else { return nil }
            turnstile.next += 1
            var admitted: [AdmittedRun] = []
            do throws(BackfillError) {
                try turnstile.intake.admit(block, into: &admitted)
            } catch {
                failure.withLock { $0 = $0 ?? error }
                onNotice(error.message)
            }
            return admitted
        }
    }

    /// What ended the backfill, if something did.
    let failure = Monitor<BackfillError?>(nil)

    /// Whether there is no use in reading on.
    var isClosed: Bool { sink?.haltReason != nil || turnstile.withLock { $0.intake.isClosed || $0.intake.reachedLimit } }

    func close(_ reason: String?) { turnstile.withLock { $0.intake.close(reason) } }

    func submit(_ batch: SpanBatch, _ marks: [RunMark]) { sink?.submit(batch, marks) }

    func keepIDs(of run: borrowing AgentRun, _ identity: RunIdentity) { ids?.append(run, identity) }

    func add(built count: Int, losses: LimitLosses) {
        built.withLock { built in
            built.spans += count
            built.losses.droppedAttributes += losses.droppedAttributes
            built.losses.truncatedValues += losses.truncatedValues
        }
    }

    /// The report so far; complete once all workers have ended.
    ///
    /// - Parameter inputEnded: the last input was read to its end, so what was delivered of it must have been seen.
    func report(inputEnded: Bool = false) -> BackfillReport {
        var report = turnstile.withLock { turnstile in
            if inputEnded, !turnstile.intake.isClosed {
                do throws(BackfillError) { try turnstile.intake.finish() } catch {
                    turnstile.intake.close(error.message)
                    onNotice(error.message)
                }
            }
            return turnstile.intake.report
        }
        let built = built.withLock { $0 }
        report.spans.built = built.spans
        if built.losses.droppedAttributes > 0 { report.warnings["attributes_dropped"] = built.losses.droppedAttributes }
        if built.losses.truncatedValues > 0 { report.warnings["values_truncated"] = built.losses.truncatedValues }
        return report
    }
}
