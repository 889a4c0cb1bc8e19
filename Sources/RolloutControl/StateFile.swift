internal import FileLocks
internal import Glibc
internal import JSONDocuments
internal import JSONText
internal import Rollout

/// The file in which a rollout outlives its sidecar: the state, and how it came about.
///
/// It is replaced as a whole: written beside itself, made durable, and renamed, so that whoever reads it, after whatever
/// happened, reads all of one state.
struct StateFile: Sendable {
    static let format = "outrigger/rollout/1"
    /// Changes that are kept.
    static let maximumHistory = 1000

    let path: String
    /// As it was given.
    private let name: String

    /// - Parameter path: may be a symbolic link, also to a file that is not there yet: what it leads to is the file, which a link
    ///   that is replaced would leave behind as it was.
    init(path: String) {
        name = path
        self.path = Self.target(of: path)
    }

    /// What a chain of links ends in. One without an end, which the system refuses to open, is cut off.
    private static func target(of path: String) -> String {
        var path = path
        for _ in 0..<40 {
            var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
            let count = buffer.withUnsafeMutableBytes { bytes in bytes.baseAddress.map { readlink(path, $0, bytes.count) } ?? 0 }
            guard count > 0 else { break }
            let link = String(decoding: buffer[..<count], as: UTF8.self)
            let folder = path.utf8.lastIndex(of: UInt8(ascii: "/")).map { path[...$0] } ?? ""
            path = link.utf8.first == UInt8(ascii: "/") ? link : String(folder) + link
        }
        return path
    }

    struct Content {
        var state: RolloutState
        /// The oldest first.
        var history: [RolloutChange]
        /// Older changes that are kept no more.
        var forgotten: Int
    }

    /// - Returns: nil where there is no file yet.
    /// - Throws: ``StateFileError`` for a file that is not one of ours, or is damaged.
    func read() throws(StateFileError) -> Content? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw StateFileError(path, "cannot be opened: \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        var info = stat()
        guard fstat(descriptor, &info) == 0, info.st_mode & S_IFMT == S_IFREG else {
            throw StateFileError(path, "is no regular file")
        }
        guard info.st_size <= 16 << 20 else { throw StateFileError(path, "is larger than any state file; name another one") }
        var bytes = [UInt8](repeating: 0, count: Int(info.st_size))
        var count = 0
        while count < bytes.count {
            let got = bytes.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress.map { $0 + count }, $0.count - count) }
            if got < 0, errno == EINTR { continue }
            guard got > 0 else { throw StateFileError(path, "cannot be read") }
            count += got
        }
        do {
            return try Self.content(of: JSONDocument(parsing: bytes))
        } catch {
            throw StateFileError(path, "is no state of a rollout (\(error)); move it away to begin with the configuration's")
        }
    }

    /// Reads the state of one rollout.
    ///
    /// - Throws: ``StateFileError`` also for that of another.
    func read(of id: String) throws(StateFileError) -> Content? {
        guard let found = try read() else { return nil }
        guard found.state.id == id else {
            throw StateFileError(path, "is that of the rollout \(found.state.id), not of \(id); name another file")
        }
        return found
    }

    private static func content(of json: JSONDocument) throws -> Content {
        var reader = try MemberReader(json, "the file")
        guard try reader.string("format") == format else { throw RolloutError("its format is not \(format)") }
        let state = try RolloutState(json: try reader.required("state"))
        let history = try reader.array("history").map { try RolloutChange(json: $0) }
        let content = Content(state: state, history: history, forgotten: try reader.integer("forgotten", in: 0...Int.max))
        try reader.finish()
        return content
    }

    /// Replaces the file, durably.
    func write(_ content: Content) throws(StateFileError) {
        let target = Self.target(of: name)
        // The lock is the old one's, and the next start would read the new one.
        guard target == path else {
            throw StateFileError(name, "leads to \(target) now, and to \(path) at the start; set the link right, or start again")
        }
        let json = JSONValue.object([
            ("format", .text(Self.format)), ("state", content.state.json), ("forgotten", .integer(content.forgotten)),
            ("history", .array(content.history.map(\.json))),
        ])
        let temporary = path + ".new"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw failure("cannot be written") }
        var isOpen = true
        func abandon(_ problem: String) -> StateFileError {
            let error = failure(problem)
            if isOpen { close(descriptor) }
            unlink(temporary)
            return error
        }
        let bytes = Array(json.text.utf8) + [0x0A]
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress.map { $0 + written }, $0.count - written) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw abandon("cannot be written") }
            written += count
        }
        guard fsync(descriptor) == 0 else { throw abandon("cannot be made durable") }
        isOpen = false
        guard close(descriptor) == 0, rename(temporary, path) == 0 else { throw abandon("cannot be replaced") }
        syncFolder()
    }

    /// The new name must survive a loss of power too.
    private func syncFolder() {
        let slash = path.utf8.lastIndex(of: UInt8(ascii: "/"))
        let folder = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }

    private func failure(_ problem: String) -> StateFileError {
        StateFileError(path, "\(problem): \(String(cString: strerror(errno)))")
    }
}

/// What is wrong with a state file.
public struct StateFileError: Error, Hashable, Sendable, CustomStringConvertible {
    public var message: String
    public var description: String { message }

    init(_ path: String, _ problem: String) { message = "the rollout's state file \(path) \(problem)" }
}

extension FileLock {
    /// Keeps a second sidecar from the same state: two would each undo what the other does.
    ///
    /// - Parameter state: the path of the state file.
    init(ofState state: String) throws(StateFileError) {
        let file = state + ".lock"
        do throws(Failure) { self = try FileLock(file) } catch {
            let problem = switch error {
            case .unopenable(let reason): "cannot be locked: \(file): \(String(cString: strerror(reason)))"
            case .taken: "is in use by another sidecar; give each a state file of its own"
            case .unlockable: "cannot be locked"
            }
            throw StateFileError(state, problem)
        }
    }
}
