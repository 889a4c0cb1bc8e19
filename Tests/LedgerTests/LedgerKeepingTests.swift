import AgentRuns
import Foundation
import GRDB
import Ledger
import Testing

/// What is erased and pruned, read from copies and older versions, exported, or not a ledger at all.
@Suite(.timeLimit(.minutes(10)))
struct LedgerKeepingTests {
    @Test func erasingKeepsTheChain() async throws {
        let stage = try Stage()
        try await stage.fill(25, checkpointEvery: 10)
        do {
            let ledger = try LedgerMaintenance(stage.configuration)
            #expect(try ledger.erase([3, 7, 7, 400], reason: "request 12") == 2)
            #expect(ledger.count == 27)
            #expect(try ledger.checkpoint() == nil, "it has made one itself")
        }
        #expect(try stage.finding() == .init(problem: nil, entry: nil))
        let reader = try LedgerReader(stage.path)
        let erased = try #require(try reader.entry(3))
        #expect(erased.arguments == nil && erased.result == nil && erased.entry.arguments?.kept != nil)
        #expect(try reader.entries(LedgerFilter(kind: .erasure), .init(limit: 9)).map(\.entry.refers) == [7, 3])
        for suffix in ["", "-wal"] {
            let bytes = (try? Data(contentsOf: URL(fileURLWithPath: stage.path + suffix))) ?? Data()
            #expect(bytes.range(of: Data("{\"order\":7}".utf8)) == nil, "the content is gone from the file itself")
        }
        let other = try Data(contentsOf: URL(fileURLWithPath: stage.path))
        #expect(other.range(of: Data("{\"order\":8}".utf8)) != nil)
    }

    @Test(arguments: [5, 10, 11, 20, 25])
    func pruningKeepsTheChain(firstKept: Int) async throws {
        let stage = try Stage()
        try await stage.fill(25, checkpointEvery: 10)
        do {
            let ledger = try LedgerMaintenance(stage.configuration)
            let time = try Stage.record(firstKept).entry.time
            #expect(try ledger.prune(before: time, reason: "retention") == UInt64(max(1, (firstKept - 1) / 10 * 10)))
            try ledger.append([try Stage.record(26)])
            _ = try ledger.checkpoint()
        }
        #expect(try stage.finding() == .init(problem: nil, entry: nil))
        let export = try Stage.export(LedgerFilter(), of: stage)
        #expect(try stage.pythonFinding(export) == .init(problem: nil, entry: nil))
        // It goes on, and what is deleted from now on is found.
        try await stage.fill(5, checkpointEvery: 2)
        #expect(try stage.finding() == .init(problem: nil, entry: nil))
        try stage.change("DELETE FROM entries WHERE number = 23")
        #expect(try stage.finding() == .init(problem: "missing", entry: 23))
    }

    /// Every entry of ledgers of many sizes is proved by itself.
    @Test(arguments: [1, 2, 3, 7, 8, 9, 31, 33])
    func partsAreProved(count: Int) async throws {
        let stage = try Stage()
        try await stage.fill(count, checkpointEvery: 1000)
        var filter = LedgerFilter()
        filter.arm = .candidate
        let export = try Stage.export(filter, of: stage)
        #expect(try stage.pythonFinding(export, checkpoints: false) == .init(problem: nil, entry: nil))
        let text = try String(contentsOfFile: export, encoding: .utf8)
        #expect(text.split(separator: "\n").filter { $0.contains("\"proof\"") }.count == (count + 1) / 2)
        let forged = text.replacing("\"run_id\":\"run-1\"", with: "\"run_id\":\"run-2\"")
        try forged.write(toFile: export, atomically: false, encoding: .utf8)
        #expect(try stage.pythonFinding(export, checkpoints: false) == .init(problem: "changed", entry: 1))
        // Without content, what remains is verified all the same.
        let bare = try Stage.export(LedgerFilter(), of: stage, withContent: false)
        #expect(try !String(contentsOfFile: bare, encoding: .utf8).contains("order"))
        #expect(try stage.pythonFinding(bare) == .init(problem: nil, entry: nil))
    }

