public import AgentRuns
public import RunSpans

/// The ids under which the runs of a replay are exported.
///
/// They are hashed as those of a backfill are, in a dataset that names the replay and the repetition: the same recordings
/// replayed again give the same ids, and no run ever takes those of its own recording.
public struct ReplayIdentities: Sendable {
    private let dataset: String

    public init(dataset: String, replayID: String) { self.dataset = "\(dataset)/replay/\(replayID)" }

    /// The dataset that stands on the spans of a repetition.
    public func dataset(repetition: Int) -> String { repetition == 0 ? dataset : "\(dataset)/\(repetition)" }

    public func identity(of trace: borrowing AgentRun, _ place: PairPlace, _ role: RunRole) -> RunIdentity {
        let name = dataset(repetition: place.repetition)
        guard let id = trace.recordedID else {
            var line = "line:\(place.line)"
            return line.withUTF8 {
                RunIdentity(dataset: name, recordedID: UnsafeRawBufferPointer($0), occurrence: 0, role: role)
            }
        }
        return trace.storage.withUnsafeBytes { bytes in
            // Ids can repeat; the place of the trace tells them apart.
            RunIdentity(
                dataset: name, recordedID: UnsafeRawBufferPointer(rebasing: bytes[id.range]), occurrence: place.index, role: role)
        }
    }

    public func ids(of trace: borrowing AgentRun, _ place: PairPlace) -> ArmIDs {
        let baseline = identity(of: trace, place, .baseline)
        let candidate = identity(of: trace, place, .candidate)
        return ArmIDs(
            baseline: (baseline.traceID, baseline.runSpanID), candidate: (candidate.traceID, candidate.runSpanID))
    }
}
