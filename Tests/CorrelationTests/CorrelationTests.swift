import AgentRuns
import Correlation
import RunStore
import Testing

@Suite("Arms beside each other") struct CorrelationTests {
    private static func run(_ role: RunRole, _ change: (inout StoredRun) -> Void = { _ in }) -> StoredRun {
        var run = StoredRun(traceID: TraceID(high: 1, low: 2), spanID: SpanID(3), role: role, mode: .live, started: 0)
        run.status = 200
        run.outcome = "done"
        run.responseDigest = [1]
        run.duration = 100
        run.calls = [call("search", 1), call("mail", 2)]
        change(&run)
        return run
    }

    private static func call(_ tool: String, _ digest: UInt8, _ arguments: String? = nil) -> StoredRun.Call {
        var call = StoredRun.Call(tool: tool, argumentsDigest: [digest, 0x0A])
        call.arguments = arguments
        return call
    }

    typealias Case = (change: @Sendable (inout StoredRun) -> Void, differences: [PairComparison.Difference], tools: [String])

    private static let cases: [Case] = [
        ({ _ in }, [], []),
        ({ $0.status = 404 }, [.status], []),
        ({ $0.outcome = "refunded" }, [.outcome], []),
        ({ $0.outcome = nil }, [.outcome], []),
        // Who failed has no outcome: that is told once.
        ({ $0.errorType = "timeout"; $0.status = nil; $0.outcome = nil; $0.responseDigest = nil }, [.error], []),
        ({ $0.errorType = "503"; $0.status = 503; $0.outcome = nil; $0.responseDigest = nil }, [.error, .status], []),
        ({ $0.responseDigest = [2] }, [.response], []),
        // What was not read is no other answer.
        ({ $0.responseDigest = nil }, [], []),
        ({ $0.duration = 900; $0.costTokens = 5 }, [], []),
        ({ $0.calls.swapAt(0, 1) }, [.toolCalls], ["reordered"]),
        ({ $0.calls.removeLast() }, [.toolCalls], ["missing"]),
        ({ $0.calls.append(call("delete", 9)) }, [.toolCalls], ["extra"]),
        ({ $0.calls.append(call("mail", 2)) }, [.toolCalls], ["duplicated"]),
        ({ $0.calls[1] = call("mail", 7) }, [.toolCalls], ["wrong_arguments"]),
        ({ $0.calls[1] = call("delete", 2) }, [.toolCalls], ["wrong_tool"]),
    ]

    @Test("Each difference is told, and nothing else", arguments: cases.indices)
    func differences(i: Int) {
        let (change, differences, tools) = Self.cases[i]
        let comparison = PairComparison(baseline: Self.run(.baseline), candidate: Self.run(.candidate, change))
        #expect(comparison.differences == differences)
        #expect(comparison.toolChanges.map(\.kind) == tools)
    }

    @Test("Kept arguments are compared value by value, others are told as different alone")
    func arguments() throws {
        let baseline = Self.run(.baseline) { $0.calls = [Self.call("mail", 1, #"{"to":"a","n":1}"#)] }
        let kept = PairComparison(
            baseline: baseline, candidate: Self.run(.candidate) { $0.calls = [Self.call("mail", 2, #"{"to":"b","n":1}"#)] })
        let told = try #require(kept.toolChanges.first?.arguments)
        #expect(told.map { [$0.path, $0.baseline, $0.candidate] } == [["/to", "\"a\"", "\"b\""]])
        for half in [nil, "{\"to\":", ""] as [String?] {
            let other = PairComparison(baseline: baseline, candidate: Self.run(.candidate) { $0.calls = [Self.call("mail", 2, half)] })
            #expect(other.toolChanges.map(\.kind) == ["wrong_arguments"] && other.toolChanges.first?.arguments == [])
        }
    }

    @Test("A pair without its baseline differs in nothing, and is counted as such")
    func alone() {
        var summary = PairSummary()
        summary.add(PairComparison(baseline: nil, candidate: Self.run(.candidate)))
        summary.add(PairComparison(baseline: Self.run(.baseline), candidate: Self.run(.candidate)))
        summary.add(PairComparison(baseline: Self.run(.baseline), candidate: Self.run(.candidate) { $0.status = 500; $0.errorType = "500" }))
        #expect(summary.pairs == 3 && summary.withoutBaseline == 1 && summary.alike == 1)
        #expect(summary.differences == [.error: 1, .status: 1])
        #expect(summary.baseline.runs == 2 && summary.candidate.runs == 2)
        #expect(summary.baseline.errors == 0 && summary.candidate.errors == 1)
    }

    @Test("Percentiles are those of the nearest rank", arguments: [(1, [7]), (2, [3, 9]), (100, Array(1...100)), (101, Array(1...101))] as [(Int, [Int])])
    func percentiles(count: Int, values: [Int]) {
        var arm = ArmSummary()
        for value in values.shuffled() { arm.add(Self.run(.baseline) { $0.duration = UInt64(value) }) }
        for percentile in [1, 50, 95, 100] {
            // The definition, counted out.
            let expected = values.sorted().first { value in values.count(where: { $0 <= value }) * 100 >= percentile * count }
            #expect(arm.latency(percentile: percentile) == expected.map { UInt64($0) })
        }
        #expect(ArmSummary().latency(percentile: 50) == nil)
    }

    @Test("Calls that are not kept count among a run's, and so do those of more tools than are named")
    func allCalls() {
        var arm = ArmSummary()
        arm.add(Self.run(.candidate) { $0.omittedCalls = 4998 })
        arm.add(Self.run(.candidate))
        #expect(arm.omittedCalls == 4998 && arm.callsPerRun == 2501)
        var many = ArmSummary()
        many.add(Self.run(.candidate) { $0.calls = (0..<1500).map { Self.call("tool \($0)", 1) } })
        #expect(many.calls.count == ArmSummary.maximumNames && many.callsPerRun == 1500)
    }

    @Test(
        "Tokens that add up to no number have no mean",
        arguments: [[.infinity], [.infinity, -.infinity], [1e308, 1e308], [.nan, 1]] as [[Double]])
    func noMean(tokens: [Double]) {
        var arm = ArmSummary()
        for count in tokens { arm.add(Self.run(.candidate) { $0.costTokens = count }) }
        #expect(arm.meanTokens == nil && arm.runs == tokens.count)
    }

    @Test("A canary's cohorts are those of one revision and step, with the tools that one arm alone called")
    func cohorts() throws {
        var cohorts = Cohorts()
        for revision in [1, 2] {
            for i in 0..<10 {
                cohorts.add(
                    Self.run(i % 3 == 0 ? .candidate : .baseline) { run in
                        run.rolloutID = "r"
                        run.rolloutRevision = revision
                        run.inputTokens = 10
                        run.outputTokens = Int64(i)
                        if i % 3 == 0 { run.calls = [Self.call("search", 1), Self.call("delete", 1)] }
                        if i == 0 { run.calls[0].verdict = "refused" }
                    })
            }
        }
        #expect(cohorts.all.map(\.key.revision) == [2, 1])
        let arms = try #require(cohorts.all.first).arms
        #expect(arms.baseline.runs == 6 && arms.candidate.runs == 4)
        #expect(arms.newTools == ["delete"] && arms.missingTools == ["mail"])
        #expect(arms.candidate.refusedCalls == 1 && arms.candidate.callsPerRun == 2)
        #expect(arms.candidate.meanTokens == 10 + Double(0 + 3 + 6 + 9) / 4)
    }
}
