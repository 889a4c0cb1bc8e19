internal import Threads

/// Passes on what became of a request to whoever is connected later: the senders are made before there is anyone to tell.
final class SettlementRelay: Sendable {
    typealias Listener = @Sendable (SpooledExporter.Job, Range<Int>, Settlement) -> Void

    /// A closure that is itself the state of a generic lock is wrapped anew each time it is read through an `inout`, and the
    /// wrapped one is written back: every call then goes two frames deeper than the last, until the stack is full. As the
    /// member of a structure it stays as it is.
    private struct Target: Sendable {
        var listener: Listener?
    }

    private let target = Monitor(Target())

    func connect(_ listener: @escaping Listener) { target.withLockQuietly { $0.listener = listener } }

    @Sendable func settled(_ job: SpooledExporter.Job, _ range: Range<Int>, _ settlement: Settlement) {
        target.withLockQuietly { $0.listener }?(job, range, settlement)
    }
}
