import Foundation
import Ledger
import Testing

/// What is taken away from a ledger while another writes it.
@Suite(.timeLimit(.minutes(10)))
struct LedgerKeeperTests {
    /// Runs what waits for the writer on a thread of its own, and has the writer look for requests until it is over.
    private func whileWriting<Result: Sendable>(
        _ writer: LedgerWriter, _ body: @escaping @Sendable () throws -> Result
    ) async throws -> Result {
        let looking = Task {
            while !Task.isCancelled {
                writer.lookForRequests()
                try await Task.sleep(for: .milliseconds(10))
            }
        }
        defer { looking.cancel() }
        return try await onAThread(body)
    }

    private func onAThread<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        try await withCheckedThrowingContinuation { done in
            Thread.detachNewThread { done.resume(with: Swift.Result(catching: body)) }
        }
    }

    @Test func erasedByTheWriter() async throws {
        let stage = try Stage()
        try await stage.fill(25, checkpointEvery: 10)
        let writer = try LedgerWriter(stage.configuration)
        _ = try await writer.begin(try Stage.record(26))
        let keeper = LedgerKeeper(stage.configuration)
        #expect(try await whileWriting(writer) { try keeper.erase([3, 7, 26, 400], reason: "request\n12 é") } == 3)
        // The file and the log as they are on the disk, with the writer still there.
        for suffix in ["", "-wal"] {
            let bytes = (try? Data(contentsOf: URL(fileURLWithPath: stage.path + suffix))) ?? Data()
            for number in [3, 7, 26] { #expect(bytes.range(of: Data("{\"order\":\(number)}".utf8)) == nil, "\(number) in the file\(suffix)") }
        }
        #expect(try LedgerReader(stage.path).entry(7)?.result == nil)
        #expect(try LedgerReader(stage.path).entry(8)?.result != nil)
        let erasures = try LedgerReader(stage.path).entries(LedgerFilter(kind: .erasure), .init(limit: 9))
        #expect(erasures.map(\.entry.refers) == [26, 7, 3] && erasures.allSatisfy { $0.entry.reason == "request\n12 é" })
        #expect(try stage.finding() == .init(problem: nil, entry: nil), "a checkpoint covers the erasures")
        #expect(try await writer.begin(try Stage.record(30)) == 30, "it goes on")
        #expect(try await whileWriting(writer) { try keeper.erase([3], reason: "again") } == 0)
        #expect(!FileManager.default.fileExists(atPath: stage.path + ".requests"), "nothing is left behind")
        try await writer.close()
        #expect(writer.health.written == 5 && writer.health.isWritable)
        #expect(try stage.finding() == .init(problem: nil, entry: nil))
    }

    @Test func prunedByTheWriter() async throws {
        let stage = try Stage()
        try await stage.fill(25, checkpointEvery: 10)
        let writer = try LedgerWriter(stage.configuration)
        let keeper = LedgerKeeper(stage.configuration)
        let time = try Stage.record(22).entry.time
        #expect(try await whileWriting(writer) { try keeper.prune(before: time, reason: "retention") } == 20)
        #expect(try await writer.begin(try Stage.record(30)) == 27)
        try await writer.close()
        #expect(try LedgerReader(stage.path).overview().pruned == 20)
        #expect(try stage.finding() == .init(problem: nil, entry: nil))
    }

    /// Another command writes the ledger, which takes no requests.
    @Test func nobodyTakesIt() async throws {
        let stage = try Stage()
        try await stage.fill(5, checkpointEvery: 10)
        let other = try LedgerMaintenance(stage.configuration)
        let keeper = LedgerKeeper(stage.configuration, patience: 1)
        let refusal = #expect(throws: LedgerError.self) { try keeper.erase([3], reason: "asked") }
        #expect(refusal?.kind == .inUse && refusal?.message.contains("only a sidecar does") == true)
        #expect(!FileManager.default.fileExists(atPath: stage.path + ".requests"))
        #expect(other.count == 5)
    }

    /// The writer ends while it is asked: then it is done without it.
    @Test func theWriterEnds() async throws {
        let stage = try Stage()
        try await stage.fill(5, checkpointEvery: 10)
        let writer = try LedgerWriter(stage.configuration)
        let keeper = LedgerKeeper(stage.configuration)
        let folder = stage.path + ".requests"
        async let count = onAThread { try keeper.erase([3], reason: "asked") }
        while !FileManager.default.fileExists(atPath: folder) { try await Task.sleep(for: .milliseconds(5)) }
        try await writer.close()
        #expect(try await count == 1)
        #expect(try stage.finding() == .init(problem: nil, entry: nil))
    }

    /// A folder that others can write in is nobody's word, and what is no request is answered as that.
    @Test func whatIsNoRequest() async throws {
        let stage = try Stage()
        try await stage.fill(5, checkpointEvery: 10)
        let writer = try LedgerWriter(stage.configuration)
        let files = FileManager.default
        let folder = stage.path + ".requests"
        try files.createDirectory(atPath: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o777])
        try files.setAttributes([.posixPermissions: 0o777], ofItemAtPath: folder)
        try "outrigger/ledger-request/1\nerase\n61\n3\n".write(toFile: folder + "/a.request", atomically: false, encoding: .utf8)
        writer.lookForRequests()
        try await writer.flush()
        #expect(try LedgerReader(stage.path).entry(3)?.result != nil)
        let keeper = LedgerKeeper(stage.configuration)
        let refusal = #expect(throws: LedgerError.self) { try keeper.erase([3], reason: "asked") }
        #expect(refusal?.kind == .refused)
        try files.setAttributes([.posixPermissions: 0o700], ofItemAtPath: folder)
        for (name, text) in [("b", "erase everything"), ("c", "outrigger/ledger-request/1\nerase\n61\nthree\n"), ("d", "outrigger/ledger-request/1\nerase\n61\n3")] {
            try text.write(toFile: folder + "/\(name).request", atomically: false, encoding: .utf8)
        }
        try files.createSymbolicLink(atPath: folder + "/e.request", withDestinationPath: folder + "/a.request")
        writer.lookForRequests()
        while !files.fileExists(atPath: folder + "/e.answer") { try await Task.sleep(for: .milliseconds(5)) }
        for name in ["b", "c", "d", "e"] { #expect(try String(contentsOfFile: folder + "/\(name).answer", encoding: .utf8).hasPrefix("failed ")) }
        #expect(try String(contentsOfFile: folder + "/a.answer", encoding: .utf8) == "done 1\n", "it is the owner's word now")
        #expect(writer.health.isWritable)
        try await writer.close()
        #expect(try stage.finding() == .init(problem: nil, entry: nil))
    }
}
