import Foundation
import Testing

/// A collector that misbehaves as told: Tests/Support/collector_stub.py.
final class StubCollector {
    let port: Int
    let store: URL
    private let command: Command

    /// - Parameters:
    ///   - script: JSON steps, one for each request.
    ///   - arguments: more flags of the program.
    init(script: String? = nil, _ arguments: [String] = []) throws {
        let folder = try Scratch.folder()
        store = folder.appendingPathComponent("store")
        let portFile = folder.appendingPathComponent("port")
        var all = ["--port-file", portFile.path, "--store", store.path, "--max-seconds", "280"] + arguments
        if let script { all += ["--script", script] }
        let command = try Project.support("collector_stub", all)
        self.command = command
        var port: Int?
        try eventually("the stub listens") {
            let errors = try command.errorsSoFar
            try #require(command.process.isRunning, "the stub ended: \(errors)")
            guard let text = FileManager.default.contents(atPath: portFile.path) else { return false }
            port = Int(String(decoding: text, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines))
            return port != nil
        }
        self.port = try #require(port)
    }

    deinit { command.kill() }

    var endpoint: String { "http://127.0.0.1:\(port)" }
    var requestsFile: String { store.appendingPathComponent("requests.jsonl").path }

    struct Request: Decodable {
        var path: String
        var headers: [String: String]
        var status: Int
        var spans: Int
        var accepted: Bool
        var rejected: Int?
        var body_b64: String?
    }

    /// All requests so far, in order of arrival.
    var requests: [Request] {
        get throws {
            guard let text = FileManager.default.contents(atPath: requestsFile) else { return [] }
            // A kill of the stub can leave half a line; a running stub writes whole ones.
            let whole = text.split(separator: UInt8(ascii: "\n"))
            return try whole.map { try JSONDecoder().decode(Request.self, from: Data($0)) }
        }
    }

    struct Stats: Decodable {
        var requests: Int
        var spans_accepted: Int
        var unique_spans: Int
        var duplicate_spans: Int
    }

    var stats: Stats {
        get throws {
            try JSONDecoder().decode(Stats.self, from: try Loopback.get(port, "/_stats"))
        }
    }
}

extension [String: Any] {
    /// The number at a path such as `spans.accepted`.
    func number(_ path: String) throws -> Int {
        try #require(value(path) as? NSNumber, "no number at \(path) in \(self)").intValue
    }

    func value(_ path: String) -> Any? {
        path.split(separator: ".").reduce(self as Any?) { ($0 as? [String: Any])?[String($1)] }
    }
}

/// Checks that a summary's numbers add up, as every summary's must.
func expectNumbersAddUp(_ summary: [String: Any], sourceLocation: SourceLocation = #_sourceLocation) throws {
    let lines = try summary.number("lines.total")
    let parts = try summary.number("lines.empty") + summary.number("lines.runs") + summary.number("lines.rejected")
    #expect(lines == parts, "lines in \(summary)", sourceLocation: sourceLocation)
    let runs = try ["selected", "already_delivered", "filtered", "sampled_out", "beyond_limit"]
        .reduce(0) { try $0 + summary.number("runs.\($1)") }
    #expect(try summary.number("lines.runs") == runs, "runs in \(summary)", sourceLocation: sourceLocation)
    let spans = try ["accepted", "rejected", "unsent", "not_exported"].reduce(0) { try $0 + summary.number("spans.\($1)") }
    #expect(try summary.number("spans.built") == spans, "spans in \(summary)", sourceLocation: sourceLocation)
}
