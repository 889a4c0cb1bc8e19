internal import Glibc

/// One file of a spool: written at its end, read anywhere.
final class Segment {
    let number: UInt64
    let path: String
    /// Bytes that hold whole records.
    private(set) var size: Int
    private let descriptor: Int32
    /// Items of records that are not done.
    var waitingItems = 0
    /// Records that are not done.
    var waitingRecords = 0

    private init(number: UInt64, path: String, descriptor: Int32, size: Int) {
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
        do {
            try segment.append(SpoolRecord.segmentHeader)
        } catch {
            unlink(path)
            throw error
        }
        return segment
    }

    /// Opens a file that was left, and finds out how much of it is whole.
    ///
    /// - Returns: nil for a file without a single whole record, which is removed.
    static func recover(_ number: UInt64, in folder: String, damage: inout Int) throws(SpoolError) -> Segment? {
        let path = "\(folder)/\(name(number))"
        let descriptor = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw SpoolError.system("cannot open \(path)") }
        var info = stat()
        guard fstat(descriptor, &info) == 0 else {
            close(descriptor)
            throw SpoolError.system("cannot read \(path)")
        }
        let segment = Segment(number: number, path: path, descriptor: descriptor, size: SpoolRecord.segmentHeader.count)
        let fileSize = Int(info.st_size)
        let header = segment.read(at: 0, count: SpoolRecord.segmentHeader.count)
        if let header, header.starts(with: "outrigger/spool".utf8), header != SpoolRecord.segmentHeader {
            throw SpoolError(message: "\(path) is of another version of outrigger; move it away, or name another folder")
        }
        guard header == SpoolRecord.segmentHeader else {
            // A file that was never finished has nothing in it; any other is none of ours.
            guard fileSize < SpoolRecord.segmentHeader.count else {
                throw SpoolError(message: "\(path) is no segment of a spool; move it away, or name another folder")
            }
            unlink(path)
            return nil
        }
        while case .record(let header, _)? = segment.record(at: segment.size, limit: fileSize) {
            segment.size += SpoolRecord.headerSize + header.payloadSize
            if !header.isDone {
                segment.waitingItems += header.items
                segment.waitingRecords += 1
            }
        }
        // What follows was torn by the end of the process, or damaged on disk: no record can be found in it.
        damage += fileSize - segment.size
        ftruncate(descriptor, off_t(segment.size))
        if segment.waitingRecords == 0 {
            unlink(path)
            return nil
        }
        return segment
    }

    /// Twenty digits, so that names sort as numbers do.
    static func name(_ number: UInt64) -> String {
        let digits = String(number)
        return String(repeating: "0", count: 20 - digits.count) + digits + ".spool"
    }

    enum Found {
        case record(SpoolRecord.Header, payload: [UInt8])
    }

    /// The record at an offset; nil where there is no whole one.
    func record(at offset: Int, limit: Int? = nil) -> Found? {
        let limit = limit ?? size
        guard offset + SpoolRecord.headerSize <= limit, let bytes = read(at: offset, count: SpoolRecord.headerSize),
            let header = SpoolRecord.header(bytes), offset + SpoolRecord.headerSize + header.payloadSize <= limit,
            let payload = read(at: offset + SpoolRecord.headerSize, count: header.payloadSize),
            SpoolRecord.matches(bytes, header, payload)
        else { return nil }
        return .record(header, payload: payload)
    }

    /// Adds bytes at the end, all or none.
    func append(_ bytes: [UInt8]) throws(SpoolError) {
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

    func markDone(at offset: Int) {
        var done: UInt8 = 1
        pwrite(descriptor, &done, 1, off_t(offset + SpoolRecord.stateOffset))
    }

    func sync() { fdatasync(descriptor) }

    func remove() { unlink(path) }

    private func read(at offset: Int, count: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        var got = 0
        while got < count {
            let more = bytes.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress.map { $0 + got }, count - got, off_t(offset + got)) }
            if more < 0, errno == EINTR { continue }
            guard more > 0 else { return nil }
            got += more
        }
        return bytes
    }
}
