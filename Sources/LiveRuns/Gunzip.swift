internal import CCompression

/// Takes apart what an agent compressed, up to a bound: a few bytes can say gigabytes.
enum Gunzip {
    /// More is not taken out.
    static let maximumBytes = 8 << 20
    private static let step = 64 << 10

    /// - Returns: what could be taken out of these bytes, and whether that was all; nil where they are no gzip.
    static func bytes(of compressed: [UInt8]) -> (bytes: [UInt8], isWhole: Bool)? {
        let state = UnsafeMutablePointer<inflate_state>.allocate(capacity: 1)
        defer { state.deallocate() }
        isal_inflate_init(state)
        state.pointee.crc_flag = UInt32(ISAL_GZIP)
        var output: [UInt8] = []
        var isEnded = false
        var isSound = true
        compressed.withUnsafeBytes { input in
            state.pointee.next_in = UnsafeMutablePointer(mutating: input.assumingMemoryBound(to: UInt8.self).baseAddress)
            state.pointee.avail_in = UInt32(clamping: input.count)
            while isSound, !isEnded, output.count < maximumBytes {
                let before = output.count
                output.append(addingCapacity: step) { (span: inout OutputSpan<UInt8>) in
                    span.withUnsafeMutableBufferPointer { buffer, count in
                        state.pointee.next_out = buffer.baseAddress.map { $0 + count }
                        state.pointee.avail_out = UInt32(buffer.count - count)
                        let status = isal_inflate(state)
                        isSound = status == ISAL_DECOMP_OK || status == ISAL_END_INPUT
                        count = buffer.count - Int(state.pointee.avail_out)
                    }
                }
                isEnded = state.pointee.block_state == ISAL_BLOCK_FINISH
                // Nothing came and nothing is left to come from.
                if output.count == before, state.pointee.avail_in == 0 { break }
            }
        }
        guard isSound || !output.isEmpty else { return nil }
        return (output, isEnded && isSound)
    }
}
