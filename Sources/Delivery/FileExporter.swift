internal import Glibc
public import OTLP
internal import Threads

/// Writes batches of spans to a file or to standard output, in the order in which they come.
public final class FileExporter<Context: Sendable>: SpanSink {
    /// What stands between two messages.
    public enum Framing: Sendable {
        /// Nothing: the spans are text for people already.
        case plain
        /// One message a line, as the Collector's file exporter writes JSON.
        case lines
        /// Each message's length in front of it, as a varint: protobuf's own "delimited" form.
        case delimited
    }

    private struct State: Sendable {
        var traffic = Traffic()
        var haltReason: String?
        var record: [UInt8] = []
        var body: [UInt8] = []
    }

    private let path: String
    private let descriptor: CInt
    private let form: MessageForm
    private let framing: Framing
    private let onSettled: @Sendable (Context, Range<Int>, Settlement) -> Void
    private let state = Monitor(State())

    /// - Parameters:
    ///   - path: `-` is standard output. An existing file is replaced, unless `appending`.
    /// - Throws: ``FileExportError`` when it cannot be opened.
    public init(
        path: String, form: MessageForm, framing: Framing, appending: Bool,
        onSettled: @escaping @Sendable (Context, Range<Int>, Settlement) -> Void
    ) throws(FileExportError) {
        self.path = path
        self.form = form
        self.framing = framing
        self.onSettled = onSettled
        if path == "-" {
            descriptor = STDOUT_FILENO
        } else {
            descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (appending ? O_APPEND : O_TRUNC), 0o644)
            guard descriptor >= 0 else {
                throw FileExportError(message: "cannot write \(path): \(String(cString: strerror(errno)))")
            }
        }
    }

    deinit {
        if path != "-" { close(descriptor) }
    }

    public func submit(_ batch: SpanBatch, _ context: Context) {
        let all = 0..<batch.count
        let settlement = state.withLock { state in
            guard state.haltReason == nil else { return Settlement(unsent: batch.count, reason: "halted") }
            frame(batch[all], &state)
            if let problem = write(state.record) {
                state.haltReason = "cannot write \(path == "-" ? "standard output" : path): \(problem)"
                return Settlement(unsent: batch.count, reason: "write_failed")
            }
            state.traffic.requests += 1
            state.traffic.bytes += state.record.count
            state.traffic.wireBytes += state.record.count
            state.traffic.deliveredBytes += state.record.count
            return .accepted(batch.count)
        }
        onSettled(context, all, settlement)
    }

    public func finish() {}

    public var haltReason: String? { state.withLock { $0.haltReason } }
    public var traffic: Traffic { state.withLock { $0.traffic } }

    private func frame(_ spans: ArraySlice<UInt8>, _ state: inout State) {
        state.record.removeAll(keepingCapacity: true)
        switch framing {
        case .plain: form.wrap(spans, into: &state.record)
        case .lines:
            form.wrap(spans, into: &state.record)
            state.record.append(UInt8(ascii: "\n"))
        case .delimited:
            state.body.removeAll(keepingCapacity: true)
            form.wrap(spans, into: &state.body)
            var length = state.body.count
            while length >= 0x80 {
                state.record.append(UInt8(truncatingIfNeeded: length) | 0x80)
                length >>= 7
            }
            state.record.append(UInt8(length))
            state.record.append(contentsOf: state.body)
        }
    }

    /// - Returns: what went wrong.
    private func write(_ record: [UInt8]) -> String? {
        record.withUnsafeBytes { bytes in
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return String(cString: strerror(errno)) }
                rest = rest.dropFirst(count)
            }
            return nil
        }
    }
}

/// A file for spans that cannot be written.
public struct FileExportError: Error, Sendable, CustomStringConvertible {
    public var message: String
    public var description: String { message }
}
