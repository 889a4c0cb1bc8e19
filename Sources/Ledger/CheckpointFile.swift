internal import Glibc

/// Checkpoints as JSON lines in a file of their own, which is best kept where who can change the ledger cannot change it.
struct CheckpointFile: Sendable {
    private static let maximumSize = 1 << 30

    let path: String

    /// - Throws: ``LedgerError`` when the file cannot be made or written.
    init(_ path: String) throws(LedgerError) {
        self.path = path
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw Self.failure(path, "cannot be written") }
        close(descriptor)
    }

    func append(_ checkpoint: Checkpoint) throws(LedgerError) {
        let descriptor = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw Self.failure(path, "cannot be written") }
        defer { close(descriptor) }
        // A line whose end was never written is no checkpoint; its entries are covered by the next one.
        let end = try Self.endOfLastLine(descriptor, path)
        let line = Array((checkpoint.json + "\n").utf8)
        guard ftruncate(descriptor, end) == 0, pwrite(descriptor, line, line.count, end) == line.count, fsync(descriptor) == 0
        else {
            throw Self.failure(path, "cannot be written")
        }
    }

    private static func endOfLastLine(_ descriptor: Int32, _ path: String) throws(LedgerError) -> off_t {
        var end = lseek(descriptor, 0, SEEK_END)
        guard end >= 0 else { throw failure(path, "cannot be read") }
        var buffer = [UInt8](repeating: 0, count: 4096)
        while end > 0 {
            let start = max(0, end - off_t(buffer.count))
            let count = pread(descriptor, &buffer, Int(end - start), start)
            guard count == Int(end - start) else { throw failure(path, "cannot be read") }
            if let newline = buffer[..<count].lastIndex(of: 0x0A) { return start + off_t(newline) + 1 }
            end = start
        }
        return 0
    }

    /// - Returns: all checkpoints; a last line without its end is left out.
    /// - Throws: ``LedgerError`` that names a line which is none.
    static func read(_ path: String) throws(LedgerError) -> [Checkpoint] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw failure(path, "cannot be read") }
        defer { close(descriptor) }
        var info = stat()
        guard fstat(descriptor, &info) == 0, info.st_mode & S_IFMT == S_IFREG, info.st_size <= maximumSize else {
            throw LedgerError(.keys, "the checkpoint file \(path) is no file of checkpoints")
        }
        var bytes = [UInt8](repeating: 0, count: Int(info.st_size))
        var count = 0
        while count < bytes.count {
            let got = bytes.withUnsafeMutableBytes {
                Glibc.read(descriptor, $0.baseAddress.map { $0 + count }, $0.count - count)
            }
            if got < 0, errno == EINTR { continue }
            guard got > 0 else { throw failure(path, "cannot be read") }
            count += got
        }
        var checkpoints: [Checkpoint] = []
        var start = 0
        while let end = bytes[start...].firstIndex(of: 0x0A) {
            guard let checkpoint = Checkpoint(line: Array(bytes[start..<end])) else {
                throw LedgerError(.keys, "line \(checkpoints.count + 1) of the checkpoint file \(path) is no checkpoint")
            }
            checkpoints.append(checkpoint)
            start = end + 1
        }
        return checkpoints
    }

    private static func failure(_ path: String, _ problem: String) -> LedgerError {
        LedgerError(.system, "the checkpoint file \(path) \(problem): \(String(cString: strerror(errno)))")
    }
}
