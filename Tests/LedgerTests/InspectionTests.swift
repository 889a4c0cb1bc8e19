import Foundation
import Ledger
import Testing

/// Whether a writer would go on with a ledger, found out without leaving a trace: what a check of a sidecar's configuration asks.
@Suite struct InspectionTests {
    private func files(_ stage: Stage) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: stage.folder.path).sorted()
    }

    @Test func nothingIsMadeOrLeft() throws {
        let stage = try Stage()
        try LedgerWriter.inspect(stage.configuration)
        #expect(try files(stage).isEmpty)
        try LedgerMaintenance(stage.configuration).append([try Stage.record(3)])
        let before = try files(stage)
        #expect(before.contains("ledger.db") && !before.contains("ledger.db-wal"))
        try LedgerWriter.inspect(stage.configuration)
        #expect(try files(stage) == before)
    }

    @Test func whatOpeningWouldRefuseIsRefused() throws {
        let stage = try Stage()
        try LedgerMaintenance(stage.configuration).append([try Stage.record(3)])
        var other = stage.configuration
        other.signingKey = SigningKey([UInt8](repeating: 8, count: 32))
        #expect(#expect(throws: LedgerError.self) { try LedgerWriter.inspect(other) }?.kind == .keys)
        try stage.change("DELETE FROM entries")
        #expect(#expect(throws: LedgerError.self) { try LedgerWriter.inspect(stage.configuration) }?.kind == .rolledBack)
        try stage.change("PRAGMA application_id = 1")
        #expect(#expect(throws: LedgerError.self) { try LedgerWriter.inspect(stage.configuration) }?.kind == .notALedger)
    }

    @Test func aLedgerThatIsBeingWrittenIsLeftAlone() async throws {
        let stage = try Stage()
        let writer = try LedgerWriter(stage.configuration)
        _ = try await writer.begin(try Stage.record(3))
        try LedgerWriter.inspect(stage.configuration)
        try await writer.close()
    }
}
