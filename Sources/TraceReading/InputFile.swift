internal import Glibc

/// An open file or standard input, read from front to back.
public final class InputFile {
    public let path: String
    private let descriptor: CInt
    /// Whether it is a named pipe, which may have no writer yet.
    private let isNamedPipe: Bool
    /// Bytes read from the file so far, before decompression.
    public private(set) var bytesRead = 0

    /// What tells one file from another that took its name.
    public struct Identity: Hashable, Sendable {
        public var device: UInt64
        public var inode: UInt64

        public init(device: UInt64, inode: UInt64) {
            self.device = device
            self.inode = inode
        }
    }

    /// Opens `path`; `-` is standard input. A named pipe is not waited for until it is read.
    ///
    /// - Throws: ``InputError`` when it cannot be opened or is a directory.
    public init(path: String) throws(InputError) {
        self.path = path
        if path == "-" {
            descriptor = STDIN_FILENO
            isNamedPipe = false
            return
        }
        // Opening a named pipe waits for its writer, and no signal ends that: waitForInput does, for as long as it is wanted.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw InputError(path: path, doing: "open", errno: errno) }
        self.descriptor = descriptor
        var info = stat()
        isNamedPipe = fstat(descriptor, &info) == 0 && info.st_mode & S_IFMT == S_IFIFO
        let flags = fcntl(descriptor, F_GETFL)
        guard flags >= 0, fcntl(descriptor, F_SETFL, flags & ~O_NONBLOCK) == 0 else {
            throw InputError(path: path, doing: "open", errno: errno)
        }
        guard try status().isDirectory == false else { throw InputError(path: path, doing: "read", errno: EISDIR) }
    }

    /// Finds out whether `path` can be opened, before any work is done. A pipe is left alone: its writer would meet its end.
    ///
    /// - Throws: ``InputError`` when it cannot be opened or is a directory.
    public static func check(_ path: String) throws(InputError) {
        if path == "-" { return }
        if let status = status(of: path), !status.isRegular, !status.isDirectory { return }
        _ = try InputFile(path: path)
    }

    deinit {
        if descriptor != STDIN_FILENO { close(descriptor) }
    }

    /// Reads what is there, at most `buffer.count` bytes.
    ///
    /// - Returns: 0 at the end of the file as it is now.
    public func read(into buffer: UnsafeMutableRawBufferPointer) throws(InputError) -> Int {
        // Without a writer yet, it would look like one at its end.
        while isNamedPipe, bytesRead == 0, !waitForInput(milliseconds: -1) {}
        while true {
            let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
            if count >= 0 {
                bytesRead += count
                return count
            }
            guard errno == EINTR else { throw InputError(path: path, doing: "read", errno: errno) }
        }
    }

    /// Waits until there is something to read, or the last writer is gone; for a file both are always so.
    ///
    /// - Parameter milliseconds: negative for as long as it takes.
    /// - Returns: false when the time was up first, or a signal came.
    public func waitForInput(milliseconds: Int) -> Bool {
        var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&request, 1, CInt(clamping: milliseconds)) > 0
    }

    /// Goes back to the start, as after a truncation.
    public func rewind() throws(InputError) {
        guard lseek(descriptor, 0, SEEK_SET) == 0 else { throw InputError(path: path, doing: "rewind", errno: errno) }
        bytesRead = 0
    }

    public struct Status: Sendable {
        public var identity: Identity
        /// Bytes; 0 for pipes.
        public var size: Int
        /// Unix nanoseconds.
        public var modificationTime: UInt64
        public var isDirectory: Bool
        public var isRegular: Bool
    }

    /// The open file's status, whatever became of its name.
    public func status() throws(InputError) -> Status {
        var info = stat()
        guard fstat(descriptor, &info) == 0 else { throw InputError(path: path, doing: "examine", errno: errno) }
        return Status(info)
    }

    /// The status of whatever bears the name now; nil when nothing does.
    public static func status(of path: String) -> Status? {
        var info = stat()
        return stat(path, &info) == 0 ? Status(info) : nil
    }
}

extension InputFile.Status {
    fileprivate init(_ info: stat) {
        identity = .init(device: UInt64(info.st_dev), inode: UInt64(info.st_ino))
        size = Int(info.st_size)
        let time = info.st_mtim
        modificationTime = time.tv_sec < 0 ? 0 : UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
        isDirectory = info.st_mode & S_IFMT == S_IFDIR
        isRegular = info.st_mode & S_IFMT == S_IFREG
    }
}
