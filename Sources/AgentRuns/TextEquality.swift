public import Glibc

/// Texts of runs against other bytes, by the C library's comparison: byte by byte through a slice costs many times as much.
extension AgentRun {
    /// Whether the text is these bytes.
    @inlinable
    public func text(_ text: Text, equals bytes: [UInt8]) -> Bool {
        guard Int(text.count) == bytes.count else { return false }
        return bytes.withUnsafeBytes { self.text(text, equals: $0) }
    }

    /// Whether the text is this word.
    @inlinable
    public func text(_ text: Text, equals word: StaticString) -> Bool {
        self.text(text, equals: UnsafeRawBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount))
    }

    /// Whether the text is the same, byte for byte, as one of another run.
    @inlinable
    public func text(_ text: Text, equals otherText: Text, of other: borrowing AgentRun) -> Bool {
        guard text.count == otherText.count else { return false }
        return other.storage.withUnsafeBytes { self.text(text, equals: UnsafeRawBufferPointer(rebasing: $0[otherText.range])) }
    }

    /// Whether the text is these bytes.
    @inlinable
    public func text(_ text: Text, equals bytes: UnsafeRawBufferPointer) -> Bool {
        storage.withUnsafeBytes { UnsafeRawBufferPointer(rebasing: $0[text.range]).isEqual(to: bytes) }
    }
}

extension UnsafeRawBufferPointer {
    /// Whether both hold the same bytes.
    @inlinable
    public func isEqual(to other: UnsafeRawBufferPointer) -> Bool {
        guard count == other.count else { return false }
        guard let bytes = baseAddress, let others = other.baseAddress else { return true }
        return memcmp(bytes, others, count) == 0
    }
}
