import AgentRuns
@testable import RunSpans
import Testing

@Suite("Run timeline")
struct RunTimelineTests {
    private func steps(_ run: AgentRun) -> [Range<UInt64>] {
        MappedRun(run, start: 0).all(.agentStep).map { $0.head.start..<$0.head.end }
    }

    private func run(latency: RecordedNumber?, durations: [RecordedNumber?]) -> AgentRun {
        var run = AgentRun()
        run.latency = latency
        for duration in durations { run.addCall("t", result: ToolResult(success: true, duration: duration)) }
        return run
    }

    @Test("350 ms in three steps part at a third and two thirds, rounded down")
    func thirds() {
        #expect(steps(.with(calls: 3)) == [0..<116_666_666, 116_666_666..<233_333_333, 233_333_333..<350_000_000])
    }

    @Test("A call with a duration ends its step; the rest is shared in front of the calls")
    func durations() {
        let mapped = MappedRun(run(latency: .integer(100), durations: [.integer(20), nil, .integer(50)]), start: 0)
        // 30 ms are left: 10 for each step.
        #expect(mapped.all(.agentStep).map(\.head.end) == [30_000_000, 40_000_000, 100_000_000])
        #expect(mapped.all(.toolCall).map(\.head.start) == [10_000_000, 30_000_000, 50_000_000])
        #expect(mapped.all(.toolCall).map(\.head.end) == [30_000_000, 40_000_000, 100_000_000])
        #expect(mapped.all(.toolResult).map(\.head.start) == [30_000_000, 40_000_000, 100_000_000])
        #expect(mapped.all(.toolResult).map(\.head.end) == [30_000_000, 40_000_000, 100_000_000])
    }

    @Test(
        "The duration is the latency, or what the tools took if that is more, or else a millisecond",
        arguments: [
            (.integer(350), [], 350_000_000, []), (.real(0.0000005), [], 1, []), (.integer(0), [], 1, []), (.real(1.5), [nil], 1_500_000, []),
            (nil, [], 1_000_000, .latencyMissing), (nil, [nil], 1_000_000, .latencyMissing), (.integer(-1), [], 1_000_000, .latencyInvalid),
            (.real(.infinity), [], 1_000_000, .latencyInvalid), (.integer(86_400_001), [], 1_000_000, .latencyInvalid),
            (.integer(86_400_000), [], 86_400_000_000_000, []), (nil, [.integer(20), nil], 20_000_000, []), (nil, [.integer(0)], 1, []),
            (.integer(-1), [.integer(20)], 20_000_000, .latencyInvalid), (.integer(10), [.integer(20), .integer(5)], 25_000_000, .durationsExceedLatency),
            (.integer(25), [.integer(20), .integer(5)], 25_000_000, []), (.integer(10), [.integer(-1)], 10_000_000, .durationInvalid),
            (nil, [.real(.infinity)], 1_000_000, [.latencyMissing, .durationInvalid]),
        ] as [(RecordedNumber?, [RecordedNumber?], UInt64, RunTimeline.Oddities)])
    func duration(latency: RecordedNumber?, durations: [RecordedNumber?], expected: UInt64, oddities: RunTimeline.Oddities) {
        let timeline = RunTimeline(of: run(latency: latency, durations: durations), start: 5)
        #expect(timeline.duration == expected)
        #expect(timeline.end == 5 + expected)
        #expect(timeline.oddities == oddities)
    }

    @Test("A day in many steps does not overflow")
    func longRun() {
        let mapped = MappedRun(.with(calls: 5000, latency: .integer(86_400_000)), start: 0)
        #expect(mapped.all(.agentStep).last?.head.end == 86_400_000_000_000)
        #expect(mapped.all(.agentStep)[2499].head.end == 43_200_000_000_000)
    }

    /// A line of 6 MB can say so; it must not end the process.
    @Test("A quarter of a million calls of a day each do not stop the process")
    func absurdDurations() async {
        await #expect(processExitsWith: .success) {
            var run = AgentRun()
            let call = ToolCall(result: ToolResult(success: true, duration: .integer(86_400_000)))
            run.toolCalls = Array(repeating: call, count: 250_000)
            let timeline = RunTimeline(of: run, start: 1_772_443_800_000_000_000)
            precondition(timeline.end >= timeline.start)
        }
    }
}
