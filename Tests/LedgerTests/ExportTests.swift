import AgentRuns
import Foundation
import GRDB
import Ledger
import Testing

/// What an export proves, and what it says of what it cannot.
@Suite(.timeLimit(.minutes(10)))
struct ExportTests {
    /// A ledger whose last checkpoint covers 20 of its 25 entries.
    private func stage() async throws -> Stage {
        let stage = try Stage()
        try await stage.fill(25, checkpointEvery: 10)
        try stage.change("DELETE FROM checkpoints WHERE count > 20")
        return stage
    }

    private static func filter(_ arm: RunRole?) -> LedgerFilter {
        var filter = LedgerFilter()
        filter.arm = arm
        return filter
    }

    @Test("entries after the last checkpoint are told apart", arguments: [
        (RunRole.candidate, 13, 3), (.baseline, 12, 2), (nil, 25, 5),
    ] as [(RunRole?, Int, Int)])
    func uncovered(arm: RunRole?, entries: Int, uncovered: Int) async throws {
        let stage = try await stage()
        let exported = try LedgerReader(stage.path).export(Self.filter(arm), withContent: true) { _ in }
        #expect(exported.entries == entries && exported.uncovered == uncovered && exported.unproven == 0)
        let path = try Stage.export(Self.filter(arm), of: stage)
        for publicKey in [true, false] {
            let answer = try stage.pythonAnswer(path, publicKey: publicKey, checkpoints: false)
            #expect(answer["problem"] is NSNull && answer["unproven"] as? Int == uncovered, "\(answer)")
        }
    }

    /// A proof is asked for wherever there is a checkpoint that could give one, and what follows is bound by its own hash.
    @Test("an entry without the proof that it could have is bad", arguments: [(1, "proof"), (19, "proof"), (21, nil), (25, nil)] as [(Int, String?)])
    func takenOut(number: Int, problem: String?) async throws {
        let stage = try await stage()
        let path = try Stage.export(Self.filter(.candidate), of: stage)
        let text = try String(contentsOfFile: path, encoding: .utf8)
        let lines = text.split(separator: "\n").map { line -> String in
            guard line.contains("\"number\":\(number),"), let proof = line.range(of: ",\"proof\":") else { return String(line) }
            return String(line[..<proof.lowerBound]) + "}}"
        }
        try (lines.joined(separator: "\n") + "\n").write(toFile: path, atomically: false, encoding: .utf8)
        let expected = Stage.Finding(problem: problem, entry: problem == nil ? nil : UInt64(number))
        #expect(try stage.pythonFinding(path, checkpoints: false) == expected)
        let forged = text.replacing("\"run_id\":\"run-\(number)\"", with: "\"run_id\":\"run-0\"")
        try forged.write(toFile: path, atomically: false, encoding: .utf8)
        #expect(try stage.pythonFinding(path, checkpoints: false) == .init(problem: "changed", entry: UInt64(number)))
    }

    /// Entries that are missing leave the others without proofs, which is no matter of a checkpoint to come.
    @Test func aDamagedLedger() async throws {
        let stage = try await stage()
        try stage.change("DELETE FROM entries WHERE number = 2")
        let exported = try LedgerReader(stage.path).export(Self.filter(.candidate), withContent: true) { _ in }
        #expect(exported.entries == 13 && exported.uncovered == 3 && exported.unproven == 10)
    }

    @Test func theOutputsOwnError() async throws {
        struct Full: Error {}
        let stage = try await stage()
        #expect(throws: Full.self) { try LedgerReader(stage.path).export(LedgerFilter(), withContent: true) { _ in throw Full() } }
        try stage.change("UPDATE entries SET hash = x'00' WHERE number = 3")
        #expect(throws: LedgerError.self) { try LedgerReader(stage.path).export(LedgerFilter(), withContent: true) { _ in } }
    }
}
