internal import CCompression

/// Takes a file's bytes apart as it says it was put together: gzip, zstd, or plain. The first bytes decide, not the name.
final class Decompressor {
    private enum Format {
        case undecided
        case plain
        case gzip(GzipStream)
        case zstd(ZstdStream)
    }

    private let file: InputFile
    private var format = Format.undecided
    /// Compressed bytes that were read and not used yet.
    private var input: [UInt8]
    private var inputStart = 0
    private var inputEnd = 0
    /// The data turned out to be damaged; what was made before is passed on first.
    private var isDamaged = false

    init(_ file: InputFile) {
        self.file = file
        input = [UInt8](repeating: 0, count: 256 * 1024)
    }

    /// Whether the file is compressed: such a file cannot be followed.
    var isCompressed: Bool {
        switch format {
        case .gzip, .zstd: true
        case .undecided, .plain: false
        }
    }

    /// Fills `output` at least in part.
    ///
    /// - Returns: 0 at the end of the file as it is now.
    /// - Throws: ``InputError`` when the file cannot be read, or its compressed data are damaged or cut off.
    func read(into output: UnsafeMutableRawBufferPointer) throws(InputError) -> Int {
        if case .undecided = format { try decide() }
        switch format {
        case .undecided: return 0
        case .plain:
            if inputStart < inputEnd {
                let count = min(output.count, inputEnd - inputStart)
                input.withUnsafeBytes { output.copyMemory(from: .init(rebasing: $0[inputStart..<inputStart + count])) }
                inputStart += count
                return count
            }
            return try file.read(into: output)
        case .gzip(let stream): return try inflate(stream, into: output)
        case .zstd(let stream): return try inflate(stream, into: output)
        }
    }

    /// Forgets the format and what was read ahead: the file was truncated and starts anew.
    func restart() {
        format = .undecided
        inputStart = 0
        inputEnd = 0
        isDamaged = false
    }

    private func decide() throws(InputError) {
        // A pipe may deliver the magic number in pieces.
        while inputEnd < 4 {
            let count = try fill()
            if count == 0 { break }
        }
        if inputEnd == 0 { return }
        switch (input[0], input[1], input[2], input[3]) {
        case (0x1F, 0x8B, _, _) where inputEnd >= 2: format = .gzip(GzipStream())
        // The second is a frame to be skipped, which pzstd puts in front of each. Source: RFC 8878, section 3.1.2.
        case (0x28, 0xB5, 0x2F, 0xFD) where inputEnd >= 4, (0x50...0x5F, 0x2A, 0x4D, 0x18) where inputEnd >= 4:
            format = .zstd(ZstdStream())
        case (0xFE, 0xFF, _, _) where inputEnd >= 2, (0xFF, 0xFE, _, _) where inputEnd >= 2:
            throw InputError(
                path: file.path, problem: "the file is UTF-16", remedy: "JSON lines are UTF-8: iconv -f UTF-16 -t UTF-8")
        default: format = .plain
        }
    }

    private func fill() throws(InputError) -> Int {
        if inputStart == inputEnd {
            inputStart = 0
            inputEnd = 0
        }
        let from = inputEnd
        let file = file
        let count = try input.withUnsafeMutableBufferPointer { buffer throws(InputError) in
            try file.read(into: UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: buffer[from...])))
        }
        inputEnd += count
        return count
    }

    private func inflate(
        _ stream: some DecompressionStream, into output: UnsafeMutableRawBufferPointer
    ) throws(InputError) -> Int {
        while true {
            if isDamaged {
                throw InputError(
                    path: file.path, problem: "the compressed data are damaged near byte \(file.bytesRead)",
                    remedy: "what came before was read; get a sound copy of the file")
            }
            if inputStart == inputEnd, try fill() == 0 {
                guard stream.isBetweenFrames else {
                    throw InputError(
                        path: file.path, problem: "the compressed data end in the middle",
                        remedy: "what came before the cut was read; get a whole copy of the file")
                }
                return 0
            }
            let (used, made, isSound) = input.withUnsafeBytes {
                stream.decompress(.init(rebasing: $0[inputStart..<inputEnd]), into: output)
            }
            inputStart += used
            isDamaged = !isSound
            if made > 0 { return made }
        }
    }
}

private protocol DecompressionStream {
    /// Whether the data may end here.
    var isBetweenFrames: Bool { get }
    /// How much input was used, how much output made, and whether the data were sound.
    func decompress(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) -> (Int, Int, Bool)
}

/// gzip by ISA-L: one member after the other, as `cat a.gz b.gz` makes them.
private final class GzipStream: DecompressionStream {
    private let state = UnsafeMutablePointer<inflate_state>.allocate(capacity: 1)
    private(set) var isBetweenFrames = true

    init() { reset() }
    deinit { state.deallocate() }

    private func reset() {
        isal_inflate_init(state)
        state.pointee.crc_flag = UInt32(ISAL_GZIP)
    }

    func decompress(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) -> (Int, Int, Bool) {
        if isBetweenFrames {
            // gzip files on tape are padded with zeros; those after the last member mean nothing.
            let zeros = input.prefix { $0 == 0 }.count
            if zeros > 0 { return (zeros, 0, true) }
        }
        isBetweenFrames = false
        state.pointee.next_in = UnsafeMutablePointer(mutating: input.assumingMemoryBound(to: UInt8.self).baseAddress)
        state.pointee.avail_in = UInt32(clamping: input.count)
        state.pointee.next_out = output.assumingMemoryBound(to: UInt8.self).baseAddress
        state.pointee.avail_out = UInt32(clamping: output.count)
        let status = isal_inflate(state)
        let used = input.count - Int(state.pointee.avail_in)
        let made = output.count - Int(state.pointee.avail_out)
        guard status == ISAL_DECOMP_OK || status == ISAL_END_INPUT else { return (used, made, false) }
        if state.pointee.block_state == ISAL_BLOCK_FINISH {
            isBetweenFrames = true
            reset()
        }
        return (used, made, true)
    }
}

private final class ZstdStream: DecompressionStream {
    private let stream: OpaquePointer? = ZSTD_createDStream()
    private(set) var isBetweenFrames = true

    deinit { ZSTD_freeDStream(stream) }

    func decompress(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) -> (Int, Int, Bool) {
        guard let stream else { return (0, 0, false) }
        var source = ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
        var target = ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
        let hint = ZSTD_decompressStream(stream, &target, &source)
        guard ZSTD_isError(hint) == 0 else { return (source.pos, target.pos, false) }
        isBetweenFrames = hint == 0
        return (source.pos, target.pos, true)
    }
}
