public import Digests
internal import JSONText

/// What a ledger was at some time: how many entries, the last one's hash, and the Merkle root over all entries' hashes.
///
/// Signed: the Ed25519 signature of `outrigger/ledger/1/checkpoint`, a NUL, the ledger's id (16 bytes), the count, the time
/// (eight bytes each, big-endian), the last hash and the root (32 bytes each).
public struct Checkpoint: Hashable, Sendable {
    static let domain = Array("outrigger/ledger/1/checkpoint\0".utf8)

    public var ledgerID: [UInt8]
    public var count: UInt64
    /// Unix nanoseconds.
    public var time: UInt64
    public var lastHash: Digest
    /// RFC 6962's Merkle tree hash.
    public var root: Digest
    /// Empty when nobody signed.
    public var publicKey: [UInt8] = []
    public var signature: [UInt8] = []

    var message: [UInt8] { Self.domain + ledgerID + bigEndian(count) + bigEndian(time) + lastHash.bytes + root.bytes }

    public var isSigned: Bool { !signature.isEmpty }

    /// Whether the signature is that of the key it names.
    public var hasValidSignature: Bool { Ed25519.isValid(signature, of: message, by: publicKey) }

    mutating func sign(_ key: SigningKey) {
        guard let signature = Ed25519.signature(of: message, by: key.privateKey) else { return }
        publicKey = key.publicKey
        self.signature = signature
    }

    /// One line of a checkpoint file, without the line break.
    public var json: String {
        JSONValue.object([
            ("ledger", .text(hexText(ledgerID))), ("count", .integer(Int(clamping: count))),
            ("time", .integer(Int(clamping: time))),
            ("last_hash", .text(lastHash.hex)), ("root", .text(root.hex)), ("public_key", .text(hexText(publicKey))),
            ("signature", .text(hexText(signature))),
        ]).text
    }

    /// - Returns: nil for a line that is none.
    init?(line: [UInt8]) {
        var tape = JSONTape(maximumDepth: 4)
        let fields: (String, String, String, String, String, UInt64, UInt64)? = line.withUnsafeBytes { text in
            guard (try? tape.parse(text)) != nil, tape[0].kind == .object else { return nil }
            func string(_ key: String) -> String? {
                tape.value(of: key, in: 0, of: text).flatMap {
                    tape[$0].kind == .string ? String(decoding: text[tape[$0].range], as: UTF8.self) : nil
                }
            }
            func number(_ key: String) -> UInt64? {
                tape.value(of: key, in: 0, of: text).flatMap {
                    tape[$0].kind == .number ? UInt64(String(decoding: text[tape[$0].range], as: UTF8.self)) : nil
                }
            }
            guard let ledger = string("ledger"), let hash = string("last_hash"), let root = string("root"),
                let key = string("public_key"),
                let signature = string("signature"), let count = number("count"), let time = number("time")
            else { return nil }
            return (ledger, hash, root, key, signature, count, time)
        }
        guard let fields, let ledgerID = hexBytes(fields.0), ledgerID.count == 16, let lastHash = Digest(hex: fields.1),
            let root = Digest(hex: fields.2), let publicKey = hexBytes(fields.3), let signature = hexBytes(fields.4)
        else { return nil }
        self.ledgerID = ledgerID
        self.lastHash = lastHash
        self.root = root
        self.publicKey = publicKey
        self.signature = signature
        count = fields.5
        time = fields.6
    }

    init(ledgerID: [UInt8], count: UInt64, time: UInt64, lastHash: Digest, root: Digest) {
        self.ledgerID = ledgerID
        self.count = count
        self.time = time
        self.lastHash = lastHash
        self.root = root
    }
}
