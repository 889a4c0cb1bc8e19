import AgentRuns
import Replay

/// Notes of a whole replay what no single run shows: that an arm never gave one, and that its recording or agent says another
/// version than the one it is credited to.
struct ReplayWitness {
    private var baseline: Arm
    private var candidate: Arm

    init(_ plan: ReplayPlan) {
        baseline = Arm(isRecorded: !plan.baseline.source.isLive)
        candidate = Arm(isRecorded: !plan.candidate.source.isLive)
    }

    private struct Arm {
        let isRecorded: Bool
        var runs = 0
        var problems = 0
        var firstProblem: RunProblem?
        /// How often runs said which version.
        var versions: [String: Int] = [:]
        /// The version of the last runs in a row, as UTF-8, and how many those were: most recordings have one for all.
        private var last: (version: [UInt8], runs: Int) = ([], 0)

        init(isRecorded: Bool) { self.isRecorded = isRecorded }

        mutating func note(_ arm: borrowing ArmRun) {
            runs += 1
            if let problem = arm.problem {
                problems += 1
                firstProblem = firstProblem ?? problem
            } else if let version = arm.run.version {
                if arm.run.text(version, equals: last.version) { return last.runs += 1 }
                finish()
                last = (Array(arm.run.storage[version.range]), 1)
            }
        }

        mutating func finish() {
            guard last.runs > 0 else { return }
            let name = String(decoding: last.version, as: UTF8.self)
            // A recording of a thousand versions is told by its first few.
            if versions.count < 20 || versions[name] != nil { versions[name, default: 0] += last.runs }
            last.runs = 0
        }
    }

    mutating func note(_ baseline: borrowing ArmRun, _ candidate: borrowing ArmRun) {
        self.baseline.note(baseline)
        self.candidate.note(candidate)
    }

    /// - Parameters:
    ///   - baseline: the version that the baseline was given, if it was given one.
    func notes(baseline baselineVersion: String?, candidate candidateVersion: String?) -> [String] {
        Self.notes(baseline, "baseline", baselineVersion) + Self.notes(candidate, "candidate", candidateVersion)
    }

    /// What the runs of arms that name a release file say against it; a label may be anything.
    ///
    /// - Parameters:
    ///   - baseline: the version of the baseline's release file, if it names one.
    func foreignRuns(baseline baselineRelease: String?, candidate candidateRelease: String?) -> [String] {
        [Self.foreignVersion(baseline, "baseline", baselineRelease), Self.foreignVersion(candidate, "candidate", candidateRelease)]
            .compactMap(\.self)
    }

    private static func notes(_ arm: Arm, _ name: String, _ version: String?) -> [String] {
        var notes: [String] = []
        if arm.runs > 1, arm.problems == arm.runs, let problem = arm.firstProblem, problem.kind != .noRun {
            notes.append("the \(name) gave no run at all (\(arm.runs) of \(arm.runs)); the first time: \(problem.kind.rawValue): \(problem.detail)")
        }
        if let words = foreignVersion(arm, name, version) { notes.append(words) }
        return notes
    }

    private static func foreignVersion(_ arm: Arm, _ name: String, _ version: String?) -> String? {
        var arm = arm
        arm.finish()
        let others = arm.versions.filter { $0.key != version }.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        guard let version, !others.isEmpty else { return nil }
        let said = others.prefix(3).map { "\($0.key) (\($0.value))" }.joined(separator: ", ")
        return "the \(name)'s \(arm.isRecorded ? "recording" : "agent") says version \(said), and is credited to \(version)"
    }
}
