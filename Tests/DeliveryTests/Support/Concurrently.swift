import Threads

/// Runs all of them at once, each in a thread of its own, and waits for them to end.
///
/// Swift's own pool has as many threads as the machine has cores: work that blocks would starve it.
func concurrently(_ bodies: [@Sendable () -> Void]) throws { try concurrently(bodies[...]) }

private func concurrently(_ bodies: ArraySlice<@Sendable () -> Void>) throws {
    guard let first = bodies.first else { return }
    let thread = try WorkerThread(first)
    // A thread's handle cannot be copied, so it cannot stand in an array: each waits on a frame of its own.
    try concurrently(bodies.dropFirst())
    thread.join()
}
