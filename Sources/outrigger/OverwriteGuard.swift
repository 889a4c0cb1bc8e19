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
        if let status = InputFile.status(of: path), !status.isRegular, path != "-" { return }
        let identity = path == "-" ? .name("-") : Self.identity(of: path)
        if let other = taken.first(where: { $0.identity == identity }) {
            throw UsageError(
                path == "-"
                    ? "\(flag) and \(other.what) both write to standard output; name a file for one of them"
                    : "\(flag) \(path) is also \(other.what) (\(other.path)); it would be overwritten: name another file")
        }
        taken.append((flag, path, identity))
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
