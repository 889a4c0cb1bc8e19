internal import Glibc

/// Where a report goes: a file that appears in whole or not at all, or a stream.
///
/// A file is written under another name in the same directory and renamed by ``commit()``. Standard output (`-`), pipes
/// and devices are written as they are, since a rename would put a file in their place.
final class ReportOutput {
    let path: String
    private let destination: String
    private var descriptor: CInt
    /// The file that becomes the report; nil for streams.
    private var temporary: String?
    private var buffer: [UInt8] = []
    /// Set for JSON on standard output: GitHub's runner takes `##[` for the start of a command anywhere in a line, and so the
    /// bracket is written as an escape. In JSON these three can stand in a string only.
    var breaksRunnerCommands = false
    /// `#` in a row at the end of what was written.
    private var marks = 0

    private static let bufferSize = 1 << 16

    /// Opens it before there is anything to write, so that a bad path is known before a long replay.
    init(path: String) throws(ReportError) {
        self.path = path
        var status = stat()
        let exists = path != "-" && stat(path, &status) == 0
        if path == "-" {
            destination = path
            descriptor = STDOUT_FILENO
        } else if exists, status.st_mode & S_IFMT != S_IFREG {
            // Directories are refused here by open.
            destination = path
            descriptor = open(path, O_WRONLY | O_CLOEXEC)
            if descriptor < 0 { throw Self.error(path, errno) }
        } else {
            // A link stays a link: what it points to is replaced.
            let destination = exists ? Self.resolved(path) : path
            self.destination = destination
            let directory = destination.lastIndex(of: "/").map { String(destination[...$0]) } ?? ""
            let name = directory + ".outrigger-\(getpid())-" + String(UInt64.random(in: 0 ... .max), radix: 36)
            descriptor = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
            if descriptor < 0 { throw Self.error(path, errno) }
            temporary = name
            if exists { fchmod(descriptor, status.st_mode & 0o777) }
        }
    }

    /// Opens a file to write behind what it holds, as it stands.
    init(appendingTo path: String) throws(ReportError) {
        self.path = path
        destination = path
        descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
        if descriptor < 0 { throw Self.error(path, errno) }
    }

    deinit {
        if descriptor >= 0, path != "-" { close(descriptor) }
        if let temporary { unlink(temporary) }
    }

    /// Bytes that the file holds.
    var size: Int {
        var status = stat()
        return fstat(descriptor, &status) == 0 ? Int(status.st_size) : 0
    }

    func write(_ text: String) throws(ReportError) {
        buffer.append(contentsOf: text.utf8)
        if buffer.count >= Self.bufferSize { try flush() }
    }

    func write(_ bytes: borrowing [UInt8]) throws(ReportError) {
        buffer.append(contentsOf: copy bytes)
        if buffer.count >= Self.bufferSize { try flush() }
    }

    /// Nothing can be written after.
    func commit() throws(ReportError) {
        try flush()
        guard path != "-" else { return }
        // Some file systems report a full disk or a spent quota only here.
        let closed = close(descriptor)
        descriptor = -1
        if closed != 0 { throw Self.error(path, errno) }
        guard let temporary else { return }
        if rename(temporary, destination) != 0 { throw Self.error(path, errno) }
        self.temporary = nil
    }

    private func flush() throws(ReportError) {
        guard !buffer.isEmpty else { return }
        if breaksRunnerCommands { breakRunnerCommands() }
        if let problem = buffer.withUnsafeBytes({ writeAll($0, to: descriptor) }) { throw Self.error(path, problem) }
        buffer.removeAll(keepingCapacity: true)
    }

    private func breakRunnerCommands() {
        // Hardly any report has one, and all of each would be gone through byte by byte.
        guard mayHaveRunnerCommand else {
            marks = buffer.reversed().prefix { $0 == UInt8(ascii: "#") }.count
            return
        }
        var result: [UInt8] = []
        result.reserveCapacity(buffer.count)
        for byte in buffer {
            if byte == UInt8(ascii: "["), marks >= 2 {
                result.append(contentsOf: "\\u005b".utf8)
            } else {
                result.append(byte)
            }
            marks = byte == UInt8(ascii: "#") ? marks + 1 : 0
        }
        buffer = result
    }

    /// Whether a bracket follows a mark in the buffer, or begins it while the bytes before ended with one.
    private var mayHaveRunnerCommand: Bool {
        if marks > 0, let first = buffer.first, first == UInt8(ascii: "[") || first == UInt8(ascii: "#") { return true }
        return buffer.withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress else { return false }
            var from = 0
            while let mark = memchr(start + from, CInt(UInt8(ascii: "#")), bytes.count - from) {
                from = UnsafeRawPointer(mark) - start + 1
                if from < bytes.count, bytes[from] == UInt8(ascii: "[") { return true }
            }
            return false
        }
    }

    private static func resolved(_ path: String) -> String {
        guard let real = realpath(path, nil) else { return path }
        defer { free(real) }
        return String(cString: real)
    }

    private static func error(_ path: String, _ number: CInt) -> ReportError {
        let name = path == "-" ? "the report to standard output" : "the report \(Visible.line(path))"
        return ReportError(.unwritable, path: path, message: "cannot write \(name): \(String(cString: strerror(number)))")
    }
}

/// - Returns: `errno` when not all of it could be written.
func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: CInt) -> CInt? {
    var rest = bytes[...]
    while !rest.isEmpty {
        let count = write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { return count < 0 ? errno : ENOSPC }
        rest = rest.dropFirst(count)
    }
    return nil
}
