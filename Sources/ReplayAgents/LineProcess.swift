internal import Glibc
internal import NIOCore
internal import NIOPosix
internal import Replay
internal import Synchronization

/// A process that we talk with in lines over its standard streams, one exchange at a time.
final class LineProcess: Sendable {
    static let maximumLine = 16 << 20
    /// How long a process may take to end after SIGTERM, and its streams to close after its end.
    static let grace = TimeAmount.seconds(2)

    /// What a line means for the exchange.
    enum Step: Sendable {
        /// It goes on, with a line in answer or without.
        case proceed([UInt8]?)
        case end(Result<[UInt8], RunProblem>)
    }

    private struct Exchange {
        var number: Int
        var step: @Sendable ([UInt8]) -> Step
        var continuation: CheckedContinuation<Result<[UInt8], RunProblem>, Never>
        var timer: Scheduled<Void>
    }

    private struct State {
        var exchange: Exchange?
        var exchanges = 0
        /// How the process ended, once it did.
        var exit: String?
        var isOutputOpen = true
        /// Whether it can be used again.
        var isUsable = true
        var process: ChildProcess?
        var channel: (any Channel)?
        var errors: (any Channel)?
    }

    private let state = Mutex(State())
    private let loop: any EventLoop
    private let exited: EventLoopPromise<Void>
    /// Gets lines that come between two exchanges, and may answer them.
    private let stray: @Sendable ([UInt8]) -> [UInt8]?

    private init(_ loop: any EventLoop, stray: @escaping @Sendable ([UInt8]) -> [UInt8]?) {
        self.loop = loop
        exited = loop.makePromise()
        self.stray = stray
    }

