internal import Glibc

/// A thread of its own for work that blocks, which must not sit on Swift's cooperative pool.
public struct WorkerThread: ~Copyable {
    private let thread: pthread_t

    private final class Work {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// Starts the thread. Its stack holds 8 MiB.
    ///
    /// - Throws: ``ThreadError`` when the system has no more threads to give.
    public init(_ run: @escaping @Sendable () -> Void) throws(ThreadError) {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        pthread_attr_setstacksize(&attributes, 8 << 20)
        defer { pthread_attr_destroy(&attributes) }
        let work = Unmanaged.passRetained(Work(run))
        var thread = pthread_t()
        let status = pthread_create(
            &thread, &attributes,
            { context in
                guard let context else { return nil }
                Unmanaged<Work>.fromOpaque(context).takeRetainedValue().run()
                return nil
            }, work.toOpaque())
        guard status == 0 else {
            work.release()
            throw ThreadError(problem: String(cString: strerror(status)))
        }
        self.thread = thread
    }

    /// Waits for the thread to end.
    public consuming func join() { pthread_join(thread, nil) }

    /// Lets it run on alone.
    public consuming func detach() { pthread_detach(thread) }
}

/// The system gave no thread.
public struct ThreadError: Error, Sendable, CustomStringConvertible {
    public var problem: String
    public var description: String { "cannot start a thread: \(problem)" }
}
