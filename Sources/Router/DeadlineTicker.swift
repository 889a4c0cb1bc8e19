internal import NIOCore

/// Something that may take too long.
protocol Expiring: AnyObject {
    /// Looks whether its time is over, and does what is due then.
    func expire(at now: NIODeadline)
}

/// Looks at everything on one event loop that may take too long, ten times a second.
///
/// A deadline is a field that is written, not a task that is scheduled and cancelled: that costs a request nothing, and what is
/// late by a tenth of a second is nobody's loss.
final class DeadlineTicker {
    private static let interval = TimeAmount.milliseconds(100)
    private var watched: [ObjectIdentifier: any Expiring] = [:]
    private let eventLoop: any EventLoop
    private var task: RepeatedTask?

    init(_ eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    func watch(_ object: any Expiring) {
        watched[ObjectIdentifier(object)] = object
        guard task == nil else { return }
        let ticker = NIOLoopBound(self, eventLoop: eventLoop)
        task = eventLoop.scheduleRepeatedTask(initialDelay: Self.interval, delay: Self.interval) { _ in ticker.value.tick() }
    }

    func forget(_ object: any Expiring) {
        watched[ObjectIdentifier(object)] = nil
    }

    func stop() {
        task?.cancel()
        task = nil
        watched = [:]
    }

    private func tick() {
        let now = NIODeadline.now()
        // A copy, since what expires is forgotten.
        for object in watched.values { object.expire(at: now) }
    }
}
