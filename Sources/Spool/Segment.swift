internal import Glibc

/// One file of a spool: written at its end, read anywhere.
///
/// What each record is stays in memory, 24 bytes for one: 8 MB for a spool of 1 GiB with records of 3 kB.
final class Segment {
    struct Entry {
        enum State: UInt8 { case waits, taken, done, lost }

        var offset: Int
        var payloadSize: UInt32
        var items: UInt32
        /// Unix seconds when it was put in; for one that was found, when its file was last written.
        var since: UInt32
        var kind: UInt8
        var state: State

        var isWaiting: Bool { state == .waits || state == .taken }
    }

    let number: UInt64
    let path: String
    /// Bytes up to the end of the last whole record.
    private(set) var size: Int
    private(set) var entries: [Entry] = []
    /// Records, and items of them, that wait or are taken.
    private(set) var waitingRecords = 0
    private(set) var waitingItems = 0
    /// Whether anything was written that the disk may not have.
    var isDirty = false
    private let descriptor: Int32

    init(number: UInt64, path: String, descriptor: Int32, size: Int) {
        self.number = number
        self.path = path
        self.descriptor = descriptor
        self.size = size
    }

    deinit { close(descriptor) }

    static func create(_ number: UInt64, in folder: String) throws(SpoolError) -> Segment {
        let path = "\(folder)/\(name(number))"
        let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw SpoolError.system("cannot create \(path)") }
        let segment = Segment(number: number, path: path, descriptor: descriptor, size: 0)
        do throws(SpoolError) {
            try segment.write(SpoolRecord.segmentHeader)
        } catch {
            unlink(path)
            throw error
        }
        return segment
    }

    /// Twenty digits, so that names sort as numbers do.
    static func name(_ number: UInt64) -> String {
        let digits = String(number)
        return String(repeating: "0", count: 20 - digits.count) + digits + ".spool"
    }

    /// Adds a record at the end, all or none.
    ///
    /// - Parameter syncs: whether it must survive a loss of power.
    func append(_ record: [UInt8], kind: UInt8, items: UInt32, syncs: Bool) throws(SpoolError) {
        let start = size
        try write(record)
        if syncs, fdatasync(descriptor) != 0 {
            let error = SpoolError.system("cannot write \(path) through to the disk")
            size = start
            ftruncate(descriptor, off_t(start))
            throw error
        }
        isDirty = !syncs
        add(
            Entry(
                offset: start, payloadSize: UInt32(record.count - SpoolRecord.headerSize), items: items, since: UInt32(clamping: time(nil)),
                kind: kind, state: .waits))
    }

    /// Takes note of a record that is in the file.
    func add(_ entry: Entry) {
        entries.append(entry)
        guard entry.isWaiting else { return }
        waitingRecords += 1
        waitingItems += Int(entry.items)
    }

    /// The next record is written here.
    ///
    /// - Parameter cutting: whether there is something that was torn or damaged. If it cannot be cut off, it is written over,
    ///   and the next start looks again.
    func end(at offset: Int, cutting: Bool) {
        size = offset
        if cutting { ftruncate(descriptor, off_t(offset)) }
    }

    private func write(_ bytes: [UInt8]) throws(SpoolError) {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { pwrite(descriptor, $0.baseAddress.map { $0 + written }, $0.count - written, off_t(size + written)) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                let error = SpoolError.system("cannot write \(path)")
                ftruncate(descriptor, off_t(size))
                throw error
            }
            written += count
        }
        size += bytes.count
    }

    /// Changes what is to be done with a record.
    ///
    /// A mark that cannot be written has the record sent again after a restart.
    func set(_ state: Entry.State, at index: Int) {
        let before = entries[index]
        entries[index].state = state
        if before.isWaiting, !entries[index].isWaiting {
            waitingRecords -= 1
            waitingItems -= Int(before.items)
        }
        guard state == .done else { return }
        var mark = SpoolRecord.done
        pwrite(descriptor, &mark, 1, off_t(before.offset + SpoolRecord.stateOffset))
    }

    /// - Returns: nil when the record is no longer what was written.
    func payload(at index: Int) -> [UInt8]? {
        let entry = entries[index]
        guard var record = bytes(at: entry.offset, count: SpoolRecord.headerSize + Int(entry.payloadSize)),
            let header = record.withUnsafeBytes({ SpoolRecord.whole($0) }),
            header.kind == entry.kind, header.items == entry.items, header.payloadSize == entry.payloadSize
        else { return nil }
        record.removeFirst(SpoolRecord.headerSize)
        return record
    }

    /// - Returns: nil when there are not so many.
    func bytes(at offset: Int, count: Int) -> [UInt8]? {
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            while initialized < count {
                let more = pread(descriptor, buffer.baseAddress.map { $0 + initialized }, count - initialized, off_t(offset + initialized))
                if more < 0, errno == EINTR { continue }
                guard more > 0 else { return }
                initialized += more
            }
        }
        return bytes.count == count ? bytes : nil
    }

    /// The same file, for who makes it durable without holding up others; -1 when there is none to be had.
    func duplicate() -> Int32 { fcntl(descriptor, F_DUPFD_CLOEXEC, 0) }

    func remove() { unlink(path) }
}
