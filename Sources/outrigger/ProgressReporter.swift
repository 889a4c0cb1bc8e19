import Backfill
import Glibc
import Synchronization
import Threads
import TraceReading

/// Says things on standard error, from any thread, around a progress line that may stand there.
final class Talker: Sendable {
    private let isQuiet: Bool
    private let logsWarnings: Bool
    private let progressLine = Mutex("")

    init(isQuiet: Bool, logLevel: String) {
        self.isQuiet = isQuiet
        logsWarnings = !["none", "error"].contains(logLevel)
    }

    /// What someone should know although things go on.
    func warn(_ text: String) {
        if logsWarnings { line("outrigger: \(text.escapedForTerminal)") }
    }

    func say(_ text: String) {
        if !isQuiet { line("outrigger: \(text.escapedForTerminal)") }
    }

    private func line(_ text: String) {
        progressLine.withLock { progress in
            let clear = progress.isEmpty ? "" : "\r\u{1B}[K"
            Terminal.write("\(clear)\(text)\n\(progress)", to: STDERR_FILENO)
        }
    }

    /// Draws the progress line anew.
    func show(progress text: String) {
        progressLine.withLock { progress in
            progress = text
            Terminal.write("\r\u{1B}[K\(text)", to: STDERR_FILENO)
        }
    }

    func clearProgress() {
        progressLine.withLock { progress in
            if !progress.isEmpty { Terminal.write("\r\u{1B}[K", to: STDERR_FILENO) }
            progress = ""
        }
    }
}

/// Shows how far a backfill is: a bar on a terminal, a line every few seconds elsewhere.
final class ProgressReporter: Sendable {
    private static let lineInterval = Duration.seconds(5)
    private static let barInterval = Duration.milliseconds(200)

    private let backfill: Backfill
    private let talker: Talker
    /// Bytes of all inputs on disk; nil when one has no size.
    private let totalBytes: Int?
    private let ended = StopFlag()
    private let isRunning = Monitor(false)
    private let started = ContinuousClock.now

    init(_ backfill: Backfill, _ talker: Talker, inputs: [String], isShown: Bool) {
        self.backfill = backfill
        self.talker = talker
        let sizes = inputs.map { $0 == "-" ? 0 : InputFile.status(of: $0)?.size ?? 0 }
        totalBytes = sizes.contains(0) ? nil : sizes.reduce(0) { $0.addingReportingOverflow($1).overflow ? Int.max : $0 + $1 }
        guard isShown else { return }
        isRunning.withLock { $0 = true }
        do throws(ThreadError) {
            let thread = try WorkerThread { [self] in
                let onTerminal = Terminal.hasProgressLine
                while !ended.sleep(onTerminal ? Self.barInterval : Self.lineInterval) {
                    if onTerminal { talker.show(progress: bar) } else { talker.say(plain) }
                }
                talker.clearProgress()
                isRunning.withLock { $0 = false }
            }
            thread.detach()
        } catch {
            // Without a thread to spare there is no progress to see, and the backfill goes on.
            isRunning.withLock { $0 = false }
        }
    }

    func finish() {
        ended.set()
        isRunning.wait { $0 ? nil : () }
    }

    private var plain: String {
        let (spans, bytes) = backfill.progress
        return "\(Readable.count(spans, "span")) accepted, \(percent(bytes).map { "\($0)% " } ?? "")\(Readable.bytes(bytes)) read, "
            + "\(rate(spans))\(remaining(bytes).map { ", \($0) left" } ?? "")"
    }

    private var bar: String {
        let (spans, bytes) = backfill.progress
        let facts = "\(Readable.count(spans, "span"))  \(rate(spans))\(remaining(bytes).map { "  \($0) left" } ?? "")"
        guard let percent = percent(bytes) else { return "  \(Readable.bytes(bytes)) read  \(facts)" }
        let room = max(10, min(40, Terminal.width - facts.count - 14))
        let filled = room * percent / 100
        return "  [\(String(repeating: "█", count: filled))\(String(repeating: "░", count: room - filled))] \(percent)%  \(facts)"
    }

    private func percent(_ bytes: Int) -> Int? { totalBytes.map { $0 == 0 ? 100 : min(100, bytes * 100 / $0) } }

    private func rate(_ spans: Int) -> String {
        let seconds = (ContinuousClock.now - started) / .seconds(1)
        return "\(Readable.count(Int(Double(spans) / max(seconds, 0.001)))) spans/s"
    }

    private func remaining(_ bytes: Int) -> String? {
        guard let totalBytes, bytes > 0, bytes < totalBytes else { return nil }
        let elapsed = ContinuousClock.now - started
        return Readable.duration(elapsed * (Double(totalBytes - bytes) / Double(bytes)))
    }
}
