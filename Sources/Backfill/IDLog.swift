internal import AgentRuns
internal import Glibc
internal import RunSpans
internal import Threads

/// The ids of all spans that should be visible in the end, in a temporary file, so that memory does not grow with them.
///
/// Each trace is a record of 64-bit numbers in the machine's byte order: trace id (two), number of spans, span ids.
public final class IDLog: Sendable {
    private let descriptor: CInt
    private let buffer = Monitor<[UInt64]>([])
    private let problem = Monitor<String?>(nil)

    public init() throws(BackfillError) { descriptor = try openTemporaryFile() }

    deinit { close(descriptor) }

    func append(_ run: borrowing AgentRun, _ identity: RunIdentity) {
        let ids = RunShape.spanIDs(of: run, identity)
        buffer.withLock { buffer in
            buffer.append(identity.traceID.high)
            buffer.append(identity.traceID.low)
            buffer.append(UInt64(ids.count))
            for id in ids { buffer.append(id.value) }
            if buffer.count > 1 << 16 { flush(&buffer) }
        }
    }

    private func flush(_ buffer: inout [UInt64]) {
        buffer.withUnsafeBytes { bytes in
            var done = 0
            while done < bytes.count {
                let count = write(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done)
                guard count > 0 else {
                    let text = "cannot keep ids for --verify: \(String(cString: strerror(errno)))"
                    return problem.withLock { $0 = $0 ?? text }
                }
                done += count
            }
        }
        buffer.removeAll(keepingCapacity: true)
    }

    /// Passes each trace to `body`, in no particular order.
    ///
    /// - Throws: ``BackfillError`` when the ids could not be kept or read.
    func forEach(_ body: (TraceID, [SpanID]) throws(BackfillError) -> Void) throws(BackfillError) {
        buffer.withLock { flush(&$0) }
        if let problem = problem.withLock({ $0 }) { throw .runtime(problem) }
        var offset = 0
        var words: [UInt64] = []
        while true {
            var chunk = [UInt64](repeating: 0, count: 1 << 14)
            let count = chunk.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, off_t(offset)) }
            guard count >= 0 else { throw .io("cannot read back ids", errno) }
            if count == 0 { break }
            offset += count
            words += chunk[..<(count / 8)]
            var start = 0
            while words.count - start >= 3, words.count - start - 3 >= Int(words[start + 2]) {
                let end = start + 3 + Int(words[start + 2])
                try body(TraceID(high: words[start], low: words[start + 1]), words[start + 3..<end].map { SpanID($0) })
                start = end
            }
            words.removeSubrange(..<start)
        }
    }
}
