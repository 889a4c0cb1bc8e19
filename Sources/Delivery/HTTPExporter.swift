internal import Glibc
public import OTLP
public import Threads

/// Sends batches of spans over HTTP: several at a time, each until it is taken, refused, or given up.
///
/// A full queue makes ``submit(_:_:)`` wait, so memory is bounded by the queue and the connections. Delivery is at least
/// once: a batch whose answer was lost is sent again.
public final class HTTPExporter<Context: Sendable>: SpanSink {
    private struct Job: Sendable {
        var batch: SpanBatch
        var context: Context
    }

    private struct State: Sendable {
        var traffic = Traffic()
        var haltReason: String?
        /// Nobody sends before then, because the receiver asked for it.
        var pausedUntil: ContinuousClock.Instant?
        var isHurried = false
        var running = 0
    }

    private let configuration: ExportConfiguration
    private let form: MessageForm
    /// What the endpoint is called in messages.
    private let name: String
    private let stop: StopFlag
    private let onSettled: @Sendable (Context, Range<Int>, Settlement) -> Void
    private let onNotice: @Sendable (String) -> Void
    private let queue: BoundedQueue<Job>
    private let state = Monitor(State())

    /// Starts the senders.
    ///
    /// - Parameters:
    ///   - stop: once set, nothing that fails is tried again; with ``ExportConfiguration/stopCutsOff``, nothing is sent.
    ///   - onSettled: called from the senders' threads, once for every range of spans.
    ///   - onNotice: called with what a person should know while it happens, such as a retry.
    public init(
        _ configuration: ExportConfiguration, form: MessageForm, stop: StopFlag,
        onSettled: @escaping @Sendable (Context, Range<Int>, Settlement) -> Void,
        onNotice: @escaping @Sendable (String) -> Void
    ) throws {
        self.configuration = configuration
        self.form = form
        self.stop = stop
        self.onSettled = onSettled
        let limiter = NoticeLimiter(configuration.immediateNotices, onNotice)
        self.onNotice = { limiter.pass($0) }
        name = configuration.displayName
        queue = BoundedQueue(capacity: configuration.queuedRequests)
        for _ in 0..<max(1, configuration.connections) {
            state.withLock { $0.running += 1 }
            let thread = try WorkerThread { [self] in
                send()
                state.withLock { $0.running -= 1 }
            }
            thread.detach()
        }
    }

    /// The longest back-off of who is in a hurry.
    private static var hurriedWait: Duration { .milliseconds(200) }

    /// From now on what failed is tried again soon, since there is little time left: only a wait that the receiver asked for is
    /// still kept.
    public func hurry() { state.withLock { $0.isHurried = true } }

    public func submit(_ batch: SpanBatch, _ context: Context) { queue.push(Job(batch: batch, context: context)) }

    public func finish() {
        queue.close()
        state.wait { $0.running == 0 ? () : nil }
    }

    public var haltReason: String? { state.withLock { $0.haltReason } }
    public var traffic: Traffic { state.withLock { $0.traffic } }

    // MARK: one sender

    /// A sender's own connection and buffers.
    private struct Sender: ~Copyable {
        var curl: CurlHandle
        let compressor = GzipCompressor()
        var body: [UInt8] = []
        var compressed: [UInt8] = []
    }

    private func send() {
        guard var curl = CurlHandle() else {
            halt("libcurl could not be initialised")
            while let job = queue.pop() { settle(job, 0..<job.batch.count, unsent: "halted") }
            return
        }
        curl.prepare(configuration, contentType: form.contentType, stop: configuration.stopCutsOff ? stop : nil)
        var sender = Sender(curl: curl)
        while let job = queue.pop() { deliver(job, 0..<job.batch.count, by: &sender) }
    }

