import AgentRuns
import Correlation
import RunStore

/// The runs that were looked for, each with its partner where it has one.
struct CorrelatedRuns {
    private(set) var pairs: [PairComparison] = []
    /// Runs that have none.
    private(set) var singles: [StoredRun] = []
    private var known: Set<StoredRun.Pair> = []

    var isEmpty: Bool { pairs.isEmpty && singles.isEmpty }

    /// - Parameter store: where the runs were found, and their partners are looked for.
    mutating func add(_ runs: [StoredRun], _ store: RunStoreReader) throws {
        for run in runs where !known.contains(run.place) {
            let partners = try store.partners(of: run)
            if run.pair != nil {
                note(PairComparison(baseline: partners.first, candidate: run))
            } else if partners.isEmpty {
                known.insert(run.place)
                singles.append(run)
            } else {
                for candidate in partners where !known.contains(candidate.place) { note(PairComparison(baseline: run, candidate: candidate)) }
            }
        }
    }

    private mutating func note(_ pair: PairComparison) {
        pairs.append(pair)
        known.insert(pair.candidate.place)
        if let baseline = pair.baseline { known.insert(baseline.place) }
    }
}

extension StoredRun {
    /// Its own ids.
    fileprivate var place: Pair { Pair(traceID: traceID, spanID: spanID) }
}

/// Pairs that belong together: those of one replay, or the shadows of one rollout.
struct CorrelatedGroup {
    var name: String
    private(set) var summary = PairSummary()
    /// The last ones.
    private(set) var listed: [PairComparison] = []
    /// Those that would have been listed too.
    private(set) var unlisted = 0

    init(name: String) { self.name = name }

    static func name(of candidate: StoredRun) -> String {
        if candidate.mode == .replay { return "replay \(candidate.replayID)" }
        return "shadow of rollout \(candidate.rolloutID.isEmpty ? "-" : candidate.rolloutID)"
    }

    mutating func add(_ pair: PairComparison, listing limit: Int, differingOnly: Bool) {
        summary.add(pair)
        guard !differingOnly || !pair.differences.isEmpty else { return }
        if listed.count < limit { listed.append(pair) } else { unlisted += 1 }
    }
}
