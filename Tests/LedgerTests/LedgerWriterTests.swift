import AgentRuns
import Foundation
import GRDB
import Ledger
import Testing

@Suite(.timeLimit(.minutes(10)))
struct LedgerWriterTests {
    @Test func intentsAreDurableWhenTheyReturn() async throws {
        let stage = try Stage()
        let writer = try LedgerWriter(stage.configuration)
        let path = stage.path
        let numbers = try await withThrowingTaskGroup(of: [EntryNumber].self) { group in
            for task in 0..<16 {
                group.addTask {
                    var numbers: [EntryNumber] = []
                    for i in 0..<20 {
                        let number = try await writer.begin(try Stage.record(task * 100 + i))
                        // Another connection sees it at once.
                        #expect(try LedgerReader(path).entry(number)?.entry.runID == "run-\(task * 100 + i)")
                        writer.complete(number, LedgerRecord(LedgerEntry(.completion, time: 1)))
                        numbers.append(number)
                    }
                    return numbers
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        try await writer.close()
        #expect(Set(numbers).count == 320)
        #expect(writer.health.written == 640 && writer.health.lost == 0 && writer.health.isWritable)
        #expect(try stage.finding() == .init(problem: nil, entry: nil))
        let completions = try LedgerReader(stage.path).entries(LedgerFilter(kind: .completion), .init(limit: 1000))
        #expect(Set(completions.compactMap(\.entry.refers)) == Set(numbers))
        await #expect(throws: LedgerError.self) { try await writer.begin(try Stage.record(1)) }
    }

    @Test func aSecondWriterIsRefused() async throws {
        let stage = try Stage()
        let writer = try LedgerWriter(stage.configuration)
        let refusal = #expect(throws: LedgerError.self) { try LedgerWriter(stage.configuration) }
        #expect(refusal?.kind == .inUse)
        #expect(refusal?.message.contains("written by another process") == true)
        try await writer.close()
        try await LedgerWriter(stage.configuration).close()
    }

    /// Another process holds the database: intents are refused, notes wait, and all goes on when it lets go.
    @Test func aLockedDatabase() async throws {
        let stage = try Stage()
        var configuration = stage.configuration
        configuration.busyTimeout = 0.05
        configuration.capacity = 8
        let writer = try LedgerWriter(configuration)
        _ = try await writer.begin(try Stage.record(1))
        let other = try Locker(stage.path)
        let refusal = await #expect(throws: LedgerError.self) { try await writer.begin(try Stage.record(2)) }
        #expect(refusal?.kind == .locked)
        #expect(writer.health.problem?.kind == .locked && writer.health.refused == 1)
        for number in 3...30 { writer.note(try Stage.record(number)) }
        await #expect(throws: LedgerError.self) { try await writer.flush() }
        let lost = writer.health.lost
        #expect(lost > 0, "no more than the capacity is kept")
        // Readers go on meanwhile.
        #expect(try LedgerReader(stage.path).overview().count == 1)
        try other.letGo()
        _ = try await writer.begin(try Stage.record(31))
        try await writer.flush()
        #expect(writer.health.isWritable)
        try await writer.close()
        #expect(try stage.finding() == .init(problem: nil, entry: nil))
        let losses = try LedgerReader(stage.path).entries(LedgerFilter(kind: .loss), .init(limit: 10))
        let told = losses.compactMap { Int($0.entry.reason.split(separator: " ").first ?? "") }.reduce(0, +)
        #expect(told == Int(writer.health.lost), "the chain tells of every loss")
        let total = try LedgerReader(stage.path).overview().count
        #expect(Int(total) == 2 + 28 - told + losses.count)
    }

    /// A process that was killed while it made the ledger leaves one of these.
    @Test(arguments: [nil, "PRAGMA user_version", "CREATE TABLE grdb_migrations (identifier TEXT NOT NULL PRIMARY KEY)"])
    func aLedgerThatWasHardlyBegun(sql: String?) async throws {
        let stage = try Stage()
        if let sql {
            try stage.change(sql)
        } else {
            try Data().write(to: URL(fileURLWithPath: stage.path))
        }
        #expect(#expect(throws: LedgerError.self) { try LedgerReader(stage.path) }?.kind == .notALedger)
        try await stage.fill(3, checkpointEvery: 10)
        #expect(try stage.finding() == .init(problem: nil, entry: nil))
    }

    /// Closed while it cannot be written: nobody is left waiting, and what is lost is counted.
    @Test func closedWhileLocked() async throws {
        let stage = try Stage()
        var configuration = stage.configuration
        configuration.busyTimeout = 0.05
        let writer = try LedgerWriter(configuration)
        let other = try Locker(stage.path)
        for number in 1...5 { writer.note(try Stage.record(number)) }
        await #expect(throws: LedgerError.self) { try await writer.close() }
        #expect(writer.health.lost == 5 && writer.health.waiting == 0 && !writer.health.isWritable)
        await #expect(throws: LedgerError.self) { try await writer.begin(try Stage.record(6)) }
        await #expect(throws: LedgerError.self) { try await writer.flush() }
        try other.letGo()
        // Its lock went with it.
        try await LedgerWriter(stage.configuration).close()
    }

    @Test func aReaderHoldsNobodyUp() async throws {
        let stage = try Stage()
        try await stage.fill(5, checkpointEvery: 10)
        let writer = try LedgerWriter(stage.configuration)
        let reader = try LedgerReader(stage.path)
        var seen = 0
        try reader.forEach(LedgerFilter()) { _ in
            seen += 1
            let writes = DispatchSemaphore(value: 0)
            let record = try Stage.record(seen)
            Task {
                _ = try await writer.begin(record)
                writes.signal()
            }
            #expect(writes.wait(timeout: .now() + 60) == .success)
        }
        #expect(seen == 5, "a reader sees what there was when it began")
        try await writer.close()
        #expect(try reader.overview().count == 10)
    }

    @Test func longTextAndOddText() async throws {
        let stage = try Stage()
        let writer = try LedgerWriter(stage.configuration)
        var record = try Stage.record(1)
        record.entry.tool = String(repeating: "ü", count: 5000)
        record.entry.reason = "a\0b\u{1B}[31m'; DROP TABLE entries; --"
        record.entry.duration = .max
        record.arguments = .init([], kept: [])
        record.result = .init([0xFF, 0x00], kept: [0xFF, 0x00])
        let number = try await writer.begin(record)
        try await writer.close()
        let found = try #require(try LedgerReader(stage.path).entry(number))
        #expect(found.entry.tool.utf8.count <= LedgerEntry.maximumText && found.entry.tool.hasSuffix("ü…"))
        #expect(found.entry.reason == record.entry.reason)
        #expect(found.arguments == [] && found.result == [0xFF, 0x00])
        #expect(try stage.finding() == .init(problem: nil, entry: nil))
        let line = try Stage.export(LedgerFilter(), of: stage)
        #expect(try stage.pythonFinding(line) == .init(problem: nil, entry: nil))
    }
}

/// Holds a database's write lock.
final class Locker {
    private let queue: DatabaseQueue

    init(_ path: String) throws {
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        queue = try DatabaseQueue(path: path, configuration: configuration)
        try lock()
    }

    private func lock() throws { try queue.inDatabase { try $0.execute(sql: "PRAGMA user_version; BEGIN IMMEDIATE") } }
    func letGo() throws { try queue.inDatabase { try $0.execute(sql: "ROLLBACK") } }
}

extension LedgerFilter {
    init(kind: LedgerEntry.Kind) {
        self.init()
        self.kind = kind
    }
}

extension Stage {
    /// - Returns: the path of the export.
    static func export(_ filter: LedgerFilter, of stage: Stage, withContent: Bool = true) throws -> String {
        var text: [UInt8] = []
        _ = try LedgerReader(stage.path).export(filter, withContent: withContent) { text += $0 }
        let file = stage.folder.appendingPathComponent("export-\(UUID().uuidString).jsonl")
        try Data(text).write(to: file)
        return file.path
    }
}

/// What one entry may do to the others.
@Suite(.timeLimit(.minutes(10)))
struct UnrecordableTests {
    /// A note that the database will never take is left out and told of, and those around it are recorded.
    @Test func onePoisonedEntry() async throws {
        let stage = try Stage()
        let writer = try LedgerWriter(stage.configuration)
        // Content for an entry that is not there yet stands in the way of that entry.
        _ = try await writer.begin(try Stage.record(1))
        try await writer.flush()
        try stage.change("INSERT INTO contents VALUES (3, x'01', x'02')")
        for number in 2...6 { writer.note(try Stage.record(number, kept: number == 3)) }
        let intent = try await writer.begin(try Stage.record(7, kept: false))
        #expect(intent >= 6)
        try await writer.close()
        #expect(writer.health.lost + UInt64(try LedgerReader(stage.path).entries(LedgerFilter(), .init(limit: 99)).count { $0.entry.kind != .loss }) == 7)
        #expect(writer.health.isWritable)
    }

    @Test func contentThatWaitsIsBounded() async throws {
        let stage = try Stage()
        var configuration = stage.configuration
        configuration.capacityBytes = 1000
        let writer = try LedgerWriter(configuration)
        var record = try Stage.record(1)
        record.result = .init([UInt8](repeating: 65, count: 1001))
        writer.note(record)
        #expect(writer.health.lost == 1)
        #expect(try await writer.begin(record) > 0, "an intent is waited for, and bounded by who waits")
        for _ in 0..<100 {
            writer.note(try Stage.record(2))
            try await writer.flush()
        }
        try await writer.close()
        #expect(writer.health.lost == 1, "what was written does not count any more")
    }
}
