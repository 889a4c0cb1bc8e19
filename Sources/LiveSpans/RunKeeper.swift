public import LiveRuns

/// Keeps runs beside their spans; called on the recorder's thread.
public protocol RunKeeper: Sendable {
    /// - Parameters:
    ///   - exchange: one that has a run.
    ///   - run: what was read of it.
    ///   - isExported: whether its spans are.
    func keep(_ exchange: Exchange, _ run: LiveRun, isExported: Bool)
    /// What was given so far is to outlive the process: its journal is about to forget it.
    func commit()
}
