internal import Glibc

/// A file that one process at a time can hold, for as long as this value lives; the end of the process ends it too.
///
/// It is the lock of flock(2), on a file of its own, which stays when the lock is gone: one that was removed could be held by
/// two who opened it at different times.
public struct FileLock: ~Copyable, Sendable {
    private let descriptor: Int32

    /// Why there is no lock.
    public enum Failure: Error, Hashable, Sendable {
        /// The file cannot be made or opened; the number is that of `errno`.
        case unopenable(Int32)
        /// Another process holds it, and still did after a second.
        case taken
        /// The file system knows no such lock; the number is that of `errno`.
        case unlockable(Int32)
    }

    /// - Parameter path: of the file, which is made, for its owner only, if there is none.
    public init(_ path: String) throws(Failure) {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw .unopenable(errno) }
        // A process that was just killed, or is just starting a child, can hold it a moment longer.
        var tries = 0
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            let reason = errno
            tries += 1
            if tries < 40, reason == EWOULDBLOCK {
                usleep(25_000)
                continue
            }
            close(descriptor)
            throw reason == EWOULDBLOCK ? .taken : .unlockable(reason)
        }
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }
}
