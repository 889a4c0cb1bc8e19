internal import AgentRuns
internal import Digests
internal import RunSpans
internal import TraceReading

/// A run that is to be sent, with its place.
struct AdmittedRun {
    /// Which of the block's lines.
    var line: Int
    var placement: RunPlacement
    /// Which of its spans; nil for all, empty if it was delivered before.
    var missing: [Range<Int>]?
}

/// Decides about each line in the order of the input: its ids and time, and whether it is sent at all.
///
/// Lines are decoded in parallel, but how often an id came before, the limit, and what the first bad line ends depend on
/// the order; so the workers pass through here one after the other. Not safe for more than one thread at a time.
final class Intake {
    private let plan: BackfillPlan
    private let rejects: RejectLog
    private let state: StateFile?
    private let onNotice: @Sendable (String) -> Void

    private var occurrences = OccurrenceIndex()
    private var input: InputProgress?
    private var counts = BackfillReport()
    private var warnings: RunWarnings
    /// Set when nothing more is to be admitted.
    private(set) var isClosed = false

    /// What is known of the input that the current block comes from.
    private struct InputProgress {
        var slot: InputSlot
        var startTime: UInt64?
        var delivered: DeliveredSpans
    }

    init(
        _ plan: BackfillPlan, rejects: RejectLog, state: StateFile?, now: UInt64,
        onNotice: @escaping @Sendable (String) -> Void
    ) {
        self.plan = plan
        self.rejects = rejects
        self.state = state
        warnings = RunWarnings(now: now, reachesBackEnd: plan.reachesBackEnd)
        self.onNotice = onNotice
    }

    /// Admits the runs of the next block.
    ///
    /// - Throws: ``BackfillError`` when the backfill must end: what stands before is admitted, and the intake is closed.
    func admit(_ block: DecodedBlock, into admitted: inout [AdmittedRun]) throws(BackfillError) {
        guard !isClosed else { return }
        var seen = 0
        admitted.reserveCapacity(block.outcomes.count)
        do throws(BackfillError) {
            try enter(block.source.input)
            // Held here, so that each run is lent from the array and not copied out of it.
            let runs = block.runs
            let lent = runs.span
            for i in block.outcomes.indices {
                seen = i + 1
                switch block.outcomes[i] {
                case .rejected(let rejection):
                    try reject(rejection, block, i)
                case .run(let oddities):
                    warnings.count(oddities)
                    if let run = try admit(lent[i], block, i) { admitted.append(run) }
                }
            }
        } catch {
            // The lines up to the one that ended it.
            if seen > 0 {
                let lines = block.source.lines.lines[seen - 1].number - block.source.lines.firstLine + 1
                counts.lines.total += lines
                counts.lines.empty += lines - seen
            }
            isClosed = true
            counts.endedEarly = error.message
            throw error
        }
        counts.lines.total += block.source.lines.lineCount
        counts.lines.empty += block.source.lines.lineCount - block.outcomes.count
    }

    /// Closes the intake: the backfill was asked to stop, or cannot go on.
    func close(_ reason: String?) {
        isClosed = true
        if let reason { counts.endedEarly = counts.endedEarly ?? reason }
    }

    /// Whether all runs that were asked for have been admitted: what follows would only be counted.
    var reachedLimit: Bool {
        plan.limit.map { counts.runs.selected + counts.runs.alreadyDelivered >= $0 } ?? false
    }

    /// The current input was read to its end.
    func finish() throws(BackfillError) { try leaveInput() }

    // MARK: inputs

    private func enter(_ slot: InputSlot) throws(BackfillError) {
        guard input?.slot.number != slot.number else { return }
        try leaveInput()
        var known = slot.isReplacement ? nil : state?.known[slot.path]
        if slot.isReplacement { state?.noteReplaced(path: slot.path) }
        if plan.follows, let before = known, let identity = slot.identity, before.identity != identity {
            if before.identity != nil {
                onNotice(
                    "\(slot.path) is another file than when \(plan.stateFile ?? "") was written; reading it from its start. "
                        + "If the old one still exists, backfill the rest of it by its new name")
            }
            state?.noteReplaced(path: slot.path)
            known = nil
        }
        if plan.follows, let before = known, try isRewritten(slot.path, before) {
            onNotice("\(slot.path) no longer begins with what was delivered of it; reading it from its start as a new file")
            state?.noteReplaced(path: slot.path)
            known = nil
        }
        let startTime = plan.startTime ?? known?.startTime
        if let recorded = known?.startTime, let given = plan.startTime, recorded != given {
            throw .configuration(
                "\(slot.path) was begun with --start-time \(recorded) (in nanoseconds); "
                    + "another one would change spans under ids that were sent already")
        }
        state?.note(file: slot.number, path: slot.path, startTime: startTime, identity: slot.identity)
        input = InputProgress(slot: slot, startTime: startTime, delivered: DeliveredSpans(known?.delivered ?? []))
    }

