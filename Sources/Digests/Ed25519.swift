internal import CNettle

/// Signatures by Ed25519 (RFC 8032), from Nettle's libhogweed.
public enum Ed25519 {
    /// Bytes of a key, the private one (RFC 8032's seed) as well as the public one.
    public static let keyLength = 32
    public static let signatureLength = 64

    /// - Returns: nil unless the private key has 32 bytes.
    public static func publicKey(of privateKey: [UInt8]) -> [UInt8]? {
        guard privateKey.count == keyLength else { return nil }
        var key = [UInt8](repeating: 0, count: keyLength)
        nettle_ed25519_sha512_public_key(&key, privateKey)
        return key
    }

    /// - Returns: 64 bytes; nil unless the private key has 32.
    public static func signature(of message: [UInt8], by privateKey: [UInt8]) -> [UInt8]? {
        guard let publicKey = publicKey(of: privateKey) else { return nil }
        var signature = [UInt8](repeating: 0, count: signatureLength)
        nettle_ed25519_sha512_sign(publicKey, privateKey, message.count, message, &signature)
        return signature
    }

    /// Whether the signature is that of the message by the key; false for keys and signatures of another length.
    public static func isValid(_ signature: [UInt8], of message: [UInt8], by publicKey: [UInt8]) -> Bool {
        guard signature.count == signatureLength, publicKey.count == keyLength else { return false }
        return nettle_ed25519_sha512_verify(publicKey, message.count, message, signature) == 1
    }
}
