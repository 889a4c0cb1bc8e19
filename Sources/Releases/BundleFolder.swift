internal import Glibc

/// The folder of a bundle, out of which no path leads.
struct BundleFolder {
    static let maximumFileBytes = 4 << 20
    static let maximumTotalBytes = 64 << 20

    /// Why a file of the bundle cannot be had.
    struct Refusal: Error {
        var problem: String
        var remedy: String
    }

    /// As the user named it, for messages.
    let name: String
    /// Without symbolic links.
    private let root: String
    private(set) var bytesRead = 0
    /// Relative paths without `.` and `..`, in the order of their first reading.
    private(set) var files: [String] = []

    init?(ofFile path: String) {
        let slash = path.utf8.lastIndex(of: UInt8(ascii: "/"))
        name = slash.map { String(path[..<$0]) } ?? ""
        guard let root = Self.resolved(slash == nil ? "." : name.isEmpty ? "/" : name) else { return nil }
        self.root = root
    }

    /// How messages call a file of the bundle.
    func shown(_ relative: String) -> String { name.isEmpty ? relative : "\(name)/\(relative)" }

    /// Reads a file that lies in the folder, symbolic links followed.
    mutating func read(_ path: String) throws(Refusal) -> [UInt8] {
        let relative = try Self.normalized(path)
        guard let resolved = Self.resolved("\(root)/\(relative)") else {
            throw refusal("cannot open \(path): \(String(cString: strerror(errno)))", "check the path; it counts from the folder of the bundle")
        }
        try checkInside(resolved, path)
        // Not waiting for the writer of a pipe, and not following a link that took the file's place.
        let descriptor = open(resolved, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW)
        guard descriptor >= 0 else {
            throw refusal("cannot open \(path): \(String(cString: strerror(errno)))", "check the read permission")
        }
        defer { close(descriptor) }
        // What was really opened, should a folder on the way have been replaced meanwhile.
        guard let opened = Self.resolved("/proc/self/fd/\(descriptor)") else {
            throw refusal("cannot tell where \(path) lies", "mount /proc")
        }
        try checkInside(opened, path)
        var info = stat()
        guard fstat(descriptor, &info) == 0, info.st_mode & S_IFMT == S_IFREG else {
            throw refusal("\(path) is not a regular file", "name a file")
        }
        let bytes = try content(descriptor, size: Int(info.st_size), path)
        bytesRead += bytes.count
        guard bytesRead <= Self.maximumTotalBytes else {
            throw refusal("the files of the bundle have more than 64 MiB in all", "a bundle holds prompts and schemas, not data")
        }
        if !files.contains(relative) { files.append(relative) }
        return bytes
    }

    private func content(_ descriptor: CInt, size: Int, _ path: String) throws(Refusal) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: min(max(size, 0), Self.maximumFileBytes) + 1)
        var count = 0
        while count < bytes.count {
            let got = bytes.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress.map { $0 + count }, $0.count - count) }
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { throw refusal("cannot read \(path): \(String(cString: strerror(errno)))", "check the file system") }
            if got == 0 { break }
            count += got
        }
        guard count <= Self.maximumFileBytes else { throw refusal("\(path) is larger than 4 MiB", "shorten it") }
        return Array(bytes[..<count])
    }

    /// Files of the folders, other than the bundle's own, in which the named ones lie, that are not named themselves.
    func unusedFiles() -> [String] {
        var unused: [String] = []
        let folders = Set(files.compactMap { file in file.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(file[..<$0]) } })
        for folder in folders.sorted() {
            guard let directory = opendir("\(root)/\(folder)") else { continue }
            defer { closedir(directory) }
            while let entry = readdir(directory), unused.count < 1_000 {
                guard entry.pointee.d_type == UInt8(DT_REG) else { continue }
                let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
                let file = "\(folder)/\(name)"
                if !name.hasPrefix("."), !files.contains(file) { unused.append(file) }
            }
        }
        return unused.sorted()
    }

    private func checkInside(_ resolved: String, _ path: String) throws(Refusal) {
        let prefix = root == "/" ? "/" : root + "/"
        guard resolved.utf8.starts(with: prefix.utf8) else {
            throw refusal("\(path) leads out of the bundle's folder", "copy the file into the folder")
        }
    }

    private func refusal(_ problem: String, _ remedy: String) -> Refusal { Refusal(problem: problem, remedy: remedy) }

    /// Without `.`, `..` and doubled slashes; refused if it starts at the root or leaves the folder on the way.
    static func normalized(_ path: String) throws(Refusal) -> String {
        func refused(_ problem: String) -> Refusal {
            Refusal(problem: problem, remedy: "write a path that counts from the folder of the bundle and stays in it")
        }
        guard !path.isEmpty, path.utf8.count <= 1_024 else { throw refused("no file name") }
        guard !path.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
            throw refused("a file name with control characters")
        }
        guard !path.hasPrefix("/") else { throw refused("the path \(path) is absolute") }
        var parts: [Substring] = []
        for part in path.split(separator: "/") where part != "." {
            if part != ".." {
                parts.append(part)
            } else if parts.popLast() == nil {
                throw refused("the path \(path) leaves the bundle's folder")
            }
        }
        guard !parts.isEmpty else { throw refused("the path \(path) names no file") }
        return parts.joined(separator: "/")
    }

    private static func resolved(_ path: String) -> String? {
        guard let found = realpath(path, nil) else { return nil }
        defer { free(found) }
        return String(cString: found)
    }
}
