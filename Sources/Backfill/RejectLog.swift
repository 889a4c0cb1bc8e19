internal import Glibc
internal import Threads
internal import TraceReading

/// Tells of rejected lines, and keeps copies of them so that nothing is lost.
final class RejectLog: Sendable {
    /// How many are told one by one; after that, only counted.
    private static let told = 20

    private struct State: Sendable {
        var count = 0
        var problem: String?
    }

    private let path: String?
    private let descriptor: CInt
    private let onNotice: @Sendable (String) -> Void
    private let state = Monitor(State())

    /// - Throws: ``BackfillError`` when the file for the copies cannot be written.
    init(path: String?, onNotice: @escaping @Sendable (String) -> Void) throws(BackfillError) {
        self.path = path
        self.onNotice = onNotice
        guard let path else {
            descriptor = -1
            return
        }
        descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw .configuration("cannot write the reject file \(path): \(String(cString: strerror(errno)))")
        }
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    /// Why copies are missing from the file, if any are.
    var problem: String? { state.withLock { $0.problem } }

    /// Tells of a line and copies it; one over the limit has been copied by ``copyPiece(_:)``.
    func add(_ rejection: RejectedLine, path: String, line: LineBlock.Line, text: ArraySlice<UInt8>) {
        let count = state.withLock { state in
            state.count += 1
            return state.count
        }
        if count <= Self.told {
            let name = path == "-" ? "standard input" : path
            let column = rejection.column > 0 ? ":\(rejection.column)" : ""
            onNotice("\(name):\(line.number)\(column): rejected (\(rejection.reason.rawValue)): \(rejection.detail)")
        } else if count == Self.told + 1 {
            onNotice("more lines were rejected; the summary counts them all")
        }
        if line.oversize == nil { copy(Array(text) + [UInt8(ascii: "\n")]) }
    }

    /// Copies a piece of a line that is never held in memory as a whole.
    func copyPiece(_ bytes: UnsafeRawBufferPointer) {
        if descriptor >= 0 { copy(Array(bytes)) }
    }

    private func copy(_ bytes: [UInt8]) {
        guard descriptor >= 0 else { return }
        state.withLock { state in
            var done = 0
            while done < bytes.count, state.problem == nil {
                let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress.map { $0 + done }, $0.count - done) }
                if count > 0 {
                    done += count
                } else if errno != EINTR {
                    state.problem = "cannot write the reject file \(path ?? ""): \(String(cString: strerror(errno)))"
                }
            }
        }
    }
}
