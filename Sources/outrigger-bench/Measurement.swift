import Glibc

/// What one run of a command cost, by the operating system's own accounts.
struct Measurement {
    var cpuSeconds: Double
    var wallSeconds: Double
    /// Largest resident size, in kB.
    var peakMemory: Int
    var status: Int32

    /// Runs a command to its end; its output goes nowhere, or to `output`.
    ///
    /// - Parameter processors: which processors it may use; nil for all.
    static func run(_ arguments: [String], processors: [Int]? = nil, output: String = "/dev/null") throws -> Measurement {
        let started = ContinuousClock.now
        let pid = try spawn(arguments, processors: processors, output: output)
        var status: Int32 = 0
        var usage = rusage()
        while wait4(pid, &status, 0, &usage) < 0, errno == EINTR {}
        let seconds = { (time: timeval) in Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        return Measurement(
            cpuSeconds: seconds(usage.ru_utime) + seconds(usage.ru_stime),
            wallSeconds: (ContinuousClock.now - started) / .seconds(1), peakMemory: Int(usage.ru_maxrss),
            status: (status >> 8) & 0xFF | (status & 0x7F))
    }

    /// Starts a command and lets it run.
    static func spawn(_ arguments: [String], processors: [Int]? = nil, output: String = "/dev/null") throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0)
        // util-linux sets the affinity, which is inherited.
        let pinned = processors.map { ["taskset", "-c", $0.map(String.init).joined(separator: ",")] + arguments } ?? arguments
        var words = pinned.map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var pid = pid_t()
        let code = posix_spawnp(&pid, pinned[0], &actions, nil, &words, environ)
        guard code == 0 else { throw BenchError("cannot start \(pinned[0]): \(String(cString: strerror(code)))") }
        return pid
    }
}

struct BenchError: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}

extension [Double] {
    var median: Double {
        let sorted = self.sorted()
        guard !sorted.isEmpty else { return .nan }
        return sorted.count % 2 == 1 ? sorted[sorted.count / 2] : (sorted[sorted.count / 2 - 1] + sorted[sorted.count / 2]) / 2
    }
}
