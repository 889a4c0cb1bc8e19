internal import AgentRuns
internal import Digests
internal import Glibc
internal import TraceReading

/// Finds the runs of another recording by the ids of the traces: the k-th run of an id goes with the k-th trace of it.
///
/// Where both files have the same order nothing is kept. A run that comes before its trace is copied into a temporary
/// file without a name, and 40 bytes or so remember where; the file is read once.
///
/// A class, since it is large: as a part of a structure it would be moved out and in again for each run.
final class RecordingJoin {
    private var reader: RecordingReader
    private var decoder = RunDecoder()
    /// Where the first run of an id that was read too early stands in the file.
    private var ahead: [Key: Entry] = [:]
    /// The further ones, in order.
    private var aheadToo: [Key: [Entry]] = [:]
    private var spool: SpoolFile?
    private let path: String

    private struct Key: Hashable {
        var high: UInt64
        var low: UInt64
    }

    private struct Entry {
        var offset: Int
        var count: Int
    }

    /// Runs read so far.
    private(set) var runCount = 0
    /// Runs of them that had an id and were asked for.
    private(set) var matched = 0

    init(path: String, maximumLine: Int, rejects: RejectCounter, isStopped: @escaping () -> Bool) throws(InputError) {
        self.path = path
        reader = try RecordingReader(path: path, maximumLine: maximumLine, rejects: rejects, isStopped: isStopped)
    }

    /// Reads the run that goes with the trace.
    ///
    /// - Parameter outline: of the trace's line, where it is known.
    /// - Returns: whether there is one.
    func run(for trace: borrowing AgentRun, _ outline: borrowing LineOutline, into run: inout AgentRun) throws(InputError) -> Bool {
        guard let id = trace.recordedID else { return false }
        if !ahead.isEmpty, let entry = take(Self.key(trace, id)) {
            try reload(entry, into: &run)
            matched += 1
            return true
        }
        while let place = try reader.read(into: &run, like: trace, outline) {
            runCount += 1
            guard let found = run.recordedID else { continue }
            if run.bytesEqual(found, trace, id) {
                matched += 1
                return true
            }
            try keep(Self.key(run, found), place)
        }
        return false
    }

    /// Reads what is left.
    ///
    /// - Returns: how many runs no trace asked for, and some of their ids.
    func finish() throws(InputError) -> (unmatched: Int, examples: [String]) {
        var run = AgentRun()
        var examples: [String] = []
        for entry in ahead.values.sorted(by: { $0.offset < $1.offset }).prefix(10) {
            try reload(entry, into: &run)
            if let id = run.recordedID { examples.append(run.string(id)) }
        }
        while try reader.read(into: &run) != nil {
            runCount += 1
            if examples.count < 10 { examples.append(run.recordedID.map { run.string($0) } ?? "(a run without trace_id)") }
        }
        return (runCount - matched, examples)
    }

    private static func key(_ run: borrowing AgentRun, _ id: Text) -> Key {
        run.storage.withUnsafeBytes { bytes in
            let (high, low) = SHA256.prefix(of: UnsafeRawBufferPointer(rebasing: bytes[id.range]))
            return Key(high: high, low: low)
        }
    }

    private func take(_ key: Key) -> Entry? {
        guard let first = ahead.removeValue(forKey: key) else { return nil }
        if var more = aheadToo[key] {
            ahead[key] = more.removeFirst()
            aheadToo[key] = more.isEmpty ? nil : more
        }
        return first
    }

    private func keep(_ key: Key, _ place: RecordingReader.Place) throws(InputError) {
        if spool == nil { spool = try SpoolFile(for: path) }
        let range: Result<Range<Int>, InputError> = reader.withLine(place) { bytes in
            spool.map { $0.append(bytes) } ?? .success(0..<0)
        }
        let written = try range.get()
        let entry = Entry(offset: written.lowerBound, count: written.count)
        if ahead[key] == nil { ahead[key] = entry } else { aheadToo[key, default: []].append(entry) }
    }

    private func reload(_ entry: Entry, into run: inout AgentRun) throws(InputError) {
        guard let bytes = try spool?.read(entry.offset..<entry.offset + entry.count) else { return }
        do throws(RejectedLine) {
            _ = try bytes.withUnsafeBufferPointer { bytes throws(RejectedLine) in
                try decoder.decode(UnsafeRawBufferPointer(bytes), into: &run)
            }
        } catch {
            // It was read before it was kept.
            throw InputError(path: path, problem: "a run that was set aside cannot be read again: \(error.detail)")
        }
    }
}

/// A temporary file without a name, written at its end and read anywhere.
private final class SpoolFile {
    private let descriptor: CInt
    private var end = 0
    private let purpose: String

    init(for path: String) throws(InputError) {
        purpose = path
        let directory = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array((directory + "/outrigger.XXXXXX").utf8CString)
        descriptor = template.withUnsafeMutableBufferPointer { template in
            guard let name = template.baseAddress else { return -1 }
            let descriptor = mkstemp(name)
            if descriptor >= 0 { unlink(name) }
            return descriptor
        }
        guard descriptor >= 0 else {
            throw InputError(path: path, problem: "cannot make a temporary file in \(directory): \(String(cString: strerror(errno)))")
        }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    }

    deinit { close(descriptor) }

    func append(_ bytes: UnsafeRawBufferPointer) -> Result<Range<Int>, InputError> {
        let start = end
        while end - start < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[(end - start)...])
            let count = pwrite(descriptor, rest.baseAddress, rest.count, off_t(end))
            if count > 0 { end += count } else if errno != EINTR { return .failure(failure("write")) }
        }
        return .success(start..<end)
    }

    func read(_ range: Range<Int>) throws(InputError) -> [UInt8] {
        let bytes = [UInt8](unsafeUninitializedCapacity: range.count) { buffer, count in
            count = max(0, pread(descriptor, buffer.baseAddress, range.count, off_t(range.lowerBound)))
        }
        guard bytes.count == range.count else { throw failure("read") }
        return bytes
    }

    private func failure(_ doing: String) -> InputError {
        InputError(path: purpose, problem: "cannot \(doing) a temporary file: \(String(cString: strerror(errno)))")
    }
}
