import Glibc

/// The pages of code and constants that starting up needed: most of what a sidecar without work would hold otherwise.
///
/// The few that it needs again come back from the page cache when they are used. Only mappings of files are given back that
/// nothing was written to, so nothing can be lost.
enum StartupPages {
    /// Gives the pages back to the system.
    ///
    /// - Returns: bytes of the mappings that were given back; 0 where the system does not say what is mapped.
    @discardableResult
    static func release() -> Int {
        guard let file = fopen("/proc/self/smaps", "r") else { return 0 }
        var line: UnsafeMutablePointer<CChar>?
        var capacity = 0
        defer {
            free(line)
            fclose(file)
        }
        var released = 0
        var mapping: Mapping?
        while getline(&line, &capacity, file) > 0, let line {
            let text = Substring(String(cString: line))
            if let next = Mapping(header: text) {
                mapping = next
            } else if let candidate = mapping, candidate.isOfFile, !candidate.isWritable, text.hasPrefix("Anonymous:") {
                mapping = nil
                // What the dynamic linker wrote to and then protected has pages of its own, which no file could give back.
                guard text.split(separator: " ").dropFirst().first == "0" else { continue }
                if madvise(UnsafeMutableRawPointer(bitPattern: candidate.start), candidate.count, MADV_DONTNEED) == 0 {
                    released += candidate.count
                }
            }
        }
        return released
    }

    /// The first line of what `/proc/self/smaps` says of a mapping.
    struct Mapping: Equatable {
        var start: UInt
        /// Bytes.
        var count: Int
        var isWritable: Bool
        var isOfFile: Bool

        /// - Returns: nil for a line that says something else, such as `Rss: 12 kB`.
        ///
        /// Source: proc_pid_maps(5): `start-end perms offset device inode path`.
        init?(header: Substring) {
            let fields = header.split(separator: " ", maxSplits: 5)
            guard fields.count >= 5, fields[1].utf8.count == 4, let dash = fields[0].firstIndex(of: "-"),
                let start = UInt(fields[0][..<dash], radix: 16), let end = UInt(fields[0][fields[0].index(after: dash)...], radix: 16),
                end > start
            else { return nil }
            self.start = start
            count = Int(end - start)
            isWritable = fields[1].dropFirst().first == "w"
            isOfFile = fields.count == 6 && fields[5].drop { $0 == " " }.hasPrefix("/")
        }
    }
}
