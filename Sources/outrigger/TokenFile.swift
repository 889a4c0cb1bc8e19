import Glibc

/// A file that holds a secret and nothing else.
enum TokenFile {
    private static let maximumBytes = 4096

    /// - Returns: what is in it, without the line's end.
    /// - Throws: ``UsageError`` that names the file, never what is in it.
    static func read(_ path: String) throws -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw UsageError("cannot read the token file \(path): \(String(cString: strerror(errno)))") }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: maximumBytes + 1)
        let count = Glibc.read(descriptor, &bytes, bytes.count)
        guard count >= 0 else { throw UsageError("cannot read the token file \(path): \(String(cString: strerror(errno)))") }
        guard count <= maximumBytes else { throw UsageError("the token file \(path) has more than \(maximumBytes) bytes") }
        let token = String(decoding: bytes[..<count], as: UTF8.self).split { $0.isWhitespace }
        guard token.count == 1 else { throw UsageError("the token file \(path) must hold one word") }
        return String(token[0])
    }
}
