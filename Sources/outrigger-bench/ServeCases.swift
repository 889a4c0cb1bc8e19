import Glibc

/// What one request at a time waits longer than without a proxy.
///
/// On one core nobody is woken on another one. In a virtual machine that can take longer than the request, and a core that is
/// asleep may slow the one beside it; what is left is what the proxies themselves take.
struct AloneCase {
    private let stage: ServeStage

    init(_ stage: ServeStage) { self.stage = stage }

    func measure(repeats: Int, seconds: Int) throws {
        var direct: [Double] = []
        var added: [String: [Double]] = [:]
        for round in 1...max(1, repeats) {
            var medians: [String: Double] = [:]
            for (name, port) in stage.targets { medians[name] = try stage.load(port, connections: 1, seconds: seconds).median }
            let without = medians["direct"] ?? .nan
            direct.append(without)
            var line = "round \(round): direct \(Bench.rounded(without, 0)) µs"
            for (name, _) in stage.targets where name != "direct" {
                let more = (medians[name] ?? .nan) - without
                added[name, default: []].append(more)
                line += ", \(name) \(Bench.rounded(more, 0)) more"
            }
            print(line)
        }
        print("\nmedians of \(repeats), 1 kB bodies, one connection on one core: direct \(Bench.rounded(direct.median, 0)) µs")
        for (name, _) in stage.targets where name != "direct" {
            let values = (added[name] ?? []).sorted()
            print("  \(name) adds \(Bench.rounded(values.median, 0)) µs (\(Bench.rounded(values.first ?? .nan, 0)) to \(Bench.rounded(values.last ?? .nan, 0)))")
        }
    }
}

/// Whether a user waits longer because a candidate that takes 5 s is given copies.
///
/// Two connections: the machine must not be the one who is waited for.
struct ShadowCase {
    private let bench: Bench
    private let stage: ServeStage

    init(_ bench: Bench, _ stage: ServeStage) {
        self.bench = bench
        self.stage = stage
    }

    func measure(repeats: Int, seconds: Int) throws {
        try bench.withAgent(["--delay-ms", "5000"]) { agent in
            let alone = try stage.startSidecar("alone", baseline: stage.upstream, candidate: agent, rollout: "mode: baseline")
            let shadowed = try stage.startSidecar("shadow", baseline: stage.upstream, candidate: agent, rollout: "mode: shadow, shadow_percent: 100%")
            var without: [Double] = []
            var with: [Double] = []
            // One after the other, so that what else the machine does falls on both.
            for _ in 0..<max(1, repeats) {
                without.append(try stage.load(alone.port, connections: 2, seconds: seconds).median)
                with.append(try stage.load(shadowed.port, connections: 2, seconds: seconds).median)
            }
            print("  median latency \(Bench.rounded(without.median, 0)) µs in mode baseline, "
                + "\(Bench.rounded(with.median, 0)) µs with a shadow that takes 5 s")
        }
    }
}

/// What many event streams that stay open hold.
struct StreamCase {
    private let bench: Bench
    private let stage: ServeStage

    init(_ bench: Bench, _ stage: ServeStage) {
        self.bench = bench
        self.stage = stage
    }

    func measure(streams: Int) throws {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        try bench.withAgent(["--stream"]) { agent in
            let sidecar = try stage.startSidecar("streams", baseline: agent, candidate: agent, rollout: "mode: canary, percent: 10%")
            sleep(1)
            let before = sidecar.memory
            var open: [CInt] = []
            defer { for descriptor in open { close(descriptor) } }
            for _ in 0..<streams { open.append(try Self.stream(from: sidecar.port)) }
            print("  \(streams) open event streams: \(Bench.rounded(sidecar.memory, 1)) MB, \(Bench.rounded(before, 1)) MB before them")
        }
    }

    /// A connection on which the first event has come.
    private static func stream(from port: Int) throws -> CInt {
        let (descriptor, _) = ServeStage.connection(port) { address in
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            guard connect(descriptor, address, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0 else { return -1 }
            return descriptor
        }
        guard descriptor >= 0 else { throw BenchError("the sidecar takes no more connections") }
        let request = Array("GET /events HTTP/1.1\r\nHost: bench\r\nAccept: text/event-stream\r\n\r\n".utf8)
        _ = request.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while !String(decoding: bytes, as: UTF8.self).contains("data: ") {
            let count = read(descriptor, &buffer, buffer.count)
            guard count > 0 else {
                close(descriptor)
                throw BenchError("an event stream ended before its first event")
            }
            bytes += buffer[..<count]
        }
        return descriptor
    }
}
