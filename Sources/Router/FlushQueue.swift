internal import NIOCore

/// Something whose gathered bytes go out when it is told so.
protocol Flushing: AnyObject {
    func flush()
}

/// Connections of one event loop with bytes to write, which leave together at the end of the loop's turn.
///
/// Under load a turn serves several requests. A write in the middle of it wakes the other side, which finds one message, and
/// sleeps again until the next; a few writes one after the other find it awake. That costs both sides less, and a request
/// that has the turn for itself nothing.
final class FlushQueue {
    private let eventLoop: any EventLoop
    private var waiting: [any Flushing] = []
    /// Made once: it runs in every turn.
    private lazy var run: @Sendable () -> Void = { [queue = NIOLoopBound(self, eventLoop: eventLoop)] in queue.value.flushAll() }

    init(_ eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    /// Flushes the connection when the events of this turn are done.
    func add(_ connection: any Flushing) {
        // Tasks run after the events of a turn, in order.
        if waiting.isEmpty { eventLoop.execute(run) }
        waiting.append(connection)
    }

    /// Flushes at once what waits.
    func flushAll() {
        var connections: [any Flushing] = []
        swap(&connections, &waiting)
        for connection in connections { connection.flush() }
        // Keeps the memory for the next turn, unless a flush has called back and let something wait again.
        guard waiting.isEmpty else { return }
        connections.removeAll(keepingCapacity: true)
        swap(&connections, &waiting)
    }
}
