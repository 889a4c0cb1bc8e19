import AgentRuns
@testable import Replay
@testable import Reports
import RunSpans
import Testing

@Suite("Traces that passed, written without a detail of each")
struct PlainPassTests {
    private func run(_ id: [UInt8]?, outcome: String?, _ latency: RecordedNumber?, _ cost: RecordedNumber?) -> AgentRun {
        var run = AgentRun()
        run.recordedID = id.map { id in id.withUnsafeBytes { run.store($0) } }
        run.outcome = outcome.map { run.store($0) }
        run.latency = latency
        run.costTokens = cost
        return run
    }

    private func written(_ baseline: AgentRun, _ candidate: AgentRun, plain: Bool) throws -> String {
        let files = try ReportFiles()
        var writer = try JSONReport(path: files.path("r.json"))
        let place = PairPlace(line: 1234, index: 1, repetition: 10)
        let (a, b) = (ArmRun(run: baseline), ArmRun(run: candidate))
        let verdict = PairJudge(ReplayRules(maxLatency: .infinity, maxCost: .infinity)).judge(baseline, baseline: a, candidate: b)
        #expect(RunDetail.isPlainPass(verdict, baseline: a, candidate: b))
        for _ in 0..<2 {
            if plain {
                try writer.writePlainPass(place, trace: baseline, baseline: baseline, candidate: candidate)
            } else {
                try writer.write(
                    RunDetail(
                        verdict, trace: baseline, place: place, baseline: a, candidate: b, ids: nil, content: false, changes: true,
                        redactor: TextRedactor(Redaction())))
            }
        }
        try writer.finish(SampleReplay.report([]))
        return try files.text("r.json")
    }

    @Test("are written as their details would be", arguments: [
        "t-1", "", "a longer id, \u{1}\"quoted\"\\", "é", "漢字 😀", "0af7651916cd43dd8448eb211c80319c",
    ])
    func sameBytes(id: String) throws {
        let measures: [(RecordedNumber?, RecordedNumber?)] = [
            (nil, nil), (.real(1350.5), .integer(640)), (.integer(.max), .real(-0.25)), (.real(1e-9), .real(1e300)),
        ]
        for (latency, cost) in measures {
            let baseline = run(Array(id.utf8), outcome: "success", latency, cost)
            let candidate = run(nil, outcome: latency == nil ? nil : "success", cost, latency)
            #expect(try written(baseline, candidate, plain: true) == written(baseline, candidate, plain: false))
        }
    }

    @Test(
        "are written as their details would be, though their ids are no UTF-8, or missing",
        arguments: [nil, [0x61, 0xFF], [0xC3]] as [[UInt8]?])
    func oddIDs(id: [UInt8]?) throws {
        let runs = (run(id, outcome: "success", nil, nil), run(id, outcome: nil, nil, nil))
        #expect(try written(runs.0, runs.1, plain: true) == written(runs.0, runs.1, plain: false))
    }

    @Test("are those of which there is no more to tell")
    func whatIsPlain() throws {
        let (plain, failed) = (run([0x61], outcome: "success", nil, nil), run([0x61], outcome: "failure", nil, nil))
        var withCall = plain
        withCall.toolCalls = [ToolCall(name: withCall.store("look"))]
        let judge = PairJudge(ReplayRules(failOn: []))
        let checking = PairJudge(ReplayRules(failOn: [], checks: [RunCheck(name: "c", condition: .callBudget(tool: nil, maximum: 9))]))
        func isPlain(_ judge: PairJudge, _ a: ArmRun, _ b: ArmRun) -> Bool {
            RunDetail.isPlainPass(judge.judge(plain, baseline: a, candidate: b), baseline: a, candidate: b)
        }
        let arm = ArmRun(run: plain)
        #expect(isPlain(judge, arm, arm))
        #expect(!isPlain(judge, arm, ArmRun(run: failed)))
        #expect(!isPlain(judge, ArmRun(run: failed), arm))
        #expect(!isPlain(judge, ArmRun(RunProblem(.timeout, "")), arm))
        #expect(!isPlain(judge, arm, ArmRun(run: withCall)))
        #expect(!isPlain(judge, arm, ArmRun(run: plain, tools: ToolAnswers())))
        #expect(!isPlain(judge, ArmRun(run: plain, tools: ToolAnswers()), arm))
        #expect(!isPlain(checking, arm, arm))
    }

    @Test("are taken by a set of reports only where all of them take them")
    func sets() throws {
        let files = try ReportFiles()
        let takers: [any ReportWriter] = [
            try JSONReport(path: files.path("r.json")), try SampleSummary(path: files.path("s.txt")),
            try TerminalReport(path: files.path("t.txt"), colors: false),
        ]
        #expect(ReportSet(takers).takesPlainPasses)
        #expect(!ReportSet(takers + [try HTMLReport(path: files.path("r.html"))]).takesPlainPasses)
    }
}

@Suite("Numbers in reports")
struct JSONBytesTests {
    private func written(_ write: (inout [UInt8]) -> Void) -> String {
        var bytes: [UInt8] = []
        write(&bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test("integers are written as they are", arguments: [0, 9, 10, -1, -10, 99, 100, 1234567890, .max, .min] as [Int])
    func integers(value: Int) { #expect(written { $0.appendInteger(value) } == "\(value)") }

    @Test("fractions are written in the fewest digits that say them", arguments: [1, 10, 100, 1000, 10_000, 1e15, 1e18] as [Double])
    func fractions(divisor: Double) {
        var state: UInt64 = 88_172_645_463_325_252
        for _ in 0..<5000 {
            // Marsaglia's xorshift: the same numbers in every run.
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            let value = Double(Int64(bitPattern: state) >> Int64(state % 50)) / divisor
            let expected = Int(exactly: value).map { "\($0)" } ?? value.description
            guard written({ $0.appendNumber(value) }) == expected else {
                Issue.record("\(value)")
                return
            }
        }
    }

    @Test("near numbers are not taken for one another", arguments: [0.001, 0.1, 0.999, 1.005, 1350.5, 999_999_999_999.999, -0.25, 123456.789])
    func neighbours(value: Double) {
        for number in [value.nextDown, value, value.nextUp] { #expect(written { $0.appendNumber(number) } == number.description) }
    }
}