    private func isRewritten(_ path: String, _ known: StateFile.FileState) throws(BackfillError) -> Bool {
        do throws(InputError) {
            return try !DeliveredSpans(known.delivered).match(try InputFile(path: path), maximumLine: plan.maximumLine)
        } catch {
            throw .runtime(error.description)
        }
    }

    private func leaveInput() throws(BackfillError) {
        defer { input = nil }
        if let input, !input.delivered.isConsistentAtEnd() { throw changed(input.slot.path) }
    }

    private func changed(_ path: String) -> BackfillError {
        .runtime(
            "\(path) is not the file that \(plan.stateFile ?? "the state file") knows: lines that were delivered have "
                + "changed or are gone. Name another --state to send it as a new file")
    }

    // MARK: lines

    private func reject(_ rejection: RejectedLine, _ block: DecodedBlock, _ i: Int) throws(BackfillError) {
        counts.lines.rejected[rejection.reason.rawValue, default: 0] += 1
        let line = block.source.lines.lines[i]
        rejects.add(rejection, path: block.source.input.path, line: line, text: block.text(i))
        if plan.isStrict { throw .runtime("ended at line \(line.number), the first bad one (--strict)") }
    }

    private func admit(
        _ run: borrowing AgentRun, _ block: DecodedBlock, _ i: Int
    ) throws(BackfillError) -> AdmittedRun? {
        let line = block.source.lines.lines[i]
        counts.runs.read += 1
        // What a run without an id is called: the digest of its line.
        let standIn = run.recordedID == nil ? lineName(block.text(i)) : nil
        let identity = try identify(run, standIn)
        let start: UInt64
        if let recorded = run.startTime { start = recorded } else { start = try syntheticTime(line) }
        let timeline = RunTimeline(of: run, start: start)
        // Asked for every run, whatever the filters say of it: it also compares the file with what was delivered.
        let missing = try missingSpans(run, block, i, line)

        if let since = plan.since, start < since { return filtered() }
        if let until = plan.until, start >= until { return filtered() }
        if let limit = plan.limit, counts.runs.selected + counts.runs.alreadyDelivered >= limit {
            counts.runs.beyondLimit += 1
            return nil
        }
        guard plan.sampler.keeps(identity.traceID) else {
            counts.runs.sampledOut += 1
            return nil
        }
        warnings.count(timeline)
        if counts.firstTraces.count < 5 {
            let id = standIn ?? name(of: run)
            counts.firstTraces.append((identity.traceID.hex, identity.runSpanID.hex, id.count > 200 ? id.prefix(200) + "…" : id))
        }
        if let missing {
            counts.spans.alreadyDelivered += RunShape.spanCount(of: run) - missing.reduce(0) { $0 + $1.count }
        }
        let isDelivered = missing?.isEmpty == true
        counts.runs.alreadyDelivered += isDelivered ? 1 : 0
        counts.runs.selected += isDelivered ? 0 : 1
        // What was delivered before is passed on only to be verified.
        if isDelivered, !plan.keepsIDs { return nil }
        return AdmittedRun(
            line: i,
            placement: RunPlacement(
                identity: identity, timeline: timeline, hasRecordedTime: run.startTime != nil,
                recordedID: standIn, line: line.number),
            missing: missing)
    }

    private func name(of run: borrowing AgentRun) -> String {
        guard let id = run.recordedID else { return "" }
        return run.string(id)
    }

    private func filtered() -> AdmittedRun? {
        counts.runs.filtered += 1
        return nil
    }

