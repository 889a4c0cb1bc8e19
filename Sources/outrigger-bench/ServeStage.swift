import Glibc

/// The processes of the benchmark: an upstream and a proxy of nginx, and the sidecar.
final class ServeStage {
    private(set) var targets: [(name: String, port: Int)] = []
    private var processes: [pid_t] = []
    private var sidecars: [String] = []
    private(set) var sidecar = Process(id: 0, port: 0)
    private(set) var idleMemory = 0.0
    /// The URL of an agent that answers at once.
    let upstream: String
    private let folder: String
    private let outrigger: String
    private let endpoint: String
    private let processors: [Int]?
    /// For wrk.
    private static let request = """
        wrk.method = "POST"
        wrk.body = '{"request":"' .. string.rep("q", 1000) .. '"}'
        wrk.headers["content-type"] = "application/json"

        """
    private static let files = ["upstream.conf", "proxy.conf", "post.lua", "wrk.txt", "upstream.pid", "proxy.pid", "errors.log"]

    /// - Parameter processors: which processors all that is started may use; nil for all.
    init(_ bench: Bench, processors: [Int]? = nil) throws {
        self.processors = processors
        folder = bench.folder
        outrigger = bench.outrigger
        endpoint = bench.endpoint
        let ports = try (0..<2).map { _ in try Self.freePort() }
        upstream = "http://127.0.0.1:\(ports[0])"
        let answer = #"{"response":"hello","outcome":"success","cost_tokens":12,"tool_calls":[{"name":"lookup","args":{"q":1},"result":{"a":2},"duration_ms":3}],"pad":"\#(String(repeating: "x", count: 850))"}"#
        func nginx(_ name: String, _ body: String) throws -> pid_t {
            try Self.write("\(bench.folder)/\(name).conf", """
                daemon off; worker_processes 2; error_log \(bench.folder)/errors.log; pid \(bench.folder)/\(name).pid;
                events { worker_connections 4096; }
                http { access_log off; keepalive_requests 100000000; \(body) }

                """)
            return try Measurement.spawn(["/usr/sbin/nginx", "-c", "\(bench.folder)/\(name).conf"], processors: processors)
        }
        processes.append(try nginx("upstream", "server { listen 127.0.0.1:\(ports[0]) backlog=1024; location / { default_type application/json; return 200 '\(answer)'; } }"))
        processes.append(try nginx("proxy", """
            upstream agent { server 127.0.0.1:\(ports[0]); keepalive 64; }
            server { listen 127.0.0.1:\(ports[1]) backlog=1024; location / { proxy_pass http://agent; proxy_http_version 1.1; proxy_set_header Connection ""; } }
            """))
        try Self.await("the upstream", ports[0])
        try Self.await("nginx", ports[1])
        sidecar = try startSidecar("canary", baseline: upstream, candidate: upstream, rollout: "mode: canary, percent: 10%")
        targets = [("direct", ports[0]), ("nginx", ports[1]), ("outrigger", sidecar.port)]
        sleep(1)
        idleMemory = sidecar.memory
    }

    /// A sidecar that listens.
    struct Process {
        let id: pid_t
        let port: Int

        /// Resident, in MB.
        var memory: Double {
            let fields = (Bench.text(of: "/proc/\(id)/statm") ?? "").split(separator: " ")
            return (fields.count > 1 ? Double(fields[1]) ?? .nan : .nan) * 4096 / 1e6
        }
    }

    /// - Parameters:
    ///   - name: of its files.
    ///   - rollout: what the configuration says of it beside its id.
    ///   - more: lines of the configuration.
    func startSidecar(_ name: String, baseline: String, candidate: String, rollout: String, more: String = "") throws -> Process {
        let (port, admin) = (try Self.freePort(), try Self.freePort())
        try Self.write("\(folder)/\(name).yaml", """
            listen: 127.0.0.1:\(port)
            admin: {listen: "127.0.0.1:\(admin)"}
            agents: {baseline: {url: "\(baseline)", version: v1}, candidate: {url: "\(candidate)", version: v2}}
            rollout: {id: bench, \(rollout)}
            telemetry: {service_name: bench, endpoint: "\(endpoint)", spool: {directory: \(folder)/spool-\(name)}}
            \(more)

            """)
        let id = try Measurement.spawn([outrigger, "serve", "--config", "\(folder)/\(name).yaml"], processors: processors)
        processes.append(id)
        sidecars.append(name)
        try Self.await("the sidecar", port)
        return Process(id: id, port: port)
    }

    private static func await(_ name: String, _ port: Int) throws {
        for _ in 0..<500 {
            if answers(port) { return }
            usleep(10_000)
        }
        throw BenchError("\(name) does not listen; are nginx and wrk installed?")
    }

    /// Ends a sidecar before the stage is cleared.
    func end(_ sidecar: Process) {
        processes.removeAll { $0 == sidecar.id }
        Self.end(sidecar.id)
    }

    private static func end(_ process: pid_t) {
        kill(process, SIGTERM)
        var status: Int32 = 0
        waitpid(process, &status, 0)
    }

    func stop() {
        for process in processes.reversed() { Self.end(process) }
        for name in Self.files { unlink("\(folder)/\(name)") }
        for name in sidecars {
            unlink("\(folder)/\(name).yaml")
            Self.remove("\(folder)/spool-\(name)")
        }
    }

    private static func remove(_ folder: String) {
        guard let directory = opendir(folder) else { return }
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            unlink("\(folder)/\(name)")
        }
        closedir(directory)
        rmdir(folder)
    }

    /// Requests per second, and the median latency in microseconds.
    ///
    /// - Parameter pause: milliseconds that each connection waits before each of its requests.
    func load(_ port: Int, connections: Int, seconds: Int, pause: Int = 0) throws -> (rate: Double, median: Double) {
        let script = "\(folder)/post.lua"
        try Self.write(script, Self.request + (pause > 0 ? "function delay() return \(pause) end\n" : ""))
        return try wrk("http://127.0.0.1:\(port)/run", script: script, connections: connections, seconds: seconds)
    }

    /// - Parameter script: wrk's, in Lua.
    func wrk(_ url: String, script: String, connections: Int, seconds: Int) throws -> (rate: Double, median: Double) {
        let file = "\(folder)/wrk.txt"
        let result = try Measurement.run(
            ["/usr/bin/wrk", "-t1", "-c\(connections)", "-d\(seconds)s", "--latency", "-s", script, url],
            processors: processors, output: file)
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

    static func write(_ path: String, _ text: String) throws {
        guard let file = fopen(path, "w") else { throw BenchError("cannot write \(path)") }
        defer { fclose(file) }
        fputs(text, file)
    }

    static func freePort() throws -> Int {
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

    /// A socket, and the port that it has after `body`.
    static func connection(_ port: Int = 0, _ body: (UnsafeMutablePointer<sockaddr>) -> Int32) -> (Int32, Int) {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        let result = withUnsafeMutablePointer(to: &address) { $0.withMemoryRebound(to: sockaddr.self, capacity: 1, body) }
        return (result, Int(UInt16(bigEndian: address.sin_port)))
    }
}
