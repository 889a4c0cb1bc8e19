/// Replays traces, by the simplest means that the plan allows.
public enum ReplayRun {
    /// - Parameter isStopped: asked again and again; once true, the replay ends with what it has.
    /// - Throws: `InputError` when a recording cannot be read, and what the observer throws.
    public static func run(
        _ plan: ReplayPlan, _ observer: inout some PairObserver, rejects: RejectCounter, isStopped: @escaping @Sendable () -> Bool
    ) async throws -> ReplayEnding {
        if plan.isRecordedOnly {
            return try RecordingReplay(plan, rejects: rejects, isStopped: isStopped).run(&observer)
        }
        return try await LiveReplay(plan).run(&observer, rejects: rejects, isStopped: isStopped)
    }
}