    /// Sends the spans of `range` until they are settled, in parts when they are too many.
    private func deliver(_ job: Job, _ range: Range<Int>, by sender: inout Sender) {
        if haltReason != nil { return settle(job, range, unsent: "halted") }
        sender.body.removeAll(keepingCapacity: true)
        form.wrap(job.batch[range], into: &sender.body)
        let isDivisible = range.count > 1
        if sender.body.count > configuration.maximumRequest, isDivisible { return split(job, range, by: &sender) }
        guard sender.body.count <= ExportConfiguration.absoluteMaximumRequest else {
            onNotice("a span of \(sender.body.count) bytes is larger than OTLP allows in a request; it was not sent")
            return settle(job, range, unsent: "span_too_large")
        }
        if configuration.compression == .gzip {
            guard sender.body.withUnsafeBytes({ sender.compressor.compress($0, into: &sender.compressed) }) else {
                return settle(job, range, unsent: "not_compressible")
            }
        }

        let clock = ContinuousClock()
        let started = clock.now
        var attempt = 0
        while true {
            guard waitForPause(), !(configuration.stopCutsOff && stop.isSet) else { return settle(job, range, unsent: stop.isSet ? "stopped" : "halted") }
            attempt += 1
            var wait: Duration
            let isAsked: Bool
            switch post(&sender, isRetry: attempt > 1) {
            case .accepted(let rejected, let message):
                if !message.isEmpty { note(message, rejected) }
                let rejected = min(max(0, rejected), range.count)
                let taken = sender.body.count
                state.withLock { $0.traffic.deliveredBytes += taken }
                return onSettled(job.context, range, .accepted(range.count - rejected, rejected: rejected))
            case .tooLarge where isDivisible:
                return split(job, range, by: &sender)
            case .tooLarge:
                onNotice("\(name) refuses a single span of \(sender.body.count) bytes as too large")
                return settle(job, range, rejected: "http_413")
            case .refused(let reason, let problem, let endsAll):
                report("\(name): \(problem)", endsAll: endsAll)
                return settle(job, range, rejected: reason)
            case .unreadable(let problem, let endsAll):
                report("\(name): \(problem)", endsAll: endsAll)
                return settle(job, range, unsent: "unreadable_answer")
            case .retry(let after, let problem):
                // No wait at all is no answer to how long: the back-off keeps the receiver from being hammered.
                let requested = after.flatMap { RetryAfter.wait($0, now: time(nil)) }.flatMap { $0 > .zero ? min($0, configuration.retry.longestRequested ?? $0) : nil }
                isAsked = requested != nil
                wait = requested ?? configuration.retry.wait(before: attempt, random: .random(in: 0..<1))
                if !isAsked, state.withLock({ $0.isHurried }) { wait = min(wait, Self.hurriedWait) }
                let elapsed = clock.now - started
                guard !stop.isSet else {
                    // Nobody wants to wait for the rest either.
                    halt("\(name): \(problem); not tried again, since a stop was asked for")
                    return settle(job, range, unsent: "stopped")
                }
                guard elapsed + wait <= configuration.retry.giveUpAfter else {
                    let message = "\(name): \(problem); gave up after \(elapsed.inSeconds)"
                    halt(message)
                    return settle(job, range, unsent: "gave_up")
                }
                onNotice("\(name): \(problem); trying again in \(wait.inSeconds)")
                if isAsked { pause(until: clock.now + wait) }
            }
            if !sleep(wait, isAsked: isAsked) { return settle(job, range, unsent: stop.isSet ? "stopped" : "halted") }
        }
    }

    private func split(_ job: Job, _ range: Range<Int>, by sender: inout Sender) {
        let middle = range.lowerBound + range.count / 2
        deliver(job, range.lowerBound..<middle, by: &sender)
        deliver(job, middle..<range.upperBound, by: &sender)
    }

    private func post(_ sender: inout Sender, isRetry: Bool) -> AnswerVerdict {
        let gzip = configuration.compression == .gzip
        let messageBytes = sender.body.count
        let wireBytes = gzip ? sender.compressed.count : messageBytes
        state.withLock {
            $0.traffic.requests += 1
            $0.traffic.retries += isRetry ? 1 : 0
            $0.traffic.bytes += messageBytes
            $0.traffic.wireBytes += wireBytes
        }
        do throws(TransportFailure) {
            let message = gzip ? sender.compressed : sender.body
            return AnswerVerdict(try sender.curl.post(message))
        } catch {
            return switch error.kind {
            case .transient, .cutOff: .retry(after: nil, problem: error.message)
            case .permanent where !configuration.endsOnRefusal: .retry(after: nil, problem: error.message)
            case .permanent, .tooLargeAnswer: .unreadable(problem: error.message, endsAll: true)
            }
        }
    }

