internal import AgentRuns
internal import Digests

/// The canonical encoding of an entry, which its hash is made of.
///
/// It is the byte 0x01 (the encoding's version) and then the 26 fields in the order of ``EntryField``, each as its length in
/// bytes (four bytes, big-endian) and its bytes:
///
/// - a number is eight bytes, big-endian;
/// - a trace id is 16 bytes, a span id eight, a digest 32, as they are;
/// - text, and the name of a case, is UTF-8;
/// - what is not known has length 0, as has empty text.
///
/// The hash of entry n is SHA-256 of `outrigger/ledger/1/entry`, a NUL, the hash of entry n - 1 (32 bytes) and the encoding.
/// That of entry 0, which there is not, is SHA-256 of `outrigger/ledger/1/genesis`, a NUL and the ledger's id (16 bytes).
struct EntryEncoding: ~Copyable {
    private static let version: UInt8 = 1
    private static let domain = Array("outrigger/ledger/1/entry\0".utf8)
    private static let genesisDomain = Array("outrigger/ledger/1/genesis\0".utf8)

    /// What is hashed, in memory that is used again for the next entry: a verification writes a million of them.
    private var start = UnsafeMutableRawPointer.allocate(byteCount: 4096, alignment: 8)
    private var capacity = 4096
    private var count = 0

    init() {
        start.copyMemory(from: Self.domain, byteCount: Self.domain.count)
    }

    deinit { start.deallocate() }

    static func genesis(of ledgerID: [UInt8]) -> Digest { SHA256.digest(of: genesisDomain + ledgerID) }

    /// Begins the encoding of another entry; `previous` is the hash of the one before it.
    mutating func begin(after previous: Digest) {
        count = Self.domain.count
        previous.withUnsafeBytes { (start + count).copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(start), byteCount: 32) }
        count += 32
        start.storeBytes(of: Self.version, toByteOffset: count, as: UInt8.self)
        count += 1
    }

    /// The hash of what was appended since ``begin(after:)``.
    borrowing func hash() -> Digest {
        var hash = SHA256()
        hash.update(UnsafeRawBufferPointer(start: start, count: count))
        return hash.digest()
    }

    mutating func appendAbsent() { append(length: 0) }

    mutating func append(_ number: UInt64) {
        append(length: 8)
        start.storeBytes(of: number.bigEndian, toByteOffset: count, as: UInt64.self)
        count += 8
    }

    mutating func append(_ field: UnsafeRawBufferPointer) {
        append(length: field.count)
        guard let bytes = field.baseAddress else { return }
        (start + count).copyMemory(from: bytes, byteCount: field.count)
        count += field.count
    }

    /// Writes a field's length, and makes room for the field.
    private mutating func append(length: Int) {
        if count + 4 + max(8, length) > capacity { grow(by: 4 + max(8, length)) }
        start.storeBytes(of: UInt32(clamping: length).bigEndian, toByteOffset: count, as: UInt32.self)
        count += 4
    }

    private mutating func grow(by size: Int) {
        capacity = max(2 * capacity, count + size)
        let larger = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 8)
        larger.copyMemory(from: start, byteCount: count)
        start.deallocate()
        start = larger
    }

    /// Encodes an entry by its values, in the order of ``EntryField``.
    ///
    /// - Returns: its hash.
    mutating func hash(_ values: [EntryValue], after previous: Digest) -> Digest {
        begin(after: previous)
        for value in values {
            switch value {
            case .absent: appendAbsent()
            case .number(let value): append(value)
            case .text(var text): text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
            case .bytes(let value): value.withUnsafeBytes { append($0) }
            }
        }
        return hash()
    }
}

/// The fields of an entry, in the order of the encoding; the names are those of the columns and of the export's members.
public enum EntryField: String, CaseIterable, Sendable {
    case number, time, kind
    case traceID = "trace_id"
    case spanID = "span_id"
    case runID = "run_id"
    case requestID = "request_id"
    case arm, mode, agent
    case releaseVersion = "release_version"
    case releaseDigest = "release_digest"
    case rolloutRevision = "rollout_revision"
    case tool, effect, verdict, reason, refers
    case argumentsSize = "arguments_size"
    case argumentsDigest = "arguments_digest"
    case argumentsKept = "arguments_kept"
    case resultSize = "result_size"
    case resultDigest = "result_digest"
    case resultKept = "result_kept"
    case duration, outcome

    public enum Form: Sendable { case number, text, bytes }

    public var form: Form {
        switch self {
        case .number, .time, .rolloutRevision, .refers, .argumentsSize, .resultSize, .duration: .number
        case .traceID, .spanID, .argumentsDigest, .argumentsKept, .resultDigest, .resultKept: .bytes
        default: .text
        }
    }
}

/// A field's value.
public enum EntryValue: Hashable, Sendable {
    case absent
    case number(UInt64)
    case text(String)
    case bytes([UInt8])

    init(_ number: UInt64?) { self = number.map { .number($0) } ?? .absent }
    init(_ text: String) { self = text.isEmpty ? .absent : .text(text) }
    init(_ digest: Digest?) { self = digest.map { .bytes($0.bytes) } ?? .absent }
}

extension LedgerEntry {
    /// All of its values, in the order of ``EntryField``.
    var values: [EntryValue] { Self.fields.map { self[$0] } }
    private static let fields = EntryField.allCases

    public subscript(field: EntryField) -> EntryValue {
        switch field {
        case .number: .number(number)
        case .time: .number(time)
        case .kind: .text(kind.rawValue)
        case .traceID: traceID.map { .bytes($0.bytes) } ?? .absent
        case .spanID: spanID.map { .bytes($0.bytes) } ?? .absent
        case .runID: EntryValue(runID)
        case .requestID: EntryValue(requestID)
        case .arm: EntryValue(arm?.rawValue ?? "")
        case .mode: EntryValue(mode?.rawValue ?? "")
        case .agent: EntryValue(agent)
        case .releaseVersion: EntryValue(releaseVersion)
        case .releaseDigest: EntryValue(releaseDigest)
        case .rolloutRevision: EntryValue(rolloutRevision)
        case .tool: EntryValue(tool)
        case .effect: EntryValue(effect?.rawValue ?? "")
        case .verdict: EntryValue(verdict?.rawValue ?? "")
        case .reason: EntryValue(reason)
        case .refers: EntryValue(refers)
        case .argumentsSize: EntryValue(arguments?.size)
        case .argumentsDigest: EntryValue(arguments?.digest)
        case .argumentsKept: EntryValue(arguments?.kept)
        case .resultSize: EntryValue(result?.size)
        case .resultDigest: EntryValue(result?.digest)
        case .resultKept: EntryValue(result?.kept)
        case .duration: EntryValue(duration)
        case .outcome: EntryValue(outcome?.rawValue ?? "")
        }
    }
}

func bigEndian(_ value: UInt64) -> [UInt8] { withUnsafeBytes(of: value.bigEndian) { Array($0) } }
