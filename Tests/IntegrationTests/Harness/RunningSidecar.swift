import Foundation
import FoundationNetworking
import Testing

/// What the load says at its end.
struct LoadReport {
    var answered: Int
    var by: [String: Int]
    var failures: [String]
    /// Of the requests whose answers came whole, with `--list`.
    var ids: [String]

    init(_ result: Command.Result) throws {
        let summary = try result.summary
        answered = try summary.number("answered")
        by = summary["by"] as? [String: Int] ?? [:]
        failures = summary["failures"] as? [String] ?? []
        ids = summary["ids"] as? [String] ?? []
    }
}

/// A sidecar before two agents, on free ports.
final class RunningSidecar {
    let port: Int
    let admin: Int
    let config: String
    let command: Command
    let agents: [LiveAgent]

    /// - Parameters:
    ///   - tls: PEM files of the agents' certificate and key, and of the authorities that the sidecar trusts, if any.
    ///   - fileLimit: kilobytes that a file of the sidecar may have; nil for no limit.
    ///   - more: lines of its configuration.
    ///   - environment: beside what is always set.
    convenience init(
        collector: Int, mode: String, percent: String? = nil, shutdown: String = "{drain: 20s}",
        tls: (certificate: String, key: String, authorities: String?)? = nil, fileLimit: Int? = nil, more: [String] = [],
        environment: [String: String] = [:]
    ) throws {
        let flags = tls.map { ["--tls", $0.certificate, $0.key] } ?? []
        let agents = [try LiveAgent("baseline", flags), try LiveAgent("candidate", flags)]
        let scheme = tls == nil ? "http" : "https"
        let authorities = tls?.authorities.map { ", ca_file: \"\($0)\"" } ?? ""
        let folder = try Scratch.folder().path
        let (port, admin) = (try Loopback.freePort(), try Loopback.freePort())
        let config = try Scratch.file([
            "listen: 127.0.0.1:\(port)", "admin: {listen: \"127.0.0.1:\(admin)\"}", "agents:",
            "  baseline: {url: \"\(scheme)://127.0.0.1:\(agents[0].port)\", version: v1\(authorities)}",
            "  candidate: {url: \"\(scheme)://127.0.0.1:\(agents[1].port)\", version: v2\(authorities)}",
            "rollout: {id: test, mode: \(mode), \(percent.map { "percent: \($0), " } ?? "")state_file: \(folder)/rollout.json}",
            "routing: {keys: [{header: x-user}]}", "shutdown: \(shutdown)",
            "telemetry: {service_name: test, endpoint: \"http://127.0.0.1:\(collector)\", spool: {directory: \(folder)/spool}}",
        ] + more, name: "sidecar.yaml")
        try self.init(port, admin, config, agents, fileLimit: fileLimit, environment)
    }

    /// The same sidecar once more, with another collector.
    convenience init(like other: RunningSidecar, collector: Int) throws {
        let text = try String(contentsOfFile: other.config, encoding: .utf8)
        let start = try #require(text.range(of: "endpoint: \"http://127.0.0.1:"))
        let end = try #require(text[start.upperBound...].firstIndex(of: "\""))
        let changed = text.replacingCharacters(in: start.upperBound..<end, with: "\(collector)")
        try changed.write(toFile: other.config, atomically: true, encoding: .utf8)
        try self.init(other.port, other.admin, other.config, other.agents)
    }

    private init(
        _ port: Int, _ admin: Int, _ config: String, _ agents: [LiveAgent], fileLimit: Int? = nil, _ environment: [String: String] = [:]
    ) throws {
        self.port = port
        self.admin = admin
        self.config = config
        self.agents = agents
        let command = try Outrigger.start(
            ["serve", "--config", config], environment: environment.merging(["OTEL_BSP_SCHEDULE_DELAY": "50"]) { $1 }, fileLimit: fileLimit)
        self.command = command
        try eventually("the sidecar is ready") {
            let errors = try command.errorsSoFar
            try #require(command.process.isRunning, "it ended: \(errors)")
            guard Loopback.answers(admin) else { return false }
            return (try? Loopback.get(admin, "/readyz")).map { String(decoding: $0, as: UTF8.self).contains("\"ready\"") } ?? false
        }
    }

    static func load(_ sidecar: RunningSidecar, _ arguments: [String]) throws -> LoadReport {
        try LoadReport(try Project.support("live_load", ["--port", "\(sidecar.port)"] + arguments).wait())
    }

    func end() throws -> Command.Result {
        command.terminate()
        return try command.wait()
    }

    /// A metric without labels.
    func metric(_ name: String) throws -> Int {
        let text = String(decoding: try Loopback.get(admin, "/metrics"), as: UTF8.self)
        let line = try #require(text.split(separator: "\n").first { $0.hasPrefix(name + " ") }, "no metric \(name)")
        return try #require(Int(line.dropFirst(name.count + 1)))
    }

    /// The sum of a metric over its labels; 0 when there are none.
    func dropped(_ name: String) throws -> Int {
        String(decoding: try Loopback.get(admin, "/metrics"), as: UTF8.self).split(separator: "\n").filter { $0.hasPrefix(name + "{") }
            .reduce(0) { sum, line in sum + (line.split(separator: " ").last.flatMap { Int($0) } ?? 0) }
    }

    func rollout() throws -> [String: Any] {
        try #require(JSONSerialization.jsonObject(with: try Loopback.get(admin, "/v1/rollout")) as? [String: Any])
    }

    func put(_ change: [String: Any], revision: Int) throws -> [String: Any] {
        var request = URLRequest(url: try #require(URL(string: "http://127.0.0.1:\(admin)/v1/rollout")))
        request.httpMethod = "PUT"
        request.httpBody = try JSONSerialization.data(withJSONObject: change)
        request.setValue("\"\(revision)\"", forHTTPHeaderField: "If-Match")
        let (data, _) = try Self.send(request)
        return try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
    }

    /// Which arm answers a user; nil where the answer does not say.
    func arm(of user: String) throws -> String? {
        var request = URLRequest(url: try #require(URL(string: "http://127.0.0.1:\(port)/run")))
        request.setValue(user, forHTTPHeaderField: "x-user")
        return try Self.send(request).1.value(forHTTPHeaderField: "x-outrigger-role")
    }

    private static func send(_ request: URLRequest) throws -> (Data, HTTPURLResponse) {
        final class Box: @unchecked Sendable { var result: Result<(Data, HTTPURLResponse), any Error>? }
        let box = Box()
        let done = DispatchSemaphore(value: 0)
        URLSession.shared.dataTask(with: request) { data, response, error in
            if let data, let response = response as? HTTPURLResponse {
                box.result = .success((data, response))
            } else {
                box.result = .failure(error ?? URLError(.unknown))
            }
            done.signal()
        }.resume()
        done.wait()
        return try #require(box.result).get()
    }
}

/// Tests/Support/live_agent.py.
final class LiveAgent {
    let port: Int
    private let command: Command
    private let input = Pipe()

    init(_ name: String, _ flags: [String] = []) throws {
        let command = try Command(
            Project.python, ["-B", Project.root.appendingPathComponent("Tests/Support/live_agent.py").path, name] + flags,
            input: input.fileHandleForReading)
        self.command = command
        var port: Int?
        try eventually("the agent listens") {
            port = Int(try command.outputSoFar.split(separator: "\n").first ?? "")
            return port != nil
        }
        self.port = try #require(port)
    }

    deinit { command.kill() }
}
