internal import Glibc

/// Bytes that wait for the end of a replay: in memory while they are few, beyond that in a temporary file without a name
/// in `TMPDIR` or /tmp, which goes with the process however it ends.
final class Spool {
    /// What is not yet in the file. Call ``spill()`` after adding to it.
    var buffer: [UInt8] = []
    private var descriptor: CInt = -1
    private let report: String
    private let limit: Int

    /// - Parameters:
    ///   - report: path of the report, for errors.
    ///   - limit: bytes to keep in memory.
    init(for report: String, limit: Int = 1 << 18) {
        self.report = report
        self.limit = limit
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    /// Moves the buffer to the file if it is large.
    @inline(__always)
    func spill() throws(ReportError) {
        if buffer.count >= limit { try empty() }
    }

    /// Appends all bytes to the report, in their order.
    func copy(into output: ReportOutput) throws(ReportError) {
        if descriptor >= 0 {
            try empty()
            var chunk = [UInt8](repeating: 0, count: limit)
            var offset: off_t = 0
            while true {
                let count = chunk.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, offset) }
                if count < 0, errno == EINTR { continue }
                guard count >= 0 else { throw error("read", errno) }
                if count == 0 { return }
                offset += off_t(count)
                try output.write(count == limit ? chunk : Array(chunk[..<count]))
            }
        }
        try output.write(buffer)
    }

    private func empty() throws(ReportError) {
        if descriptor < 0 { descriptor = try openFile() }
        if let problem = buffer.withUnsafeBytes({ writeAll($0, to: descriptor) }) { throw error("write", problem) }
        buffer.removeAll(keepingCapacity: true)
    }

    private static var directory: String {
        let named = getenv("TMPDIR").map { String(cString: $0) } ?? ""
        return named.isEmpty ? "/tmp" : named
    }

    private func openFile() throws(ReportError) -> CInt {
        var template = Array((Self.directory + "/outrigger.XXXXXX").utf8CString)
        let descriptor = template.withUnsafeMutableBufferPointer { template in
            guard let name = template.baseAddress else { return CInt(-1) }
            let descriptor = mkstemp(name)
            if descriptor >= 0 { unlink(name) }
            return descriptor
        }
        guard descriptor >= 0 else { throw error("make", errno) }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        return descriptor
    }

    private func error(_ verb: String, _ number: CInt) -> ReportError {
        let name = report == "-" ? "the report on standard output" : "the report \(Visible.line(report))"
        return ReportError(
            .unwritable, path: report,
            message: "cannot \(verb) a temporary file in \(Visible.line(Self.directory)) for \(name): "
                + String(cString: strerror(number)))
    }
}
