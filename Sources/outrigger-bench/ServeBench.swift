import ArgumentParser
import Glibc

/// What the sidecar costs a request, beside nginx in front of the same upstream: `wrk` is the load, all on this machine.
///
/// Each round asks the upstream directly, through nginx and through the sidecar, one after the other; the medians of the
/// rounds are compared. Routing, spans, the spool and the export are on.
struct ServeBench: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "serve", abstract: "The sidecar beside nginx: needs nginx and wrk.")

    @Option(help: "Measurements of each; the median counts.") var repeats = 5
    @Option(help: "Seconds of each measurement.") var seconds = 4

    func run() throws {
        let bench = try Bench()
        defer { bench.stop() }
        let stage = try ServeStage(bench)
        defer { stage.stop() }
        var rates: [String: [Double]] = [:]
        var latencies: [String: [Double]] = [:]
        for round in 1...max(1, repeats) {
            for (name, port) in stage.targets {
                let busy = try stage.load(port, connections: 32, seconds: seconds)
                let single = try stage.load(port, connections: 1, seconds: max(1, seconds / 2))
                rates[name, default: []].append(busy.rate)
                latencies[name, default: []].append(single.median)
                print("round \(round): \(name.padded(10)) \(Bench.rounded(busy.rate, 0)) requests/s, \(Bench.rounded(single.median, 0)) µs alone")
            }
        }
        func median(_ values: [Double]?) -> Double { values?.sorted()[(values?.count ?? 1) / 2] ?? .nan }
        let nginx = median(rates["nginx"])
        let sidecar = median(rates["outrigger"])
        let direct = median(latencies["direct"])
        print("\nmedians of \(repeats), 1 kB bodies:")
        for (name, _) in stage.targets {
            print("  \(name.padded(10)) \(Bench.rounded(median(rates[name]), 0)) requests/s at 32 connections, "
                + "\(Bench.rounded(median(latencies[name]), 0)) µs at one (\(Bench.rounded(median(latencies[name]) - direct, 0)) more than direct)")
        }
        print("  outrigger has \(Bench.rounded(sidecar / nginx, 2)) of nginx's rate; resident memory: "
            + "\(Bench.rounded(stage.idleMemory, 1)) MB idle, \(Bench.rounded(stage.memory(), 1)) MB after the load")
    }
}

/// The processes of the benchmark: an upstream and a proxy of nginx, and the sidecar.
private final class ServeStage {
    private(set) var targets: [(name: String, port: Int)] = []
    private var processes: [pid_t] = []
    private let sidecar: pid_t
    let idleMemory: Double
    private let folder: String
    private static let files = ["upstream.conf", "proxy.conf", "sidecar.yaml", "post.lua", "wrk.txt", "upstream.pid", "proxy.pid", "errors.log"]

    init(_ bench: Bench) throws {
        folder = bench.folder
        let ports = try (0..<4).map { _ in try Self.freePort() }
        let answer = #"{"response":"hello","outcome":"success","cost_tokens":12,"tool_calls":[{"name":"lookup","args":{"q":1},"result":{"a":2},"duration_ms":3}],"pad":"\#(String(repeating: "x", count: 850))"}"#
        func nginx(_ name: String, _ body: String) throws -> pid_t {
            try Self.write("\(bench.folder)/\(name).conf", """
                daemon off; worker_processes 2; error_log \(bench.folder)/errors.log; pid \(bench.folder)/\(name).pid;
                events { worker_connections 4096; }
                http { access_log off; keepalive_requests 100000000; \(body) }

                """)
            return try Measurement.spawn(["/usr/sbin/nginx", "-c", "\(bench.folder)/\(name).conf"])
        }
        processes.append(try nginx("upstream", "server { listen 127.0.0.1:\(ports[0]) backlog=1024; location / { default_type application/json; return 200 '\(answer)'; } }"))
        processes.append(try nginx("proxy", """
            upstream agent { server 127.0.0.1:\(ports[0]); keepalive 64; }
            server { listen 127.0.0.1:\(ports[1]) backlog=1024; location / { proxy_pass http://agent; proxy_http_version 1.1; proxy_set_header Connection ""; } }
            """))
        try Self.write("\(bench.folder)/sidecar.yaml", """
            listen: 127.0.0.1:\(ports[2])
            admin: {listen: "127.0.0.1:\(ports[3])"}
            agents: {baseline: {url: "http://127.0.0.1:\(ports[0])", version: v1}, candidate: {url: "http://127.0.0.1:\(ports[0])", version: v2}}
            rollout: {id: bench, mode: canary, percent: 10%}
            telemetry: {service_name: bench, endpoint: "\(bench.endpoint)", spool: {directory: \(bench.folder)/spool}}

            """)
        try Self.write("\(bench.folder)/post.lua", """
            wrk.method = "POST"
            wrk.body = '{"request":"' .. string.rep("q", 1000) .. '"}'
            wrk.headers["content-type"] = "application/json"

            """)
        sidecar = try Measurement.spawn([bench.outrigger, "serve", "--config", "\(bench.folder)/sidecar.yaml"])
        processes.append(sidecar)
        targets = [("direct", ports[0]), ("nginx", ports[1]), ("outrigger", ports[2])]
        for (name, port) in targets {
            var tries = 0
            while !Self.answers(port) {
                tries += 1
                guard tries < 500 else { throw BenchError("\(name) does not listen; are nginx and wrk installed?") }
                usleep(10_000)
            }
        }
        sleep(1)
        idleMemory = Self.memory(of: sidecar)
    }

