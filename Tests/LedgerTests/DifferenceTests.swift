import AgentRuns
import Ledger
import Testing

/// Calls are held against calls, and attempts against attempts.
@Suite(.timeLimit(.minutes(10)))
struct DifferenceTests {
    typealias Kind = LedgerEntry.Kind

    private func record(_ kind: Kind, _ arm: RunRole, arguments: String) -> LedgerRecord {
        var entry = LedgerEntry(kind, time: 1)
        entry.tool = "refund"
        entry.arm = arm
        return LedgerRecord(entry, arguments: kind == .completion ? nil : LedgerRecord.Content(Array(arguments.utf8)))
    }

    private func difference(
        _ baseline: [Kind], _ candidate: [Kind], arguments: (baseline: String, candidate: String) = ("{}", "{}"), byArguments: Bool
    ) throws -> [CallDifference] {
        let stage = try Stage()
        do {
            let ledger = try LedgerMaintenance(stage.configuration)
            try ledger.append(baseline.map { record($0, .baseline, arguments: arguments.baseline) })
            try ledger.append(candidate.map { record($0, .candidate, arguments: arguments.candidate) })
        }
        return try LedgerReader(stage.path).difference(LedgerFilter(), byArguments: byArguments)
    }

    @Test("the baseline's entries hide the candidate's only where they did the same", arguments: [
        ([.refusal], [.intent, .completion], 1, 0), ([.refusal], [.call, .call], 2, 0), ([.refusal], [.refusal], 0, 0),
        ([.call], [.refusal], 0, 0), ([.intent, .completion], [.intent, .completion], 0, 0), ([.call], [.intent], 0, 0),
        ([.completion], [.call], 1, 0), ([.completion], [.refusal], 0, 1), ([], [.refusal, .refusal], 0, 2),
        ([.refusal], [.call, .refusal], 1, 0), ([], [.call, .refusal], 1, 1), ([.loss], [.intent], 1, 0), ([.call], [], 0, 0),
    ] as [([Kind], [Kind], Int, Int)], [false, true])
    func kinds(_ scene: (baseline: [Kind], candidate: [Kind], calls: Int, refusals: Int), byArguments: Bool) throws {
        let found = try difference(scene.baseline, scene.candidate, byArguments: byArguments)
        #expect(found.count == min(1, scene.calls + scene.refusals))
        #expect(found.first?.calls ?? 0 == scene.calls && found.first?.refusals ?? 0 == scene.refusals)
        #expect(found.first?.isKnownTool ?? false == false)
    }

    @Test("other arguments are of a known tool where the baseline did the same with it", arguments: [
        ([.call], [.call], true), ([.refusal], [.call], false), ([.refusal], [.refusal], true), ([.call], [.refusal], true),
        ([.refusal], [.call, .refusal], false), ([], [.call], false),
    ] as [([Kind], [Kind], Bool)])
    func knownTools(baseline: [Kind], candidate: [Kind], isKnown: Bool) throws {
        let found = try difference(baseline, candidate, arguments: ("{\"amount\":1}", "{\"amount\":2}"), byArguments: true)
        #expect(found.map(\.isKnownTool) == [isKnown])
        #expect(found.first.map { $0.calls + $0.refusals } == candidate.count)
    }
}
