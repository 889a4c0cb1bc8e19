internal import AgentRuns
internal import Delivery
internal import OTLP
internal import RunSpans
internal import Threads
internal import TraceReading

/// Decodes, maps and encodes blocks, in a thread of its own.
struct BackfillWorker<Encoder: SpanEncoder, Sink: SpanSink>: ~Copyable where Sink.Context == [RunMark] {
    private let plan: BackfillPlan
    private let shared: BackfillPipeline<Encoder, Sink>
    private let block: DecodedBlock
    private var mapper: RunSpanMapper<Encoder>
    /// Whose spans are in the encoder's batch; kept only if there is a state file.
    private var marks: [RunMark] = []
    private var built = 0

    init(_ shared: BackfillPipeline<Encoder, Sink>, _ plan: BackfillPlan, encoder: Encoder) {
        self.shared = shared
        self.plan = plan
        block = DecodedBlock(wantsChecksums: plan.stateFile != nil)
        mapper = RunSpanMapper(plan.mapping, writer: encoder)
    }

    /// Works until the queue is closed and empty.
    consuming func run(_ queue: BoundedQueue<ReadBlock>) {
        while true {
            // Spans do not wait in a half-filled batch for lines that may never come.
            var next = queue.popIfAny()
            if next == nil {
                flush(atLeast: 1)
                next = queue.pop()
            }
            guard let next else { break }
            process(next)
        }
        shared.add(built: built, losses: mapper.losses)
    }

    private mutating func process(_ read: ReadBlock) {
        block.decode(read)
        let admitted = shared.admit(block)
        // Held here, so that each run is lent from the array and not copied out of it.
        let runs = block.runs
        let lent = runs.span
        for run in admitted {
            if plan.keepsIDs { shared.keepIDs(of: lent[run.line], run.placement.identity) }
            if run.missing?.isEmpty == true { continue }
            plan.onRun?(lent[run.line], run.placement)
            let before = mapper.writer.batch.count
            mapper.write(lent[run.line], run.placement)
            let spans = mapper.writer.batch.count - before
            mark(run, spans, from: before)
            flush(atLeast: plan.batchSpans)
        }
    }

    /// Leaves out what was delivered before, and notes whose spans the rest are.
    private mutating func mark(_ run: AdmittedRun, _ count: Int, from start: Int) {
        guard plan.stateFile != nil else {
            built += count
            return
        }
        let wanted = run.missing ?? [0..<count]
        var delivered: [Range<Int>] = []
        var end = 0
        for range in wanted {
            if range.lowerBound > end { delivered.append(end..<range.lowerBound) }
            end = range.upperBound
        }
        if end < count { delivered.append(end..<count) }
        for range in delivered.reversed() {
            mapper.writer.batch.remove(start + range.lowerBound..<start + range.upperBound)
        }
        let source = block.source
        for range in wanted {
            built += range.count
            marks.append(
                RunMark(
                    file: Int32(source.input.number), index: Int32(source.lines.lines[run.line].index),
                    firstSpan: Int32(range.lowerBound), count: Int32(range.count), checksum: block.checksums[run.line],
                    isComplete: range.upperBound == count))
        }
    }

    /// Hands full batches to the sink; with `atLeast: 1`, what is left too.
    private mutating func flush(atLeast wanted: Int) {
        while true {
            // No copy of the batch may be alive when it is cut, or all of its bytes would be copied too.
            let (spans, bytes) = (mapper.writer.batch.count, mapper.writer.batch.byteCount)
            guard spans > 0, spans >= wanted || bytes >= plan.batchBytes else { return }
            let fitting = bytes > plan.batchBytes ? mapper.writer.batch.count(fitting: plan.batchBytes) : spans
            let count = min(spans, plan.batchSpans, fitting)
            let contexts = plan.stateFile == nil ? [] : marks.removeFirst(spans: count)
            shared.submit(mapper.writer.batch.removeFirst(count), contexts)
        }
    }
}
