/// Writes values as bytes: integers little-endian, texts and byte strings with their length (four bytes) in front, all ones
/// for nil.
///
/// It writes into memory of a fixed size, which an event loop needs a fraction of the time for that an array takes which is
/// asked at each of a hundred values whether it has room and one owner.
struct BinaryWriter {
    private let start: UnsafeMutableRawPointer
    private let capacity: Int
    /// Bytes of all that was put, whether it had room or not.
    private var count = 0

    private init(_ start: UnsafeMutableRawPointer, capacity: Int) {
        self.start = start
        self.capacity = capacity
    }

    /// The bytes that `write` puts. It is called again, with enough room, if they were more than expected.
    static func bytes(expecting expected: Int, _ write: (inout BinaryWriter) -> Void) -> [UInt8] {
        var capacity = max(1, expected)
        while true {
            var needed = 0
            let bytes = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
                guard let start = buffer.baseAddress else { return }
                var writer = BinaryWriter(start, capacity: buffer.count)
                write(&writer)
                needed = writer.count
                count = needed <= writer.capacity ? needed : 0
            }
            if bytes.count == needed { return bytes }
            capacity = needed
        }
    }

    mutating func put(_ value: UInt8) {
        if count < capacity { start.storeBytes(of: value, toByteOffset: count, as: UInt8.self) }
        count += 1
    }

    mutating func put(_ value: UInt64) {
        if count + 8 <= capacity { start.storeBytes(of: value.littleEndian, toByteOffset: count, as: UInt64.self) }
        count += 8
    }

    mutating func put(_ value: UInt32) {
        if count + 4 <= capacity { start.storeBytes(of: value.littleEndian, toByteOffset: count, as: UInt32.self) }
        count += 4
    }

    mutating func put(_ value: Bool) { put(UInt8(value ? 1 : 0)) }
    mutating func put(_ value: Int) { put(UInt64(bitPattern: Int64(value))) }

    mutating func put(_ value: UInt64?) {
        put(value != nil)
        if let value { put(value) }
    }

    mutating func put(_ text: String) {
        if text.utf8.withContiguousStorageIfAvailable({ put(UnsafeRawBufferPointer($0)) }) == nil {
            Array(text.utf8).withUnsafeBytes { put($0) }
        }
    }

    mutating func put(_ text: String?) {
        if let text { put(text) } else { put(BinaryReader.none) }
    }

    mutating func put(_ value: [UInt8]?) {
        if let value { value.withUnsafeBytes { put($0) } } else { put(BinaryReader.none) }
    }

    mutating func put(_ pieces: [[UInt8]]) {
        put(UInt32(clamping: pieces.count))
        for piece in pieces { piece.withUnsafeBytes { put($0) } }
    }

    private mutating func put(_ raw: UnsafeRawBufferPointer) {
        put(UInt32(clamping: raw.count))
        if let source = raw.baseAddress, count + raw.count <= capacity {
            (start + count).copyMemory(from: source, byteCount: raw.count)
        }
        count += raw.count
    }
}

/// Reads what a ``BinaryWriter`` wrote, and nothing beyond its end.
struct BinaryReader {
    /// The bytes are not what was to be read.
    struct Mismatch: Error {}

    static let none = UInt32.max
    private let bytes: ArraySlice<UInt8>
    private var next: Int

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        next = bytes.startIndex
    }

    var isAtEnd: Bool { next == bytes.endIndex }

    mutating func byte() throws(Mismatch) -> UInt8 {
        guard next < bytes.endIndex else { throw Mismatch() }
        defer { next += 1 }
        return bytes[next]
    }

    mutating func bool() throws(Mismatch) -> Bool {
        switch try byte() {
        case 0: false
        case 1: true
        default: throw Mismatch()
        }
    }

    mutating func uint64() throws(Mismatch) -> UInt64 {
        UInt64(littleEndian: try take(8).withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) })
    }

    mutating func uint32() throws(Mismatch) -> UInt32 {
        UInt32(littleEndian: try take(4).withUnsafeBytes { $0.loadUnaligned(as: UInt32.self) })
    }

    mutating func int() throws(Mismatch) -> Int { Int(Int64(bitPattern: try uint64())) }

    mutating func optionalUInt64() throws(Mismatch) -> UInt64? { try bool() ? try uint64() : nil }

    mutating func optionalBytes() throws(Mismatch) -> [UInt8]? {
        let count = try uint32()
        return count == Self.none ? nil : Array(try take(Int(count)))
    }

    mutating func optionalString() throws(Mismatch) -> String? {
        guard let bytes = try optionalBytes() else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    mutating func string() throws(Mismatch) -> String {
        guard let text = try optionalString() else { throw Mismatch() }
        return text
    }

    mutating func pieces() throws(Mismatch) -> [[UInt8]] {
        let count = Int(try uint32())
        // Each has its length: a damaged count asks for no memory.
        guard count <= (bytes.endIndex - next) / 4 else { throw Mismatch() }
        var pieces: [[UInt8]] = []
        pieces.reserveCapacity(count)
        for _ in 0..<count {
            guard let piece = try optionalBytes() else { throw Mismatch() }
            pieces.append(piece)
        }
        return pieces
    }

    /// A value of an enumeration by its name.
    mutating func word<Word: RawRepresentable>() throws(Mismatch) -> Word where Word.RawValue == String {
        guard let word = Word(rawValue: try string()) else { throw Mismatch() }
        return word
    }

    private mutating func take(_ count: Int) throws(Mismatch) -> ArraySlice<UInt8> {
        guard count <= bytes.endIndex - next else { throw Mismatch() }
        defer { next += count }
        return bytes[next..<(next + count)]
    }
}