    // MARK: waiting

    /// - Parameter isAsked: whether the receiver asked for so long a wait.
    /// - Returns: false when there is no use in waiting any longer.
    private func sleep(_ duration: Duration, isAsked: Bool) -> Bool {
        let start = ContinuousClock.now
        while true {
            let (isHalted, isHurried) = state.withLock { ($0.haltReason != nil, $0.isHurried) }
            if stop.isSet || isHalted { return false }
            let wait = isHurried && !isAsked ? min(duration, Self.hurriedWait) : duration
            let left = start + wait - ContinuousClock.now
            if left <= .zero { return true }
            // Three things can end the wait; they are looked at often enough for a person.
            stop.sleep(min(left, .milliseconds(100)))
        }
    }

    private func pause(until instant: ContinuousClock.Instant) {
        state.withLock { $0.pausedUntil = max($0.pausedUntil ?? instant, instant) }
    }

    /// - Returns: false when there is no use in waiting any longer.
    private func waitForPause() -> Bool {
        while let until = state.withLock({ $0.pausedUntil }), until > ContinuousClock.now {
            if !sleep(until - ContinuousClock.now, isAsked: true) { return false }
        }
        return true
    }

    // MARK: settling

    private func halt(_ reason: String) {
        let isFirst = state.withLock { state in
            defer { state.haltReason = state.haltReason ?? reason }
            return state.haltReason == nil
        }
        if isFirst { onNotice(reason) }
    }

    private func report(_ problem: String, endsAll: Bool) {
        if endsAll, configuration.endsOnRefusal { halt(problem) } else { onNotice(problem) }
    }

    private func note(_ message: String, _ rejected: Int) {
        let words = printable(message)
        state.withLock { state in
            // The words are the receiver's, and could be different each time.
            let isKnown = state.traffic.warnings[words] != nil || state.traffic.warnings.count < 20
            state.traffic.warnings[isKnown ? words : "(other messages)", default: 0] += 1
        }
        onNotice(
            rejected > 0
                ? "\(name) rejected \(rejected) spans: \(words)"
                : "\(name) warns: \(words)")
    }

    private func settle(_ job: Job, _ range: Range<Int>, unsent reason: String) {
        onSettled(job.context, range, Settlement(unsent: range.count, reason: reason))
    }

    private func settle(_ job: Job, _ range: Range<Int>, rejected reason: String) {
        onSettled(job.context, range, Settlement(rejected: range.count, reason: reason))
    }
}

/// Passes the first messages on, and from then on one a minute: a collector that is away for a night fills no log, and one
/// that goes away after a month is still told of.
private final class NoticeLimiter: Sendable {
    private let limit: Int
    private static let interval = Duration.seconds(60)
    private let state = Monitor<(passed: Int, held: Int, last: ContinuousClock.Instant)>((0, 0, .now))
    private let onNotice: @Sendable (String) -> Void

    init(_ limit: Int, _ onNotice: @escaping @Sendable (String) -> Void) {
        self.limit = limit
        self.onNotice = onNotice
    }

    func pass(_ text: String) {
        let now = ContinuousClock.now
        let held = state.withLock { state -> Int? in
            guard state.passed < limit || now - state.last >= Self.interval else {
                state.held += 1
                return nil
            }
            defer { state = (state.passed + 1, 0, now) }
            return state.held
        }
        guard let held else { return }
        onNotice(held > 0 ? "\(text) (\(held) more messages about the delivery were only counted)" : text)
    }
}

extension Duration {
    /// For people: `0.4 s`, `12 s`.
    var inSeconds: String {
        let milliseconds = wholeMilliseconds
        return milliseconds < 10_000
            ? "\(milliseconds / 1000).\(milliseconds / 100 % 10) s" : "\((milliseconds + 500) / 1000) s"
    }
}
