internal import Replay

/// The details that a report for people shows: the first failures, and a few traces that passed. Of the rest it knows how
/// many there were.
struct KeptDetails {
    /// Text that is kept in all, in bytes.
    static let maximumBytes = 24 << 20

    private(set) var failures: [RunDetail] = []
    /// Those with other tool calls first.
    private(set) var passes: [RunDetail] = []
    private(set) var failureCount = 0
    private(set) var passCount = 0
    /// Whether a run came to no end, or a check was looked at: then the counts alone do not say all.
    private(set) var hasProblems = false
    private(set) var hasChecks = false

    private let failureLimit: Int
    private let passLimit: Int
    private var bytes = 0

    init(failures: Int = 200, passes: Int = 0) {
        failureLimit = failures
        passLimit = passes
    }

    var omittedFailures: Int { failureCount - failures.count }
    var omittedPasses: Int { passCount - passes.count }

    /// Whether a further one of the kind may be kept.
    func keeps(_ kind: RunDetail.Kind) -> Bool {
        switch kind {
        case .failed: failures.count < failureLimit
        case .passedWithChanges: passLimit > 0
        case .passed: passes.count < passLimit
        }
    }

    mutating func add(_ detail: borrowing RunDetail) {
        if detail.baseline.problem != nil || detail.candidate.problem != nil { hasProblems = true }
        if !detail.candidate.checks.isEmpty { hasChecks = true }
        if detail.passed {
            passCount += 1
            guard passes.count < passLimit || (passLimit > 0 && !detail.toolChanges.isEmpty) else { return }
            if passes.count == passLimit {
                guard let plain = passes.lastIndex(where: \.toolChanges.isEmpty) else { return }
                bytes -= passes.remove(at: plain).size
            }
            guard hasRoom(for: detail) else { return }
            passes.append(copy detail)
        } else {
            failureCount += 1
            guard failures.count < failureLimit, hasRoom(for: detail) else { return }
            failures.append(copy detail)
        }
    }

    private mutating func hasRoom(for detail: borrowing RunDetail) -> Bool {
        let size = detail.size
        guard bytes + size <= Self.maximumBytes else { return false }
        bytes += size
        return true
    }
}

extension RunDetail {
    /// Bytes of its texts, nearly.
    fileprivate var size: Int {
        var size = 500 + (traceID?.utf8.count ?? 0) + request.utf8.count + reasons.size + baseline.size + candidate.size
        for change in toolChanges {
            size += change.tool.utf8.count + 100
            for argument in change.arguments {
                size += argument.path.utf8.count + (argument.baseline?.utf8.count ?? 0) + (argument.candidate?.utf8.count ?? 0)
            }
        }
        return size
    }
}

extension RunDetail.Arm {
    fileprivate var size: Int {
        var size = (response?.utf8.count ?? 0) + (problem?.utf8.count ?? 0) + (outcome?.utf8.count ?? 0) + reasons.size
        size += expectedOutcome?.utf8.count ?? 0
        for call in calls { size += call.name.utf8.count + (call.arguments?.utf8.count ?? 0) + 50 }
        for check in checks { size += check.name.utf8.count + check.evidence.utf8.count + 50 }
        return size
    }
}

extension [String] {
    fileprivate var size: Int { reduce(0) { $0 + $1.utf8.count + 16 } }
}