    @Test func aProofOfAnotherEntry() async throws {
        let stage = try Stage()
        try await stage.fill(8, checkpointEvery: 1000)
        var filter = LedgerFilter()
        filter.arm = .candidate
        let export = try Stage.export(filter, of: stage)
        var lines = try String(contentsOfFile: export, encoding: .utf8).split(separator: "\n").map(String.init)
        func proof(_ i: Int) -> Substring { lines[i][(lines[i].range(of: "\"proof\"")?.lowerBound ?? lines[i].startIndex)...] }
        lines[1] = String(lines[1].dropLast(proof(1).count)) + proof(2)
        try lines.joined(separator: "\n").write(toFile: export, atomically: false, encoding: .utf8)
        #expect(try stage.pythonFinding(export, checkpoints: false).problem == "proof")
    }

    @Test func filtersAndPages() async throws {
        let stage = try Stage()
        try await stage.fill(60, checkpointEvery: 1000)
        let reader = try LedgerReader(stage.path)
        func numbers(_ change: (inout LedgerFilter) -> Void) throws -> [Int] {
            var filter = LedgerFilter()
            change(&filter)
            var found: [Int] = []
            var after: EntryNumber?
            while true {
                let page = try reader.entries(filter, .init(limit: 7, after: after, newestFirst: false))
                found += page.map { Int($0.entry.number) }
                guard page.count == 7 else { return found }
                after = page.last?.entry.number
            }
        }
        let all = Array(1...60)
        #expect(try numbers { _ in } == all)
        #expect(try numbers { $0.tool = "refund" } == all.filter { $0 % 3 == 1 })
        #expect(try numbers { $0.arm = .baseline } == all.filter { $0 % 2 == 0 })
        #expect(try numbers { $0.verdict = .refused; $0.release = "v1" } == all.filter { $0 % 3 != 0 && $0 % 2 == 1 })
        #expect(try numbers { $0.traceID = TraceID(high: 0x1111, low: 12) } == [12])
        #expect(try numbers { $0.requestID = "request-9" } == [9])
        #expect(try numbers { $0.runID = "run-9" } == [9])
        #expect(try numbers { $0.text = "\"order\":5" } == [5] + Array(50...59))
        #expect(try numbers { $0.agent = "' OR 1 --" } == [])
        #expect(try numbers { $0.release = "sha256:abc"; $0.mode = .canary } == all)
        let (ten, twenty) = (try Stage.record(10).entry.time, try Stage.record(20).entry.time)
        #expect(try numbers { $0.since = ten; $0.until = twenty } == Array(10..<20))
        #expect(try numbers { $0.since = ten; $0.until = twenty; $0.arm = .baseline } == [10, 12, 14, 16, 18])
        #expect(try reader.entries(LedgerFilter(), .init(limit: 2)).map(\.entry.number) == [60, 59])
        let statistics = try reader.statistics(LedgerFilter())
        #expect(statistics.map(\.calls).reduce(0, +) == 20 && statistics.map(\.refusals).reduce(0, +) == 40)
        #expect(try reader.difference(LedgerFilter(), byArguments: false).isEmpty)
        #expect(try reader.difference(LedgerFilter(), byArguments: true).count == 3)
    }

    @Test func aNewerVersionIsRefused() async throws {
        let stage = try Stage()
        try await stage.fill(1, checkpointEvery: 10)
        try stage.change("PRAGMA user_version = 99")
        #expect(#expect(throws: LedgerError.self) { try LedgerReader(stage.path) }?.kind == .newer)
        #expect(#expect(throws: LedgerError.self) { try LedgerWriter(stage.configuration) }?.kind == .newer)
    }

