internal import Glibc
internal import JSONText
internal import Threads
internal import TraceReading

/// What a backfill remembers between runs: JSON lines, appended to as the collector acknowledges.
///
/// Each line is written whole by one system call after the acknowledgement, so that a process that is killed leaves at
/// worst one torn line at the end, whose spans are sent again. The first line says whose state it is.
final class StateFile: Sendable {
    struct Header: Equatable, Sendable {
        var target: String
        var dataset: String
        var role: String
        var rehash: Bool
    }

    /// What is known of one input.
    struct FileState: Sendable {
        var path: String
        /// The first line's time, if it was derived: it must not move when the file grows.
        var startTime: UInt64?
        /// Which file bore the name, for following.
        var identity: InputFile.Identity?
        var delivered: [SpanStretch] = []
    }

    let path: String
    private let descriptor: CInt
    /// What earlier backfills left, by path.
    let known: [String: FileState]
    private let problem = Monitor<String?>(nil)
    private let line = Monitor<[UInt8]>([])

    /// Opens or makes the state file.
    ///
    /// - Throws: ``BackfillError`` when it cannot be used, is damaged, or belongs to another backfill.
    init(path: String, header: Header) throws(BackfillError) {
        self.path = path
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw .configuration("cannot open the state file \(path): \(String(cString: strerror(errno)))")
        }
        let isNew: Bool
        do throws(BackfillError) {
            (known, isNew) = try Self.read(descriptor, path, header)
        } catch {
            // No deinit runs for an object that was never made whole, and the lock must not stay.
            close(descriptor)
            throw error
        }
        if isNew { append(header.line) }
    }

    /// Reads what is there and leaves the file at its end, without the torn last line that a kill leaves, whose spans
    /// count as not delivered.
    ///
    /// - Returns: what is known by path, and whether the file still needs its header.
    private static func read(
        _ descriptor: CInt, _ path: String, _ header: Header
    ) throws(BackfillError) -> ([String: FileState], Bool) {
        // Two backfills with one state would each think that the other's spans are its own to send.
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            throw .configuration("the state file \(path) is in use by another outrigger")
        }
        let text = try contents(of: descriptor, path)
        let whole = (text.lastIndex(of: UInt8(ascii: "\n")) ?? -1) + 1
        var reader = StateReader(path: path)
        // Nothing is cut off before it is sure that the file is ours.
        if whole == 0, !StateReader.headerStart.starts(with: text), !text.starts(with: StateReader.headerStart) {
            throw reader.damage(line: 1)
        }
        let lines = text[..<whole].split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).dropLast()
        for (i, line) in lines.enumerated() { try reader.read(line, number: i + 1) }
        guard whole == 0 || reader.header == header else { throw reader.mismatch(with: header) }
        if whole < text.count, ftruncate(descriptor, off_t(whole)) != 0 {
            throw .io("cannot repair the state file \(path)", errno)
        }
        lseek(descriptor, 0, SEEK_END)
        return (reader.files, whole == 0)
    }

    deinit { close(descriptor) }

    private static func contents(of descriptor: CInt, _ path: String) throws(BackfillError) -> [UInt8] {
        var info = stat()
        guard fstat(descriptor, &info) == 0 else { throw .io("cannot examine the state file \(path)", errno) }
        var text = [UInt8](repeating: 0, count: Int(info.st_size))
        var done = 0
        while done < text.count {
            let count = text.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress.map { $0 + done }, $0.count - done, off_t(done)) }
            guard count > 0 else { throw .io("cannot read the state file \(path)", errno) }
            done += count
        }
        return text
    }

    // MARK: writing

    /// Notes under which number an input is called from here on, and what must not change about it.
    func note(file: Int, path: String, startTime: UInt64?, identity: InputFile.Identity?) {
        var text = Array(#"{"file":\#(file),"path":"#.utf8)
        JSONString.encode(path.utf8, into: &text)
        if let startTime { text.append(contentsOf: #","start_time":"\#(startTime)""#.utf8) }
        if let identity { text.append(contentsOf: #","device":"\#(identity.device)","inode":"\#(identity.inode)""#.utf8) }
        text.append(contentsOf: "}\n".utf8)
        append(text)
    }

    /// Notes that an input's name was taken by another file: what was delivered of the old one says nothing of the new.
    func noteReplaced(path: String) {
        var text = Array(#"{"replaced":"#.utf8)
        JSONString.encode(path.utf8, into: &text)
        text.append(contentsOf: "}\n".utf8)
        append(text)
    }

    /// Notes spans that the collector acknowledged.
    func note(_ stretches: [SpanStretch]) {
        guard !stretches.isEmpty else { return }
        line.withLock { line in
            line.removeAll(keepingCapacity: true)
            line.append(contentsOf: #"{"ack":["#.utf8)
            for (i, s) in stretches.enumerated() {
                let comma = i == 0 ? "" : ","
                line.append(
                    contentsOf: "\(comma)[\(s.file),\(s.firstIndex),\(s.firstSpan),\(s.lastIndex),\(s.endSpan),\(s.checksum)]".utf8)
            }
            line.append(contentsOf: "]}\n".utf8)
            append(line)
        }
    }

    /// Puts on disk what was noted.
    ///
    /// - Returns: what went wrong, if anything did: then a later backfill may send again what this one delivered.
    func finish() -> String? {
        if fsync(descriptor) != 0 { fail(errno) }
        return problem.withLock { $0 }
    }

    private func append(_ text: [UInt8]) {
        // After a failure nothing more is noted: a state that knows too little is safe, one with a torn middle is useless.
        guard problem.withLock({ $0 }) == nil else { return }
        let start = lseek(descriptor, 0, SEEK_CUR)
        let count = text.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        guard count != text.count else { return }
        fail(count < 0 ? errno : ENOSPC)
        if count > 0 { ftruncate(descriptor, start) }
    }

    private func fail(_ code: Int32) {
        let text = "cannot write the state file \(path): \(String(cString: strerror(code)))"
        problem.withLock { $0 = $0 ?? text }
    }
}

extension StateFile.Header {
    fileprivate var line: [UInt8] {
        var text = Array(#"{"outrigger_backfill_state":1,"target":"#.utf8)
        JSONString.encode(target.utf8, into: &text)
        text.append(contentsOf: #","dataset":"#.utf8)
        JSONString.encode(dataset.utf8, into: &text)
        text.append(contentsOf: #","role":"\#(role)","rehash":\#(rehash)}"#.utf8)
        text.append(UInt8(ascii: "\n"))
        return text
    }
}
