/// What the tool gateway did with a call (`outrigger.tool.verdict`); a refusal has its reason (`outrigger.tool.refusal`).
public enum ToolVerdict: UInt8, CaseIterable, Sendable {
    /// The tool was called.
    case allowed
    /// Answered with what the baseline was answered.
    case replayed
    /// A rollback has taken the candidate's right to act.
    case fenced
    case unknownTool, notAllowed, badArguments, tooLarge, runOver, traceMismatch, noBaselineAnswer, rateLimited, budgetSpent, overloaded
    /// A write that could not be recorded before it went out.
    case unrecorded

    /// `allowed`, `replayed`, `fenced` or `refused`.
    public var word: String {
        switch self {
        case .allowed: "allowed"
        case .replayed: "replayed"
        case .fenced: "fenced"
        default: "refused"
        }
    }

    /// Why no tool was called; nil when one was, or was answered for.
    public var refusal: String? {
        switch self {
        case .allowed, .replayed: nil
        case .fenced: "rolled_back"
        case .unknownTool: "unknown_tool"
        case .notAllowed: "not_allowed"
        case .badArguments: "bad_arguments"
        case .tooLarge: "too_large"
        case .runOver: "run_over"
        case .traceMismatch: "trace_mismatch"
        case .noBaselineAnswer: "no_baseline_answer"
        case .rateLimited: "rate_limited"
        case .budgetSpent: "budget_spent"
        case .overloaded: "overloaded"
        case .unrecorded: "unrecorded"
        }
    }
}
