import Digests
import Testing

/// Vectors from FIPS 180-2, RFC 4231 and RFC 8032.
struct DigestsTests {
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    ])
    func sha256(text: String, hex: String) { #expect(SHA256.digest(of: Array(text.utf8)).hex == hex) }

    @Test func hmac() throws {
        let digest = KeyedDigest(key: Array("Jefe".utf8)).digest(of: Array("what do ya want for nothing?".utf8))
        #expect(digest.hex == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
        let long = KeyedDigest(key: [UInt8](repeating: 0xAA, count: 131))
        let message = Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8)
        #expect(long.digest(of: message).hex == "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54")
        #expect(long.digest(of: message) == long.digest(of: message), "a key serves more than once")
    }

    @Test(arguments: [
        ("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
         "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
         "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"),
        ("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
         "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
         "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"),
    ])
    func ed25519(secret: String, key: String, message: String, signature: String) throws {
        let privateKey = try #require(hexBytes(secret))
        let publicKey = try #require(Ed25519.publicKey(of: privateKey))
        let text = try #require(hexBytes(message))
        let made = try #require(Ed25519.signature(of: text, by: privateKey))
        #expect(hexText(publicKey) == key)
        #expect(hexText(made) == signature)
        #expect(Ed25519.isValid(made, of: text, by: publicKey))
        #expect(!Ed25519.isValid(made, of: text + [0], by: publicKey))
        for i in made.indices {
            var forged = made
            forged[i] ^= 1
            #expect(!Ed25519.isValid(forged, of: text, by: publicKey))
        }
        #expect(!Ed25519.isValid([], of: text, by: publicKey) && !Ed25519.isValid(made, of: text, by: []))
        #expect(Ed25519.signature(of: text, by: [1]) == nil)
    }

    @Test(arguments: ["0", "0g", "é1"])
    func notHex(text: String) { #expect(hexBytes(text) == nil && Digest(hex: text) == nil) }
}
