internal import OTLP

/// A batch as it stands in a spool's record: how many spans, where each ends, four bytes each, little-endian, and their
/// bytes, as they go into a request.
extension SpanBatch {
    /// What stands in front of its ``bytes`` in the form.
    var spoolHead: [UInt8] {
        let size = 4 + 4 * count
        return [UInt8](unsafeUninitializedCapacity: size) { buffer, initialized in
            let head = UnsafeMutableRawBufferPointer(buffer)
            head.storeBytes(of: UInt32(truncatingIfNeeded: count).littleEndian, toByteOffset: 0, as: UInt32.self)
            for i in 0..<count {
                head.storeBytes(of: UInt32(truncatingIfNeeded: end(of: i)).littleEndian, toByteOffset: 4 + 4 * i, as: UInt32.self)
            }
            initialized = size
        }
    }

    /// - Returns: nil for bytes that are no such form.
    init?(spoolForm form: [UInt8]) {
        func integer(_ i: Int) -> Int {
            Int(UInt32(littleEndian: form.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 4 * i, as: UInt32.self) }))
        }
        guard form.count >= 4, case let count = integer(0), form.count >= 4 + 4 * count else { return nil }
        let bytes = form[(4 + 4 * count)...]
        var start = 0
        self.init()
        for i in 0..<count {
            let end = integer(i + 1)
            guard end >= start, end <= bytes.count else { return nil }
            append(bytes[(bytes.startIndex + start)..<(bytes.startIndex + end)])
            start = end
        }
        guard start == bytes.count else { return nil }
    }

    /// The spans in `range`, by themselves.
    func spans(_ range: Range<Int>) -> SpanBatch {
        var some = SpanBatch()
        for i in range { some.append(self[i..<(i + 1)]) }
        return some
    }
}
