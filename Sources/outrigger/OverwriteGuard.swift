import Glibc
import TraceReading

/// Knows which files are read and which are written: one that is both would be emptied before it is read.
struct OverwriteGuard {
    private var taken: [(what: String, path: String, identity: Identity)] = []

    /// What makes two paths the same file: links are followed, and what does not exist yet is known by its folder and name.
    private enum Identity: Hashable {
        case file(InputFile.Identity)
        case name(String)
    }

    /// - Parameter what: in words, such as `the gate file`.
    mutating func reads(_ path: String, _ what: String) {
        if path != "-" { taken.append((what, path, Self.identity(of: path))) }
    }

    /// - Throws: ``UsageError`` when the file is read, or written twice. Pipes and devices may be.
    mutating func writes(_ path: String, _ flag: String) throws {
        let isOutput = Self.isStandardOutput(path)
        if let status = InputFile.status(of: path), !status.isRegular, !isOutput { return }
        let identity = isOutput ? .name("-") : Self.identity(of: path)
        if let other = taken.first(where: { $0.identity == identity }) {
            throw UsageError(
                isOutput
                    ? "\(flag) and \(other.what) both write to standard output; name a file for one of them"
                    : "\(flag) \(path) is also \(other.what) (\(other.path)); it would be overwritten: name another file")
        }
        taken.append((flag, path, identity))
    }

    /// Whether what is written there comes out on standard output: `-`, and other names of the same file, pipe or terminal,
    /// such as `/dev/stdout`. What goes to `/dev/null` mixes with nothing.
    static func isStandardOutput(_ path: String) -> Bool {
        if path == "-" { return true }
        guard let status = InputFile.status(of: path), status.identity != InputFile.status(of: "/dev/null")?.identity else { return false }
        var output = stat()
        guard fstat(STDOUT_FILENO, &output) == 0 else { return false }
        return status.identity == .init(device: UInt64(output.st_dev), inode: UInt64(output.st_ino))
    }

    private static func identity(of path: String) -> Identity {
        if let status = InputFile.status(of: path) { return .file(status.identity) }
        let slash = path.utf8.lastIndex(of: UInt8(ascii: "/"))
        let folder = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        guard let real = realpath(folder, nil) else { return .name(path) }
        defer { free(real) }
        return .name(String(cString: real) + "/" + (slash.map { String(path[path.index(after: $0)...]) } ?? path))
    }
}
