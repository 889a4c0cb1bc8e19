import Replay

/// Shows how far a replay is: a line that is drawn anew on a terminal, one every few seconds elsewhere. Replays of recordings
/// alone are over before anyone asks.
struct ReplayProgress {
    private let talker: Talker
    private let onTerminal = Terminal.hasProgressLine
    private let started = ContinuousClock.now
    private var shown = ContinuousClock.now
    private var runs = 0
    private var failed = 0

    init(_ talker: Talker) { self.talker = talker }

    mutating func note(_ verdict: borrowing PairVerdict) {
        runs += 1
        failed += verdict.passed ? 0 : 1
        let now = ContinuousClock.now
        guard now - shown >= (onTerminal ? .milliseconds(200) : .seconds(5)) else { return }
        shown = now
        let text = "\(Readable.count(runs, "run")) replayed, \(Readable.count(failed)) failed, \(Readable.duration(now - started))"
        if onTerminal { talker.show(progress: "  \(text)") } else { talker.say(text) }
    }

    func finish() { if onTerminal { talker.clearProgress() } }
}