    func memory() -> Double { Self.memory(of: sidecar) }

    func stop() {
        for process in processes.reversed() {
            kill(process, SIGTERM)
            var status: Int32 = 0
            waitpid(process, &status, 0)
        }
        for name in Self.files { unlink("\(folder)/\(name)") }
        if let directory = opendir("\(folder)/spool") {
            while let entry = readdir(directory) {
                let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
                unlink("\(folder)/spool/\(name)")
            }
            closedir(directory)
            rmdir("\(folder)/spool")
        }
    }

    /// Requests per second, and the median latency in microseconds.
    func load(_ port: Int, connections: Int, seconds: Int) throws -> (rate: Double, median: Double) {
        let file = "\(folder)/wrk.txt"
        let result = try Measurement.run(
            ["/usr/bin/wrk", "-t1", "-c\(connections)", "-d\(seconds)s", "--latency", "-s", "\(folder)/post.lua", "http://127.0.0.1:\(port)/run"],
            output: file)
        let text = Bench.text(of: file) ?? ""
        guard result.status == 0, !text.contains("Non-2xx"), !text.contains("Socket errors") else { throw BenchError("wrk: \(text)") }
        func field(_ name: String) -> Substring? {
            text.split(separator: "\n").first { $0.drop { $0 == " " }.hasPrefix(name) }?.split(separator: " ").last
        }
        guard let rate = field("Requests/sec:").flatMap({ Double($0) }), let latency = field("50%") else { throw BenchError("wrk said: \(text)") }
        let digits = latency.prefix { $0.isNumber || $0 == "." }
        let unit = latency.dropFirst(digits.count)
        return (rate, (Double(digits) ?? .nan) * (unit == "us" ? 1 : unit == "ms" ? 1000 : 1_000_000))
    }

    /// Resident, in MB.
    private static func memory(of process: pid_t) -> Double {
        let fields = (Bench.text(of: "/proc/\(process)/statm") ?? "").split(separator: " ")
        return (fields.count > 1 ? Double(fields[1]) ?? .nan : .nan) * 4096 / 1e6
    }

    private static func write(_ path: String, _ text: String) throws {
        guard let file = fopen(path, "w") else { throw BenchError("cannot write \(path)") }
        defer { fclose(file) }
        fputs(text, file)
    }

    private static func freePort() throws -> Int {
        let (descriptor, port) = connection { address in
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            var size = socklen_t(MemoryLayout<sockaddr_in>.size)
            return bind(descriptor, address, size) == 0 && getsockname(descriptor, address, &size) == 0 ? descriptor : -1
        }
        guard descriptor >= 0 else { throw BenchError("no port is free") }
        close(descriptor)
        return port
    }

    private static func answers(_ port: Int) -> Bool {
        let (descriptor, _) = connection(port) { address in
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            guard connect(descriptor, address, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0 else {
                close(descriptor)
                return -1
            }
            return descriptor
        }
        if descriptor >= 0 { close(descriptor) }
        return descriptor >= 0
    }

    private static func connection(_ port: Int = 0, _ body: (UnsafeMutablePointer<sockaddr>) -> Int32) -> (Int32, Int) {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        let result = withUnsafeMutablePointer(to: &address) { $0.withMemoryRebound(to: sockaddr.self, capacity: 1, body) }
        return (result, Int(UInt16(bigEndian: address.sin_port)))
    }
}

extension String {
    fileprivate func padded(_ width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
