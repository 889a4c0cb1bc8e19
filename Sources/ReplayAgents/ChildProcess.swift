internal import CSpawn
internal import Glibc
internal import Synchronization

/// A process of our own: a shell command with pipes on its standard streams, leader of its own process group.
///
/// It is reaped by a thread that waits for it, and its whole group is killed when it ends, so that nothing of it is left.
/// No descriptor of ours but its three is open in it.
final class ChildProcess: Sendable {
    struct SpawnError: Error, CustomStringConvertible {
        var description: String

        init(_ what: String, _ code: Int32) { description = "\(what): \(String(cString: strerror(code)))" }
    }

    /// Our ends of the pipes. Whoever takes them closes them.
    struct Streams: Sendable {
        var input: CInt
        var output: CInt
        var errors: CInt
    }

    let id: pid_t
    private let isReaped = Mutex(false)

    private init(id: pid_t) { self.id = id }

    /// Starts the command.
    ///
    /// - Parameter onExit: called once on a thread of its own, with words for how it ended.
    static func start(
        _ command: String, onExit: @escaping @Sendable (String) -> Void
    ) throws(SpawnError) -> (ChildProcess, Streams) {
        var pipes: [(read: CInt, write: CInt)] = []
        func closeAll() { for pipe in pipes { _ = (close(pipe.read), close(pipe.write)) } }
        for _ in 0..<3 {
            var ends: [CInt] = [0, 0]
            guard pipe2(&ends, O_CLOEXEC) == 0 else {
                let code = errno
                closeAll()
                throw SpawnError("cannot make a pipe", code)
            }
            pipes.append((ends[0], ends[1]))
        }
        var pid: pid_t = 0
        let code = spawn(command, input: pipes[0].read, output: pipes[1].write, errors: pipes[2].write, &pid)
        guard code == 0 else {
            closeAll()
            throw SpawnError("cannot start /bin/sh", code)
        }
        for end in [pipes[0].read, pipes[1].write, pipes[2].write] { close(end) }
        let process = ChildProcess(id: pid)
        process.startReaper(onExit)
        return (process, Streams(input: pipes[0].write, output: pipes[1].read, errors: pipes[2].read))
    }

    private static func spawn(_ command: String, input: CInt, output: CInt, errors: CInt, _ pid: inout pid_t) -> CInt {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        // A descriptor may be one of 0 to 2 itself if ours were closed; above them, they cannot overwrite each other.
        posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO)
        posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
        posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO)
        posix_spawn_file_actions_addclosefrom_np(&actions, 3)

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // Signals that we ignore or block (SIGPIPE, SIGINT) must do to it what they do to others.
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigdefault(&attributes, &all)
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setpgroup(&attributes, 0)
        let flags = POSIX_SPAWN_SETPGROUP | CInt(POSIX_SPAWN_SETSIGDEF) | CInt(POSIX_SPAWN_SETSIGMASK)
        posix_spawnattr_setflags(&attributes, Int16(flags))

        let words: [UnsafeMutablePointer<CChar>?] = [strdup("/bin/sh"), strdup("-c"), strdup(command), nil]
        defer { for word in words { free(word) } }
        return posix_spawn(&pid, "/bin/sh", &actions, &attributes, words, environ)
    }

    private func startReaper(_ onExit: @escaping @Sendable (String) -> Void) {
        let box = Unmanaged.passRetained(ReaperBox(process: self, onExit: onExit))
        var thread = pthread_t()
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        pthread_attr_setdetachstate(&attributes, CInt(PTHREAD_CREATE_DETACHED))
        pthread_attr_setstacksize(&attributes, 256 << 10)
        defer { pthread_attr_destroy(&attributes) }
        // The thread takes over the reference that was retained here.
        let code = pthread_create(&thread, &attributes, { argument in
            guard let argument else { return nil }
            let box = Unmanaged<ReaperBox>.fromOpaque(argument).takeRetainedValue()
            box.onExit(box.process.reap())
            return nil
        }, box.toOpaque())
        if code != 0 {
            // No thread can be had: the process is ended here and now, since nobody would know when it does.
            box.release()
            kill(-id, SIGKILL)
            onExit(reap())
        }
    }

    private final class ReaperBox: Sendable {
        let process: ChildProcess
        let onExit: @Sendable (String) -> Void

        init(process: ChildProcess, onExit: @escaping @Sendable (String) -> Void) {
            self.process = process
            self.onExit = onExit
        }
    }

    /// Waits for the end, kills what is left of the group, and gives words for the end.
    private func reap() -> String {
        var info = siginfo_t()
        // It stays a zombie until the group is killed: as long as it is one, no other process can have its id.
        while waitid(P_PID, id_t(id), &info, WEXITED | WNOWAIT) != 0, errno == EINTR {}
        return isReaped.withLock { isReaped in
            kill(-id, SIGKILL)
            var status: CInt = 0
            while waitpid(id, &status, 0) < 0, errno == EINTR {}
            isReaped = true
            let signal = status & 0x7F
            return signal == 0 ? "exit status \(status >> 8 & 0xFF)" : "signal \(signal)"
        }
    }

    /// Sends a signal to the whole group, unless it has ended.
    func signal(_ number: CInt) {
        isReaped.withLock { isReaped in
            if !isReaped { kill(-id, number) }
        }
    }
}
