/// Finds the word that a user may have meant.
public enum NearestWord {
    /// The known word with the fewest slips from `word`, if that is at most a third of its length (at least one slip is
    /// always forgiven); the first such word in alphabetical order.
    public static func of(_ word: String, among known: some Sequence<String>) -> String? {
        // Longer words are no slips of the hand, and the distance takes the product of the lengths.
        guard word.utf8.count <= 100 else { return nil }
        let allowed = max(1, (word.count + 1) / 3)
        let scored = known.map { ($0, distance(word, $0)) }.filter { $0.1 <= allowed }
        return scored.min { ($0.1, $0.0) < ($1.1, $1.0) }?.0
    }

    /// Damerau–Levenshtein distance (optimal string alignment): insertions, deletions, replacements, and swaps of
    /// neighbours. Case does not count.
    static func distance(_ left: String, _ right: String) -> Int {
        let a = Array(left.lowercased().unicodeScalars)
        let b = Array(right.lowercased().unicodeScalars)
        var beforeLast: [Int] = []
        var last = Array(0...b.count)
        for i in a.indices {
            var row = [i + 1]
            for j in b.indices {
                var cost = min(last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, beforeLast[j - 1] + 1) }
                row.append(cost)
            }
            (beforeLast, last) = (last, row)
        }
        return last[b.count]
    }
}
