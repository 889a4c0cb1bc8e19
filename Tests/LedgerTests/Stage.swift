import AgentRuns
import Digests
import Foundation
import GRDB
import Ledger
import Testing

/// A ledger in a folder of its own, with keys that are told.
final class Stage {
    let folder: URL
    let path: String
    let checkpointFile: String
    static let digestKey = [UInt8](repeating: 7, count: 32)
    static let signingSeed = [UInt8](repeating: 9, count: 32)
    let signingKey: SigningKey

    init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("ledger-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        path = folder.appendingPathComponent("ledger.db").path
        checkpointFile = path + ".checkpoints"
        signingKey = try #require(SigningKey(Self.signingSeed))
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    var configuration: LedgerConfiguration {
        LedgerConfiguration(path: path, digestKey: Self.digestKey, signingKey: signingKey, checkpointFile: checkpointFile)
    }

    /// An entry whose every field says something.
    static func record(_ number: Int, kept: Bool = true) throws -> LedgerRecord {
        var entry = LedgerEntry(number % 3 == 0 ? .call : .refusal, time: 1_790_000_000_000_000_000 + UInt64(number) * 1_000_000)
        entry.traceID = TraceID(high: 0x1111, low: UInt64(number))
        entry.spanID = SpanID(UInt64(number) << 8 | 1)
        entry.runID = "run-\(number)"
        entry.requestID = "request-\(number)"
        entry.arm = number % 2 == 0 ? .baseline : .candidate
        entry.mode = .canary
        entry.agent = "support"
        entry.releaseVersion = "v\(number % 2)"
        entry.releaseDigest = "sha256:abc"
        entry.rolloutRevision = 12
        entry.tool = ["lookup", "refund", "send é"][number % 3]
        entry.effect = .write
        entry.verdict = number % 3 == 0 ? .allowed : .refused
        entry.reason = "not on the list"
        entry.refers = 1
        entry.duration = UInt64(number) * 1000
        entry.outcome = .success
        let arguments = Array("{\"order\":\(number)}".utf8)
        return LedgerRecord(
            entry, arguments: .init(arguments, kept: kept ? arguments : nil),
            result: .init(Array("secret \(number)".utf8), kept: kept ? Array("[REDACTED]".utf8) : nil))
    }

    /// Writes `count` entries, with a checkpoint after each `interval`, and closes the ledger.
    func fill(_ count: Int, checkpointEvery interval: Int) async throws {
        let writer = try LedgerWriter(configuration)
        for number in 1...count {
            writer.note(try Self.record(number))
            if number % interval == 0 { _ = try await writer.checkpoint() }
        }
        try await writer.flush()
        try await writer.close()
    }

    func change(_ sql: String, _ arguments: [any DatabaseValueConvertible] = []) throws {
        let queue = try DatabaseQueue(path: path)
        try queue.write { try $0.execute(sql: sql, arguments: StatementArguments(arguments)) }
        try queue.close()
    }

    func data(_ sql: String) throws -> Data {
        try #require(try DatabaseQueue(path: path).read { try Data.fetchOne($0, sql: sql) })
    }

    var verifier: LedgerVerifier {
        LedgerVerifier(publicKey: signingKey.publicKey, digestKey: Self.digestKey, checkpointFile: checkpointFile)
    }

    struct Finding: Equatable { var problem: String?; var entry: UInt64? }

    /// What our verifier says, and what the one in Python says; they must be of one mind.
    func finding(publicKey: Bool = true, checkpoints: Bool = true) throws -> Finding {
        var verifier = verifier
        if !publicKey { verifier.publicKey = nil }
        if !checkpoints { verifier.checkpointFile = nil }
        let found = try verifier.verify(path).finding
        let own = Finding(problem: found?.problem.rawValue, entry: found?.entry)
        let python = try pythonFinding(path, publicKey: publicKey, checkpoints: checkpoints)
        #expect(own == python, "the two verifiers do not agree: \(found?.description ?? "good")")
        return own
    }

    func pythonFinding(_ path: String, publicKey: Bool = true, checkpoints: Bool = true) throws -> Finding {
        let json = try pythonAnswer(path, publicKey: publicKey, checkpoints: checkpoints)
        return Finding(problem: json["problem"] as? String, entry: (json["entry"] as? NSNumber)?.uint64Value)
    }

    /// All that the verifier in Python says.
    func pythonAnswer(_ path: String, publicKey: Bool = true, checkpoints: Bool = true) throws -> [String: Any] {
        let process = Process()
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        process.executableURL = root.appendingPathComponent(".build-venv/bin/python")
        process.arguments = [root.appendingPathComponent("Tests/Support/verify_ledger.py").path, path, "--digest-key", hexText(Self.digestKey)]
            + (publicKey ? ["--public-key", hexText(signingKey.publicKey)] : []) + (checkpoints ? ["--checkpoints", checkpointFile] : [])
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
    }
}