    /// Starts the command.
    ///
    /// - Throws: ``RunProblem`` when the operating system is against it.
    static func start(
        _ command: String, errors: ErrorStreamRelay, stray: @escaping @Sendable ([UInt8]) -> [UInt8]?
    ) async throws(RunProblem) -> LineProcess {
        let group = MultiThreadedEventLoopGroup.singleton
        let process = LineProcess(group.next(), stray: stray)
        let streams: ChildProcess.Streams
        do throws(ChildProcess.SpawnError) {
            let (child, opened) = try ChildProcess.start(command) { [process] words in process.didExit(words) }
            process.state.withLock { $0.process = child }
            streams = opened
        } catch {
            process.exited.succeed()
            throw RunProblem(.agentDied, error.description)
        }
        do {
            let channel = try await NIOPipeBootstrap(group: process.loop)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(
                            LineSplitter(maximumLine: maximumLine) { [process] in process.take($0) })
                    }
                }
                .takingOwnershipOfDescriptors(input: streams.output, output: streams.input).get()
            process.state.withLock { $0.channel = channel }
            let errorChannel = try await NIOPipeBootstrap(group: process.loop)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(
                            LineSplitter(maximumLine: ErrorStreamRelay.maximumLine) { errors.take($0) })
                    }
                }
                .takingOwnershipOfDescriptor(input: streams.errors).get()
            process.state.withLock { $0.errors = errorChannel }
        } catch {
            process.stop()
            throw RunProblem(.agentDied, "cannot use the streams of the process: \(error)")
        }
        return process
    }

    /// Whether another exchange can be begun.
    var isUsable: Bool { state.withLock { $0.isUsable } }

    /// Sends a line and takes lines until the exchange ends: by an answer, the time limit, cancellation or death.
    ///
    /// After the time limit, cancellation or a line too long the process is ended, for nobody knows what it is at.
    func exchange(
        _ line: [UInt8], timeLimit: Duration, _ step: @escaping @Sendable ([UInt8]) -> Step
    ) async -> Result<[UInt8], RunProblem> {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let number = begin(timeLimit, step, continuation)
                guard let number else { return }
                if Task.isCancelled { return abandon(number, .cancelled) }
                send(line)
            }
        } onCancel: {
            let number = state.withLock { $0.exchange?.number }
            if let number { abandon(number, .cancelled) }
        }
    }

    /// - Returns: nil if the process has ended or is about to; the continuation is then resumed when it is gone.
    private func begin(
        _ timeLimit: Duration, _ step: @escaping @Sendable ([UInt8]) -> Step,
        _ continuation: CheckedContinuation<Result<[UInt8], RunProblem>, Never>
    ) -> Int? {
        let number: Int? = state.withLock { state in
            guard state.isUsable, state.exit == nil, state.isOutputOpen else { return nil }
            state.exchanges += 1
            let number = state.exchanges
            let timer = loop.scheduleTask(in: .nanoseconds(timeLimit.clampedNanoseconds)) { [self] in
                abandon(number, RunProblem(.timeout, "no answer within the time limit; the process was ended"))
            }
            state.exchange = Exchange(number: number, step: step, continuation: continuation, timer: timer)
            return number
        }
        if number == nil { resumeAtExit(continuation) }
        return number
    }

    /// Whoever told it to end sees to it that it does, so this does not wait for long.
    private func resumeAtExit(_ continuation: CheckedContinuation<Result<[UInt8], RunProblem>, Never>) {
        exited.futureResult.whenComplete { [self] _ in
            continuation.resume(returning: .failure(Self.death(state.withLock { $0.exit })))
        }
    }

    private func send(_ line: [UInt8]) {
        guard let channel = state.withLock({ $0.channel }) else { return }
        channel.writeAndFlush(ByteBuffer(bytes: line + [UInt8(ascii: "\n")]), promise: nil)
    }

    /// Ends the exchange of that number, if it is still under way.
    private func end(_ number: Int, _ result: Result<[UInt8], RunProblem>) {
        let exchange: Exchange? = state.withLock { state in
            guard state.exchange?.number == number else { return nil }
            return state.exchange.take()
        }
        exchange?.timer.cancel()
        exchange?.continuation.resume(returning: result)
    }

    private func abandon(_ number: Int, _ problem: RunProblem) {
        guard state.withLock({ $0.exchange?.number == number }) else { return }
        stop()
        end(number, .failure(problem))
    }

    // MARK: what the process does

    private func take(_ event: LineSplitter.Event) {
        let exchange = state.withLock { $0.exchange.map { ($0.number, $0.step) } }
        switch event {
        case .line(let line):
            guard let (number, step) = exchange else {
                if let answer = stray(line) { send(answer) }
                return
            }
            switch step(line) {
            case .proceed(let answer): if let answer { send(answer) }
            case .end(let result): end(number, result)
            }
        case .tooLong:
            stop()
            if let (number, _) = exchange {
                end(number, .failure(RunProblem(.badAnswer, "a line of more than \(Self.maximumLine) bytes; the process was ended")))
            }
        case .end:
            state.withLock { $0.isOutputOpen = false }
            outputEnded()
        }
    }

    /// A process without output is of no use. The exchange waits for the words of its end, which the reaper has soon.
    private func outputEnded() {
        stop()
        if state.withLock({ $0.exit != nil }) { return die() }
        loop.scheduleTask(in: Self.grace) { [self] in die() }
    }

    private func didExit(_ words: String) {
        let isOutputOpen = state.withLock { state in
            state.exit = words
            state.isUsable = false
            return state.isOutputOpen
        }
        exited.succeed()
        if !isOutputOpen { die() }
        // What it wrote before its end is still to be read. A descendant that left the group could hold the pipes open.
        loop.scheduleTask(in: Self.grace) { [self] in
            let (channel, errors) = state.withLock { ($0.channel, $0.errors) }
            channel?.close(promise: nil)
            errors?.close(promise: nil)
            die()
        }
    }

    private func die() {
        let (number, exit) = state.withLock { ($0.exchange?.number, $0.exit) }
        if let number { end(number, .failure(Self.death(exit))) }
    }

    private static func death(_ exit: String?) -> RunProblem {
        RunProblem(.agentDied, exit.map { "the process ended: \($0)" } ?? "the process closed its standard output")
    }

    // MARK: ending it

    /// Asks the process group to end, and kills it if it does not.
    func stop() {
        let child: ChildProcess? = state.withLock { state in
            guard state.isUsable else { return nil }
            state.isUsable = false
            return state.exit == nil ? state.process : nil
        }
        guard let child else { return }
        child.signal(SIGTERM)
        loop.scheduleTask(in: Self.grace) { child.signal(SIGKILL) }
    }

    /// Calls the closure once the process is gone and its last words to standard error have been read.
    func whenGone(_ body: @escaping @Sendable () -> Void) {
        let errors = state.withLock { $0.errors }
        exited.futureResult.whenComplete { _ in
            guard let errors else { return body() }
            errors.closeFuture.whenComplete { _ in body() }
        }
    }

    /// Ends the process and waits until it is gone, its standard error has been read, and its streams are closed.
    func end() async {
        stop()
        try? await exited.futureResult.get()
        let (channel, errors) = state.withLock { ($0.channel, $0.errors) }
        try? await channel?.close().get()
        // Closed by its end, or after the grace.
        try? await errors?.closeFuture.get()
    }
}