    /// - Returns: nil when none of the run's spans was delivered before.
    private func missingSpans(
        _ run: borrowing AgentRun, _ block: DecodedBlock, _ i: Int, _ line: LineBlock.Line
    ) throws(BackfillError) -> [Range<Int>]? {
        guard input?.delivered.isEmpty == false else { return nil }
        let count = RunShape.spanCount(of: run)
        guard let missing = input?.delivered.missing(at: line.index, of: count, crc: block.checksums[i]) else {
            throw changed(block.source.input.path)
        }
        return missing == [0..<count] ? nil : missing
    }

    // MARK: ids and times

    private func identify(_ run: borrowing AgentRun, _ standIn: String?) throws(BackfillError) -> RunIdentity {
        if let standIn {
            let id = Array(standIn.utf8)
            return try id.span.withUnsafeBytes { id throws(BackfillError) in try identify(id) }
        }
        guard let id = run.recordedID else { return try identify(UnsafeRawBufferPointer(start: nil, count: 0)) }
        return try run.storage.span.extracting(id.range).withUnsafeBytes { id throws(BackfillError) in try identify(id) }
    }

    private func identify(_ id: UnsafeRawBufferPointer) throws(BackfillError) -> RunIdentity {
        let isHex = id.count == 32 && id.allSatisfy { hexValue($0) != nil }
        guard isHex else {
            // What the id of its first occurrence is hashed to tells it from all others: no second hash is needed.
            let first = hashed(id, occurrence: 0)
            let occurrence = try occurrences.insert(Fingerprint(high: first.traceID.high, low: first.traceID.low))
            return occurrence == 0 ? first : hashed(id, occurrence: occurrence)
        }
        // The same W3C id in the other case is the same trace.
        let lowerCase = id.map { $0 >= 0x41 && $0 <= 0x46 ? $0 | 0x20 : $0 }
        let (high, low) = lowerCase.withUnsafeBytes { SHA256.prefix(of: $0) }
        let occurrence = try occurrences.insert(Fingerprint(high: high, low: low))
        if let recorded = TraceID(hex: id), occurrence == 0, plan.mapping.role == .baseline, !plan.rehash {
            return RunIdentity(recorded: recorded)
        }
        return hashed(id, occurrence: occurrence)
    }

    private func hashed(_ id: UnsafeRawBufferPointer, occurrence: Int) -> RunIdentity {
        RunIdentity(dataset: plan.mapping.dataset, recordedID: id, occurrence: occurrence, role: plan.mapping.role)
    }

    private func lineName(_ line: ArraySlice<UInt8>) -> String {
        var name = Array("line:".utf8)
        line.withUnsafeBytes { SHA256.appendHex(of: $0, to: &name) }
        return String(decoding: name, as: UTF8.self)
    }

    private func syntheticTime(_ line: LineBlock.Line) throws(BackfillError) -> UInt64 {
        let base: UInt64
        if let known = input?.startTime { base = known } else { base = try deriveStartTime(line) }
        let offset = UInt64(line.index).multipliedReportingOverflow(by: plan.stride)
        let time = base.addingReportingOverflow(offset.partialValue)
        guard !offset.overflow, !time.overflow, time.partialValue <= Timestamp.maximum else {
            throw .configuration(
                "line \(line.number) would start after the year 2261; choose an earlier --start-time or a shorter --stride")
        }
        return time.partialValue
    }

    private func deriveStartTime(_ line: LineBlock.Line) throws(BackfillError) -> UInt64 {
        guard let slot = input?.slot, slot.path != "-", slot.isRegular else {
            let name = input?.slot.path == "-" ? "standard input" : "\(input?.slot.path ?? ""), which is not a regular file,"
            throw .configuration(
                "line \(line.number) of \(name) has no start_time; --start-time says when the first line started")
        }
        let time: UInt64
        do throws(InputError) {
            time = try TimeBase.ofFile(slot.path, stride: plan.stride, maximumLine: plan.maximumLine)
        } catch {
            throw .runtime(error.description)
        }
        input?.startTime = time
        state?.note(file: slot.number, path: slot.path, startTime: time, identity: slot.identity)
        return time
    }

    /// What was decided so far.
    var report: BackfillReport {
        var report = counts
        for (name, count) in warnings.counts { report.warnings[name] = count }
        return report
    }
}
