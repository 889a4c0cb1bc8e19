import Foundation
import FoundationNetworking
import Testing

@testable import ReplayAgents

/// Tests/Support/stub_agent.py as a process, which ends when this one does.
final class StubAgent: Sendable {
    let port: Int
    private let process: Process

    init() throws {
        let input = Pipe()
        let output = Pipe()
        process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", "-B", Support.path("stub_agent.py")]
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        var text = Data()
        while !text.contains(UInt8(ascii: "\n")) {
            let more = output.fileHandleForReading.availableData
            try #require(!more.isEmpty, "the stub did not start")
            text.append(more)
        }
        port = try #require(Int(String(decoding: text, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)))
    }

    deinit { kill(process.processIdentifier, SIGKILL) }

    func url(_ path: String = "/agent") throws -> AgentURL { try AgentURL(parsing: "http://127.0.0.1:\(port)\(path)") }

    func get(_ path: String) async throws -> Any {
        let url = try #require(URL(string: "http://127.0.0.1:\(port)\(path)"))
        let (data, _) = try await URLSession.shared.data(from: url)
        return try JSONSerialization.jsonObject(with: data)
    }
}

enum Support {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    static func path(_ name: String) -> String { root.appendingPathComponent("Tests/Support/\(name)").path }

    static let execAgent = "exec python3 -B '\(path("stub_exec_agent.py"))'"
}
