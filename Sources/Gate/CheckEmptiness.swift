internal import JSONDocuments
internal import Replay

extension RunCheck.Condition {
    /// What the condition lacks when it holds whatever a run does; nil for one that can fail. Schemas are looked at by
    /// ``SchemaEmptiness``, while they are at hand.
    var emptiness: String? {
        switch self {
        case .requiredTools(let tools), .forbiddenTools(let tools): tools.isEmpty ? "it names no tool" : nil
        case .responseContains(let text, _): text.isEmpty ? "every response contains the empty text" : nil
        case .responseMatches(let pattern, let source):
            source.isEmpty
                ? "every response matches the empty expression"
                : pattern.isAlwaysFound ? "/\(source)/ is found in every response, since nothing at all is enough for it" : nil
        case .responseLength(let range):
            range == 0...Int.max
                ? "it has neither min nor max"
                : range.lowerBound == 0 && range.upperBound > Self.beyondAll ? "no response is as long as its max" : nil
        case .callBudget(_, let maximum): maximum >= Self.beyondAll ? "no run makes \(maximum) calls" : nil
        case .timeBudget(_, let milliseconds): milliseconds > Self.year ? "no run waits for its tools for more than a year" : nil
        case .evaluator(_, let minimum): minimum <= Self.leastScore ? "scores begin at -1e9" : nil
        default: nil
        }
    }

    /// Characters or calls that no run has.
    private static var beyondAll: Int { 1_000_000_000 }
    /// In milliseconds.
    private static var year: Double { 365 * 86_400_000 }
    /// Where the scale of scores ends; what lies beyond is no score.
    private static var leastScore: Double { -1e9 }
}