    @Test func whatIsNoLedger() async throws {
        let stage = try Stage()
        func refusal() -> LedgerError.Kind? { #expect(throws: LedgerError.self) { try LedgerReader(stage.path) }?.kind }
        #expect(refusal() == .notALedger)
        try Data("not a database, but long enough to be taken for the head of one, so that it is looked at.........".utf8)
            .write(to: URL(fileURLWithPath: stage.path))
        #expect(refusal() == .notALedger)
        #expect(#expect(throws: LedgerError.self) { try LedgerWriter(stage.configuration) }?.kind == .notALedger)
        try FileManager.default.removeItem(atPath: stage.path)
        try stage.change("CREATE TABLE entries (number INTEGER)")
        #expect(refusal() == .notALedger)
        #expect(#expect(throws: LedgerError.self) { try LedgerWriter(stage.configuration) }?.kind == .notALedger)
    }

    @Test(arguments: [
        "CREATE TRIGGER t AFTER INSERT ON entries BEGIN DELETE FROM entries WHERE number = 1; END",
        "ALTER TABLE entries RENAME TO real; CREATE VIEW entries AS SELECT * FROM real WHERE tool <> 'refund'",
        "DROP TABLE contents",
    ])
    func aSchemaThatIsNotOurs(sql: String) async throws {
        let stage = try Stage()
        try await stage.fill(5, checkpointEvery: 10)
        try stage.change(sql)
        #expect(#expect(throws: LedgerError.self) { try LedgerReader(stage.path) }?.kind == .notALedger)
        #expect(#expect(throws: LedgerError.self) { try stage.verifier.verify(stage.path) }?.kind == .notALedger)
        #expect(#expect(throws: LedgerError.self) { try LedgerWriter(stage.configuration) }?.kind == .notALedger)
    }

    @Test func columnsThatAreNotThereAndHugeValues() async throws {
        let stage = try Stage()
        try await stage.fill(5, checkpointEvery: 10)
        try stage.change("UPDATE contents SET arguments = zeroblob(200000000) WHERE entry = 3")
        let result = try stage.verifier.verify(stage.path)
        #expect(!result.isGood)
        #expect(throws: LedgerError.self) { try LedgerReader(stage.path).entry(3) }
        try stage.change("UPDATE contents SET arguments = NULL WHERE entry = 3; ALTER TABLE entries DROP COLUMN outcome")
        #expect(#expect(throws: LedgerError.self) { try LedgerReader(stage.path).entries(LedgerFilter(), .init(limit: 1)) }?.kind == .notALedger)
        #expect(#expect(throws: LedgerError.self) { try stage.verifier.verify(stage.path) }?.kind == .notALedger)
    }

    /// Bytes are changed anywhere in the file, and its end is cut off: a finding or an error, never a crash, never good with
    /// other entries than there were.
    @Test(arguments: 0..<40)
    func aDamagedFile(seed: Int) async throws {
        let stage = try Stage()
        try await stage.fill(60, checkpointEvery: 20)
        let reader = try LedgerReader(stage.path)
        let before = try reader.entries(LedgerFilter(), .init(limit: 100)).map(\.entry)
        let file = URL(fileURLWithPath: stage.path)
        var bytes = try Data(contentsOf: file)
        var generator = SystemRandomNumberGenerator()
        if seed % 4 == 0 {
            bytes = bytes.prefix(Int.random(in: 0..<bytes.count, using: &generator))
        } else {
            for _ in 0..<(seed % 8 * 4 + 1) { bytes[Int.random(in: bytes.indices, using: &generator)] = .random(in: 0...255, using: &generator) }
        }
        let damaged = try Stage()
        try bytes.write(to: URL(fileURLWithPath: damaged.path))
        try FileManager.default.copyItem(atPath: stage.checkpointFile, toPath: damaged.checkpointFile)
        do throws(LedgerError) {
            let result = try damaged.verifier.verify(damaged.path)
            if result.isGood {
                let after = try LedgerReader(damaged.path).entries(LedgerFilter(), .init(limit: 100, newestFirst: true)).map(\.entry)
                #expect(after == before, "what is verified is what was written")
            }
        } catch {
            // Typed throws: it is a LedgerError, or this does not compile.
            let error: LedgerError = error
            #expect(!error.message.isEmpty)
        }
        _ = try? LedgerReader(damaged.path).statistics(LedgerFilter())
        if let writer = try? LedgerWriter(damaged.configuration) {
            _ = try? await writer.begin(try Stage.record(61))
            try? await writer.close()
        }
    }
}
