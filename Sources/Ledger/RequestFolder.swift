internal import Glibc

/// Where requests to the writer of a ledger are put: a folder beside it that is its owner's alone. Whoever may write there may
/// write the ledger as well.
///
/// `ID.request` is put there whole. The writer makes it `ID.taken`, so that it can be withdrawn up to then, and answers with
/// `ID.answer`.
struct RequestFolder: Sendable {
    private static let maximumSize = 64 << 20

    let path: String

    /// - Parameter ledger: the database; by another name, such as a link, it is the same.
    init(ofLedger ledger: String) {
        let place = realpath(ledger, nil)
        defer { free(place) }
        path = (place.map { String(cString: $0) } ?? ledger) + ".requests"
    }

    func file(_ id: String, _ suffix: String) -> String { "\(path)/\(id).\(suffix)" }

    /// - Throws: ``LedgerError`` for a folder that others can write in, too.
    func make() throws(LedgerError) {
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw failure("cannot be made") }
        guard isOurs else {
            throw LedgerError(.refused, "the folder \(path) must belong to who runs this, and nobody else may write in it")
        }
    }

    private var isOurs: Bool {
        var info = stat()
        return lstat(path, &info) == 0 && info.st_mode & S_IFMT == S_IFDIR && info.st_uid == geteuid() && info.st_mode & 0o022 == 0
    }

    /// The ids of the requests that nobody took yet.
    var waiting: [String] {
        guard isOurs, let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var ids: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            if name.hasSuffix(".request"), !name.hasPrefix(".") { ids.append(String(name.dropLast(".request".count))) }
        }
        return ids.sorted()
    }

    /// Puts a file there whole.
    func put(_ text: String, _ id: String, _ suffix: String) throws(LedgerError) {
        let part = file(id, "part")
        let descriptor = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw failure("cannot be written in") }
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            rest = rest.dropFirst(count)
        }
        close(descriptor)
        guard rest.isEmpty, rename(part, file(id, suffix)) == 0 else {
            unlink(part)
            throw failure("cannot be written in")
        }
    }

    /// - Returns: nil where there is no such file, or one that is not ours.
    func text(_ id: String, _ suffix: String) -> String? {
        let descriptor = open(file(id, suffix), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var info = stat()
        guard fstat(descriptor, &info) == 0, info.st_mode & S_IFMT == S_IFREG, info.st_uid == geteuid(),
            info.st_size <= Self.maximumSize
        else { return nil }
        var bytes = [UInt8](repeating: 0, count: Int(info.st_size))
        var count = 0
        while count < bytes.count {
            let got = bytes.withUnsafeMutableBytes { read(descriptor, $0.baseAddress.map { $0 + count }, $0.count - count) }
            if got < 0, errno == EINTR { continue }
            guard got > 0 else { break }
            count += got
        }
        return String(validating: bytes[..<count], as: UTF8.self)
    }

    /// - Returns: whether the request is this writer's now.
    func take(_ id: String) -> Bool { rename(file(id, "request"), file(id, "taken")) == 0 }

    /// - Returns: whether the request was still there to be withdrawn.
    func withdraw(_ id: String) -> Bool { unlink(file(id, "request")) == 0 }

    /// Takes away all files of a request.
    func clear(_ id: String) {
        for suffix in ["part", "request", "taken", "answer"] { unlink(file(id, suffix)) }
        // Only when it is empty.
        rmdir(path)
    }

    private func failure(_ problem: String) -> LedgerError {
        LedgerError(.system, "the folder \(path) \(problem): \(String(cString: strerror(errno)))")
    }
}
