internal import Digests
internal import Glibc

/// The key that checkpoints are signed with.
public struct SigningKey: Sendable {
    let privateKey: [UInt8]
    public let publicKey: [UInt8]

    /// - Returns: nil unless there are 32 bytes (RFC 8032's seed).
    public init?(_ privateKey: [UInt8]) {
        guard let publicKey = Ed25519.publicKey(of: privateKey) else { return nil }
        self.privateKey = privateKey
        self.publicKey = publicKey
    }
}

/// Key files: 32 bytes as 64 hex digits and a line break.
public enum KeyFile {
    /// - Returns: the key's 32 bytes.
    /// - Throws: ``LedgerError`` that names the file, never what is in it.
    public static func read(_ path: String) throws(LedgerError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw LedgerError(.keys, "cannot read the key \(path): \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = Glibc.read(descriptor, &bytes, bytes.count)
        guard count >= 0 else { throw LedgerError(.keys, "cannot read the key \(path): \(String(cString: strerror(errno)))") }
        let words = bytes[..<count].split { $0 == 0x0A || $0 == 0x0D || $0 == 0x20 }
        guard words.count == 1, words[0].count == 64, let key = hexBytes(String(decoding: words[0], as: UTF8.self)) else {
            throw LedgerError(.keys, "the key \(path) must hold 64 hex digits; outrigger audit keys makes one")
        }
        return key
    }

    public static func signingKey(_ path: String) throws(LedgerError) -> SigningKey {
        guard let key = SigningKey(try read(path)) else { throw LedgerError(.keys, "the key \(path) is none") }
        return key
    }

    /// Makes a file that only its owner can read.
    ///
    /// - Parameter key: nil for 32 random bytes.
    /// - Returns: the key.
    /// - Throws: ``LedgerError``, also when the file is there already: a key that is lost is lost.
    @discardableResult
    public static func create(_ path: String, key: [UInt8]? = nil, isPublic: Bool = false) throws(LedgerError) -> [UInt8] {
        let bytes = key ?? random(32)
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, isPublic ? 0o644 : 0o600)
        guard descriptor >= 0 else {
            throw LedgerError(.keys, "cannot make the key \(path): \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        let text = Array((hexText(bytes) + "\n").utf8)
        guard write(descriptor, text, text.count) == text.count, fsync(descriptor) == 0 else {
            unlink(path)
            throw LedgerError(.keys, "cannot write the key \(path): \(String(cString: strerror(errno)))")
        }
        return bytes
    }

    /// From the system's own source, which is fit for keys.
    static func random(_ count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }
}
