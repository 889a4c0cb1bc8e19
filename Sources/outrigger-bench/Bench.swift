import Glibc

/// The place, the sink and the commands of one benchmark.
struct Bench {
    let folder: String
    let endpoint: String
    private let sink: pid_t
    private let own: String
    let outrigger: String

    init() throws {
        var template = Array("/tmp/outrigger-bench.XXXXXX".utf8CString)
        guard let made = template.withUnsafeMutableBufferPointer({ $0.baseAddress.flatMap { mkdtemp($0) } }) else {
            throw BenchError("cannot make a temporary folder")
        }
        let folder = String(cString: made)
        self.folder = folder
        var path = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &path, path.count - 1)
        let own = String(decoding: path.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        outrigger = own.split(separator: "/").dropLast().map { "/" + $0 }.joined() + "/outrigger"
        guard access(outrigger, X_OK) == 0 else { throw BenchError("\(outrigger) is missing: swift build -c release") }
        self.own = own
        sink = try Measurement.spawn([own, "sink", "\(folder)/port"])
        endpoint = "http://127.0.0.1:\(try Self.port(in: "\(folder)/port"))"
    }

    /// The port that a server of ours writes to a file once it listens.
    private static func port(in file: String) throws -> Int {
        for _ in 0..<500 {
            usleep(10_000)
            if let text = text(of: file), text.hasSuffix("\n"), let port = Int(text.dropLast()) { return port }
        }
        throw BenchError("the server that should write \(file) does not listen")
    }

    /// Runs `body` beside an agent that answers after `delay` milliseconds.
    func withAgent<Result>(delay: Int, _ body: (_ url: String) throws -> Result) throws -> Result {
        try withAgent(["--delay-ms", "\(delay)"]) { try body("\($0)/run") }
    }

    /// Runs `body` beside an agent.
    ///
    /// - Parameter flags: of the command `agent`.
    func withAgent<Result>(_ flags: [String], _ body: (_ url: String) throws -> Result) throws -> Result {
        let file = "\(folder)/agent-port"
        let process = try Measurement.spawn([own, "agent", file] + flags)
        defer {
            kill(process, SIGKILL)
            var status: Int32 = 0
            waitpid(process, &status, 0)
            unlink(file)
        }
        return try body("http://127.0.0.1:\(try Self.port(in: file))")
    }

    func stop() {
        kill(sink, SIGKILL)
        for name in ["port", "runs.jsonl", "candidate.jsonl", "python.jsonl", "python.json", "memory.jsonl"] { unlink("\(folder)/\(name)") }
        rmdir(folder)
    }

    func backfill(_ file: String, _ flags: [String], _ processors: [Int]?) throws -> Measurement {
        let result = try Measurement.run([outrigger, "backfill", file, "--endpoint", endpoint, "--quiet"] + flags, processors: processors)
        guard result.status == 0 else { throw BenchError("the backfill ended with status \(result.status)") }
        return result
    }

    func replay(_ baseline: String, _ flags: [String]) throws -> Measurement {
        let result = try Measurement.run([outrigger, "replay", "--traces", baseline, "--no-export"] + flags)
        // 1 says that some runs failed, which is what the candidate is made for.
        guard result.status <= 1 else { throw BenchError("the replay ended with status \(result.status)") }
        return result
    }

    static func size(of path: String) -> Int {
        var info = stat()
        return stat(path, &info) == 0 ? Int(info.st_size) : 0
    }

    static func text(of path: String) -> String? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = fread(&buffer, 1, buffer.count, file)
        return String(decoding: buffer[..<count], as: UTF8.self)
    }

    static func number(_ key: String, in path: String) -> Double? {
        guard let text = text(of: path), let after = text.components(after: "\"\(key)\":") else { return nil }
        return Double(String(after.drop { $0 == " " }.prefix { $0.isNumber || $0 == "." }))
    }

    static func rounded(_ value: Double, _ digits: Int) -> String {
        guard value.isFinite else { return "-" }
        if digits == 0 { return String(Int(value.rounded())) }
        let scale = (0..<digits).reduce(1.0) { result, _ in result * 10 }
        let whole = Int((value * scale).rounded())
        let fraction = String(whole % Int(scale))
        return "\(whole / Int(scale)).\(String(repeating: "0", count: digits - fraction.count))\(fraction)"
    }
}

extension String {
    fileprivate func components(after mark: String) -> Substring? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(mark) { return self[start...].dropFirst(mark.count) }
            start = index(after: start)
        }
        return nil
    }
}
