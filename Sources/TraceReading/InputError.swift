internal import Glibc

/// An input that cannot be opened or read to its end.
public struct InputError: Error, CustomStringConvertible, Sendable {
    /// The path as the user gave it, `-` for standard input.
    public var path: String
    /// What went wrong.
    public var problem: String
    /// What the user can do about it.
    public var remedy: String?

    public init(path: String, problem: String, remedy: String? = nil) {
        self.path = path
        self.problem = problem
        self.remedy = remedy
    }

    /// From the C library's `errno`.
    init(path: String, doing: String, errno code: Int32) {
        let remedy: String? = switch code {
        case ENOENT where path.contains { "*?[".contains($0) }: "check the name; only backfill expands patterns, others read one file"
        case ENOENT: "check the name"
        case EACCES: "the user that runs outrigger needs read permission"
        case EISDIR: "name the files in it, for example with a pattern: \"\(path)/*.jsonl\""
        default: nil
        }
        self.init(path: path, problem: "cannot \(doing): \(String(cString: strerror(code)))", remedy: remedy)
    }

    public var description: String {
        "\(path == "-" ? "standard input" : path): \(problem)\(remedy.map { " (\($0))" } ?? "")"
    }
}
