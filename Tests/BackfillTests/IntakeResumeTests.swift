import AgentRuns
import RunSpans
import Testing
import TraceReading

@testable import Backfill

/// A second backfill with the same state file: what was delivered is known, whatever part of it is asked for.
@Suite struct IntakeResumeTests {
    private let folder: TemporaryFolder
    private let input: String

    init() throws {
        folder = try TemporaryFolder()
        // Ten runs, one a second.
        input = try folder.file(
            "runs.jsonl", (0..<10).map { #"{"trace_id":"t\#($0)","start_time":\#(1_700_000_000 + $0)}"# + "\n" }.joined())
    }

    private func plan() -> BackfillPlan {
        var plan = BackfillPlan(inputs: [input], mapping: RunMapping(mode: .backfill))
        plan.stateFile = folder.path("state")
        return plan
    }

    private func state() throws -> StateFile {
        try StateFile(
            path: folder.path("state"), header: .init(target: "t", dataset: "default", role: "baseline", rehash: false))
    }

    /// Passes the file through an intake.
    private func admit(_ plan: BackfillPlan, _ state: StateFile) throws -> (admitted: Int, report: BackfillReport, block: DecodedBlock) {
        var reader = LineReader(try InputFile(path: input), blockSize: 1 << 16, maximumLine: 1 << 16)
        var lines = LineBlock()
        guard case .lines = try reader.next(into: &lines) else { throw InputError(path: input, problem: "no lines") }
        let block = DecodedBlock(wantsChecksums: true)
        block.decode(ReadBlock(sequence: 0, input: InputSlot(number: 0, path: input), lines: lines))
        let intake = Intake(plan, rejects: try RejectLog(path: nil) { _ in }, state: state, now: 0) { _ in }
        var admitted: [AdmittedRun] = []
        try intake.admit(block, into: &admitted)
        try intake.finish()
        return (admitted.count, intake.report, block)
    }

    /// Delivers all, as a first backfill does.
    private func deliverAll() throws {
        let state = try state()
        let first = try admit(plan(), state)
        #expect(first.admitted == 10)
        let marks = (0..<10).map { run in
            let count = RunShape.spanCount(of: first.block.runs[run])
            return RunMark(
                file: 0, index: Int32(run), firstSpan: 0, count: Int32(count), checksum: first.block.checksums[run],
                isComplete: true)
        }
        state.note(marks.stretches(of: 0..<marks.reduce(0) { $0 + Int($1.count) }))
        #expect(state.finish() == nil)
    }

    @Test func nothingIsLeftToDo() throws {
        try deliverAll()
        let again = try admit(plan(), try state())
        #expect(again.admitted == 0)
        #expect(again.report.runs.alreadyDelivered == 10)
    }

    @Test func aFilterOnTimeDoesNotMakeItAnotherFile() throws {
        try deliverAll()
        var narrow = plan()
        narrow.since = 1_700_000_003_000_000_000
        narrow.until = 1_700_000_007_000_000_000
        let again = try admit(narrow, try state())
        #expect(again.report.runs.filtered == 6)
        #expect(again.report.runs.alreadyDelivered == 4)
    }

    @Test func aLimitDoesNotMakeItAnotherFile() throws {
        try deliverAll()
        var narrow = plan()
        narrow.limit = 4
        let again = try admit(narrow, try state())
        #expect(again.report.runs.beyondLimit == 6)
        #expect(again.report.runs.alreadyDelivered == 4)
    }

    @Test func aSamplerDoesNotMakeItAnotherFile() throws {
        try deliverAll()
        var narrow = plan()
        narrow.sampler = .alwaysOff
        let again = try admit(narrow, try state())
        #expect(again.report.runs.sampledOut == 10)
    }

    @Test func aChangedLineIsToldApart() throws {
        try deliverAll()
        _ = try folder.file("runs.jsonl", try folder.text("runs.jsonl").replacing("t3", with: "T3"))
        let error = #expect(throws: BackfillError.self) { try admit(plan(), try state()) }
        #expect(error?.message.contains("is not the file") == true)
    }
}
