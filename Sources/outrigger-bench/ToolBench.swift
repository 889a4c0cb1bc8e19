import ArgumentParser
import Glibc

/// What the audit ledger costs the tool gateway: calls per second of runs under way, with and without it.
///
/// An agent holds as many runs open as are asked for; `wrk` calls a tool with their tokens, as many calls at once as there are
/// runs. The tool is nginx, which answers at once. Each round starts a sidecar without and one with a ledger; the medians of
/// the rounds are compared.
struct ToolBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tools", abstract: "The tool gateway with the ledger on and off: needs nginx and wrk.")

    @Option(help: "Measurements of each; the median counts.") var repeats = 5
    @Option(help: "Seconds of each measurement.") var seconds = 4
    @Option(help: "Runs under way, and calls at once.") var concurrent = 64

    private static let tools = ["lookup", "send"]

    func run() throws {
        let bench = try Bench()
        defer { bench.stop() }
        let stage = try ServeStage(bench)
        defer { stage.stop() }
        let ledger = "\(bench.folder)/ledger.db"
        let keys = try Measurement.run([bench.outrigger, "audit", "keys", ledger], output: "\(bench.folder)/keys.txt")
        guard keys.status == 0 else { throw BenchError("outrigger audit keys failed") }
        defer {
            for suffix in ["", "-wal", "-shm", ".lock", ".checkpoints", ".digest-key", ".signing-key", ".public-key"] { unlink(ledger + suffix) }
            for name in ["keys.txt", "tools.lua"] { unlink("\(bench.folder)/\(name)") }
        }
        var rates: [String: [Double]] = [:]
        for round in 1...max(1, repeats) {
            for (name, audit) in [("without", ""), ("with a ledger", "audit: {file: \"\(ledger)\"}")] {
                for (tool, rate) in try measure(bench, stage, "tools-\(round)-\(audit.isEmpty ? "off" : "on")", audit) {
                    rates["\(tool) \(name)", default: []].append(rate)
                    print("round \(round): \(tool) \(name): \(Bench.rounded(rate, 0)) calls/s")
                }
            }
        }
        func median(_ name: String) -> Double { (rates[name] ?? []).sorted()[max(1, repeats) / 2] }
        print("\nmedians of \(repeats), \(concurrent) runs under way:")
        for (tool, effect) in [("lookup", "reads"), ("send", "writes")] {
            let (off, on) = (median("\(tool) without"), median("\(tool) with a ledger"))
            print("  \(effect): \(Bench.rounded(off, 0)) calls/s without a ledger, \(Bench.rounded(on, 0)) with one: "
                + "\(Bench.rounded(100 * on / off, 0)) % of the rate")
        }
    }

    private func measure(_ bench: Bench, _ stage: ServeStage, _ name: String, _ audit: String) throws -> [(String, Double)] {
        let agent = try HeldRuns()
        let port = try ServeStage.freePort()
        let sidecar = try stage.startSidecar(
            name, baseline: agent.url, candidate: agent.url, rollout: "mode: baseline",
            more: """
                tools:
                  listen: 127.0.0.1:\(port)
                  limits: {calls_per_run: 10000}
                  upstreams:
                    lookup: {url: "\(stage.upstream)/lookup", effect: read}
                    send: {url: "\(stage.upstream)/send", effect: write}
                \(audit)
                """)
        defer {
            agent.release()
            stage.end(sidecar)
        }
        let tokens = try agent.hold(concurrent, through: sidecar.port)
        return try Self.tools.map { tool in
            let script = "\(bench.folder)/tools.lua"
            try ServeStage.write(script, """
                local tokens = { \(tokens.map { "\"\($0)\"" }.joined(separator: ", ")) }
                local requests = {}
                local next = 0
                function init(args)
                    for i, token in ipairs(tokens) do
                        requests[i] = wrk.format("POST", "/tools/\(tool)",
                            { ["x-outrigger-run-token"] = token, ["content-type"] = "application/json" },
                            '{"order_id":"K3DEGZ","reason":"a customer asked"}')
                    end
                end
                function request()
                    next = next % #requests + 1
                    return requests[next]
                end

                """)
            return (tool, try stage.wrk("http://127.0.0.1:\(port)", script: script, connections: concurrent, seconds: seconds).rate)
        }
    }
}

/// An agent that answers no run before it is told to, and tells the runs' tokens.
private final class HeldRuns {
    private let listener: CInt
    let url: String
    private var connections: [CInt] = []

    init() throws {
        let (descriptor, port) = ServeStage.connection { address in
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            var size = socklen_t(MemoryLayout<sockaddr_in>.size)
            return bind(descriptor, address, size) == 0 && listen(descriptor, 1024) == 0 && getsockname(descriptor, address, &size) == 0
                ? descriptor : -1
        }
        guard descriptor >= 0 else { throw BenchError("the agent cannot listen") }
        listener = descriptor
        url = "http://127.0.0.1:\(port)"
    }

    /// Sends requests through the sidecar, and leaves them without an answer.
    ///
    /// - Returns: the tokens that came with them.
    func hold(_ count: Int, through port: Int) throws -> [String] {
        try (0..<count).map { _ in
            let (client, _) = ServeStage.connection(port) { address in
                let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
                return connect(descriptor, address, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0 ? descriptor : -1
            }
            guard client >= 0 else { throw BenchError("the sidecar cannot be reached") }
            connections.append(client)
            let request = Array("POST /run HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}".utf8)
            guard send(client, request, request.count, 0) == request.count else { throw BenchError("the sidecar takes no request") }
            let agent = accept(listener, nil, nil)
            guard agent >= 0 else { throw BenchError("the sidecar does not ask the agent") }
            connections.append(agent)
            return try Self.token(agent)
        }
    }

    private static func token(_ connection: CInt) throws -> String {
        var text = ""
        var buffer = [UInt8](repeating: 0, count: 1 << 14)
        while !text.contains("\r\n\r\n") {
            let count = recv(connection, &buffer, buffer.count, 0)
            guard count > 0 else { throw BenchError("the sidecar closed a run") }
            text += String(decoding: buffer[..<count], as: UTF8.self)
        }
        for line in text.split(separator: "\r\n") where line.lowercased().hasPrefix("x-outrigger-run-token:") {
            return line.drop { $0 != ":" }.dropFirst().filter { $0 != " " }
        }
        throw BenchError("a run came without a token")
    }

    func release() {
        for connection in connections { close(connection) }
        connections = []
        close(listener)
    }
}
