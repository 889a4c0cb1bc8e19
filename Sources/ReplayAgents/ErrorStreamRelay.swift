internal import Glibc
internal import Synchronization

/// Passes on what an agent's process writes to its standard error: line by line, with a prefix, escaped and bounded.
final class ErrorStreamRelay: Sendable {
    static let maximumLine = 4096
    /// Of one process. A process that fails in a loop must not fill the disk of a CI system with its log.
    static let maximumLines = 10_000

    private let prefix: String
    private let sink: @Sendable (String) -> Void
    private let lines = Mutex(0)

    init(prefix: String, sink: @escaping @Sendable (String) -> Void) {
        self.prefix = prefix
        self.sink = sink
    }

    func take(_ event: LineSplitter.Event) {
        let text: String
        switch event {
        case .line(let bytes): text = Excerpt.escaped(String(decoding: bytes, as: UTF8.self))
        case .tooLong: text = "(a line of more than \(Self.maximumLine) bytes)"
        case .end: return
        }
        let count = lines.withLock { lines in
            lines += 1
            return lines
        }
        if count <= Self.maximumLines { sink(prefix + text) }
        if count == Self.maximumLines { sink(prefix + "(more than \(count) lines; the rest is not shown)") }
    }

    /// Writes a line to our own standard error.
    @Sendable static func standardError(_ line: String) {
        let bytes = Array((line + "\n").utf8)
        // One call, so that lines of several processes do not mix; if nobody can read it, nothing can be done.
        _ = write(STDERR_FILENO, bytes, bytes.count)
    }
}
