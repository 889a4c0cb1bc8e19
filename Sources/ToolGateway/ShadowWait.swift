/// The wait of one shadow's call for what the baseline does next.
///
/// Whoever waits is woken by the baseline's next answer or its end, by a rollback, by the time, and by its own cancellation;
/// it never looks for itself.
struct ShadowWait: ~Copyable {
    private var changes: AsyncStream<Void>.Iterator
    private let wake: AsyncStream<Void>.Continuation
    private let timer: Task<Void, any Error>
    private let served: ToolRun
    private let place: UInt64

    /// What came before this is not told of: the caller must look once more before it waits.
    init(for served: ToolRun, _ ticket: CallTicket, until deadline: ContinuousClock.Instant) {
        // One that was not taken yet is as good as many.
        let (stream, wake) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        changes = stream.makeAsyncIterator()
        self.wake = wake
        self.served = served
        place = served.tell(wake)
        ticket.onCancel { wake.yield() }
        timer = Task {
            try await Task.sleep(until: deadline, clock: .continuous)
            wake.finish()
        }
    }

    deinit {
        timer.cancel()
        served.stopTelling(place)
    }

    /// - Returns: false when there is nothing more to wait for.
    mutating func next() async -> Bool { await changes.next() != nil }
}
