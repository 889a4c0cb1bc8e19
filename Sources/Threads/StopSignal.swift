internal import Glibc

/// Whether the program was asked to stop, and a way to sleep that the asking cuts short.
public final class StopFlag: Sendable {
    private let state = Monitor(false)

    public init() {}

    public var isSet: Bool { state.withLock { $0 } }

    public func set() { state.withLock { $0 = true } }

    /// Sleeps, but not after ``set()``.
    ///
    /// - Returns: whether the flag is set.
    @discardableResult
    public func sleep(_ duration: Duration) -> Bool {
        state.wait(atMost: duration) { $0 ? true : nil } ?? false
    }
}

/// Turns SIGINT and SIGTERM into a ``StopFlag``.
public enum StopSignal {
    /// Takes both signals away from the threads that start from now on and waits for them in a thread of its own. The
    /// first one sets the flag; the second one ends the process at once, with the status a shell gives for the signal.
    public static func install(_ flag: StopFlag, onFirst: @escaping @Sendable (String) -> Void) throws(ThreadError) {
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGINT)
        sigaddset(&signals, SIGTERM)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        // A reader of our output that went away is an error of the write, not the end of the program.
        signal(SIGPIPE, SIG_IGN)
        let waited = signals
        let thread = try WorkerThread {
            var signals = waited
            var number: CInt = 0
            sigwait(&signals, &number)
            flag.set()
            onFirst(number == SIGINT ? "SIGINT" : "SIGTERM")
            sigwait(&signals, &number)
            _exit(128 + number)
        }
        thread.detach()
    }
}
