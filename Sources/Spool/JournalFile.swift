internal import CStatFS
internal import Glibc

/// The bytes of a journal: room that is set aside once, and written through memory where that cannot fail.
///
/// What stands in the page cache survives the process, whichever way it came there. A mapping is the cheaper way (0.2 µs for
/// 2 kB against 1.5 µs for `pwrite`), but where the file system may have to find room when a page is changed, as those that
/// copy on write do, a full disk would end the process by SIGBUS. So only the file systems are mapped for which
/// `posix_fallocate` is a promise; all others are written by `pwrite`, which says that it failed.
///
/// `@unchecked Sendable`: the pointer is never changed, and ``Journal`` sees to it that no two threads touch the same bytes.
final class JournalFile: @unchecked Sendable {
    let path: String
    let size: Int
    private let descriptor: Int32
    private let base: UnsafeMutableRawPointer?

    private init(path: String, size: Int, descriptor: Int32, maps: Bool) {
        self.path = path
        self.size = size
        self.descriptor = descriptor
        var map: UnsafeMutableRawPointer?
        if maps, Self.keepsItsPromises(descriptor) {
            map = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)
            // MAP_FAILED.
            if map == UnsafeMutableRawPointer(bitPattern: -1) { map = nil }
        }
        base = map
    }

    deinit {
        if let base { munmap(base, size) }
        close(descriptor)
    }

    var isMapped: Bool { base != nil }

    /// Source: `statfs(2)`, the magic numbers of ext4 and tmpfs.
    private static func keepsItsPromises(_ descriptor: Int32) -> Bool {
        var info = statfs()
        guard fstatfs(descriptor, &info) == 0 else { return false }
        return [0xEF53, 0x0102_1994].contains(Int(info.f_type))
    }

    /// A new file, all of whose room is set aside.
    static func create(_ path: String, size: Int, maps: Bool) throws(SpoolError) -> JournalFile {
        var limit = rlimit()
        // To exceed it is a signal.
        if getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0, limit.rlim_cur < rlim_t(size) {
            errno = EFBIG
            throw SpoolError.system("cannot make \(path) of \(size) bytes")
        }
        let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw SpoolError.system("cannot create \(path)") }
        let status = posix_fallocate(descriptor, 0, off_t(size))
        guard status == 0 else {
            close(descriptor)
            unlink(path)
            errno = status
            throw SpoolError.system("cannot set aside \(size) bytes for \(path)")
        }
        return JournalFile(path: path, size: size, descriptor: descriptor, maps: maps)
    }

    /// The file that an earlier process left.
    ///
    /// - Returns: nil where there is none.
    static func existing(_ path: String, maps: Bool) throws(SpoolError) -> JournalFile? {
        let descriptor = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        if descriptor < 0, errno == ENOENT { return nil }
        guard descriptor >= 0 else { throw SpoolError.system("cannot open \(path)") }
        var info = stat()
        guard fstat(descriptor, &info) == 0, info.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw SpoolError(message: "\(path) is no file; move it away")
        }
        let size = Int(info.st_size)
        // Copied without its holes, it would have some where there were none: nothing that a mapping may be made of.
        let isWhole = Int(info.st_blocks) * 512 >= size
        return JournalFile(path: path, size: size, descriptor: descriptor, maps: maps && isWhole && size > 0)
    }

    /// - Returns: whether all of it was written.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> Bool {
        if let base {
            UnsafeMutableRawBufferPointer(start: base + offset, count: bytes.count).copyMemory(from: bytes)
            return true
        }
        var written = 0
        while written < bytes.count {
            let count = pwrite(descriptor, bytes.baseAddress.map { $0 + written }, bytes.count - written, off_t(offset + written))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            written += count
        }
        return true
    }

    /// Writes one after the other, by one call of the system at most.
    func write(_ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer, at offset: Int) -> Bool {
        if isMapped { return write(first, at: offset) && write(second, at: offset + first.count) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(first.count + second.count)
        bytes.append(contentsOf: first)
        bytes.append(contentsOf: second)
        return bytes.withUnsafeBytes { write($0, at: offset) }
    }

    /// Writes zeros, as far as it can.
    func wipe(_ count: Int, at offset: Int) {
        if let base {
            // What was written by another core is overwritten without being read first, and no zeros are read either.
            memset(base + offset, 0, count)
            return
        }
        var done = 0
        while done < count {
            let step = min(Self.zeros.count, count - done)
            guard Self.zeros.withUnsafeBytes({ write(UnsafeRawBufferPointer(rebasing: $0[..<step]), at: offset + done) }) else { return }
            done += step
        }
    }

    private static let zeros = [UInt8](repeating: 0, count: 64 << 10)

    /// Writes a number at a multiple of eight, all or nothing even if the process is killed meanwhile.
    func write(_ number: UInt64, at offset: Int) {
        if let base {
            (base + offset).storeBytes(of: number.littleEndian, as: UInt64.self)
        } else {
            _ = withUnsafeBytes(of: number.littleEndian) { write($0, at: offset) }
        }
    }

    /// - Returns: fewer where the file ends or cannot be read.
    func read(_ count: Int, at offset: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            while initialized < count {
                let more = pread(descriptor, buffer.baseAddress.map { $0 + initialized }, count - initialized, off_t(offset + initialized))
                if more < 0, errno == EINTR { continue }
                guard more > 0 else { return }
                initialized += more
            }
        }
    }

    func remove() { unlink(path) }
}
