import Glibc
import SidecarConfiguration
import Synchronization

/// The file of the configuration, and whether it is another by now than the one that was read last.
final class ConfigurationFile: Sendable {
    let path: String
    private let seen = Mutex<Stamp?>(nil)

    /// What tells two contents of a file apart without reading them.
    private struct Stamp: Equatable {
        let seconds: Int
        let nanoseconds: Int
        let size: Int
        let inode: UInt
    }

    init(_ path: String) { self.path = path }

    /// Reads it, and counts what is there as seen.
    ///
    /// - Throws: what is wrong with it, with the lines.
    func read() throws -> SidecarConfiguration {
        // Before the content: a change between the two is then read once more, where the other order would never read it.
        see()
        return try SidecarConfiguration(path: path)
    }

    /// Whether it has changed since it was read, or found changed, last; never while there is no file.
    func hasChanged() -> Bool {
        guard let now = stamp() else { return false }
        return seen.withLock { seen in
            defer { seen = now }
            return seen != now
        }
    }

    private func see() {
        let now = stamp()
        seen.withLock { $0 = now }
    }

    private func stamp() -> Stamp? {
        var info = stat()
        guard stat(path, &info) == 0 else { return nil }
        return Stamp(
            seconds: info.st_mtim.tv_sec, nanoseconds: info.st_mtim.tv_nsec, size: Int(info.st_size), inode: UInt(info.st_ino))
    }
}
