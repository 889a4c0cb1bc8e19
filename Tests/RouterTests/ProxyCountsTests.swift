import AgentRuns
import Testing

@testable import Router

@Suite struct ProxyCountsTests {
    @Test("Counts of different arms, modes, statuses and reasons are told apart")
    func keys() {
        var requests: [ProxyCounts.Requests: Int] = [:]
        var decisions: [ProxyCounts.Decision: Int] = [:]
        let (statuses, reasons) = ([0, 200, 404], ["split", "static"])
        for _ in 0..<2 {
            for role in RunRole.allCases {
                for mode in RunMode.allCases {
                    for status in statuses { requests[.init(role: role, mode: mode, status: status), default: 0] += 1 }
                    for reason in reasons { decisions[.init(role: role, mode: mode, reason: reason), default: 0] += 1 }
                }
            }
        }
        let kinds = RunRole.allCases.count * RunMode.allCases.count
        #expect(requests.count == kinds * statuses.count && requests.values.allSatisfy { $0 == 2 })
        #expect(decisions.count == kinds * reasons.count && decisions.values.allSatisfy { $0 == 2 })
    }

    @Test("An arm without a request has no durations, and those of event loops add up")
    func durations() async throws {
        let plane = try await TestPlane(baseline: try ForwardingTests.echo())
        for _ in 0..<4 { _ = try plane.ask(FaultTests.get) }
        _ = try await plane.exchanges(4)
        var sum = await plane.plane.counts()
        #expect(Array(sum.durations.keys) == [.baseline])
        #expect(sum.durations[.baseline]?.counts.reduce(0, +) == 4)
        sum.add(sum)
        #expect(sum.durations[.baseline]?.counts.reduce(0, +) == 8)
        #expect(sum.durations[.candidate] == nil)
        await plane.stop()
    }
}
