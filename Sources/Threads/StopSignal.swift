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
    /// Catches both signals from now on. The first one sets the flag; the second one ends the process at once, with the
    /// status a shell gives for the signal.
    ///
    /// The handler does no more than write into a pipe, since hardly anything else is allowed in one; a thread reads it.
    /// Waiting with `sigwait` would need the signals blocked in every thread, and Swift's concurrency has one that is not.
    ///
    /// - Parameter onHangup: called for each SIGHUP; nil leaves that signal alone.
    /// - Throws: ``ThreadError`` when the system has no more threads or pipes to give.
    public static func install(
        _ flag: StopFlag, onHangup: (@Sendable () -> Void)? = nil, onFirst: @escaping @Sendable (String) -> Void
    ) throws(ThreadError) {
        var ends: [CInt] = [-1, -1]
        guard pipe(&ends) == 0 else { throw ThreadError(problem: String(cString: strerror(errno))) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let reading = ends[0]
        signalPipe = ends[1]
        // A reader of our output that went away is an error of the write, not the end of the program.
        signal(SIGPIPE, SIG_IGN)
        // And a file that may not grow is an error of the write too.
        signal(SIGXFSZ, SIG_IGN)
        for number in onHangup == nil ? [SIGINT, SIGTERM] : [SIGINT, SIGTERM, SIGHUP] {
            signal(number) { number in
                var byte = UInt8(truncatingIfNeeded: number)
                let before = errno
                _ = write(signalPipe, &byte, 1)
                errno = before
            }
        }
        let thread = try WorkerThread {
            let number = next(from: reading, onHangup)
            flag.set()
            onFirst(number == SIGINT ? "SIGINT" : "SIGTERM")
            _exit(128 + next(from: reading, onHangup))
        }
        thread.detach()
    }

    /// Waits for the next signal that asks for the end.
    private static func next(from descriptor: CInt, _ onHangup: (@Sendable () -> Void)?) -> CInt {
        while true {
            var byte: UInt8 = 0
            while read(descriptor, &byte, 1) != 1 {}
            guard CInt(byte) == SIGHUP else { return CInt(byte) }
            onHangup?()
        }
    }
}

/// Where the handler writes. It is set once, before the handler is installed, and a handler can hold no state of its own.
nonisolated(unsafe) private var signalPipe: CInt = -1
