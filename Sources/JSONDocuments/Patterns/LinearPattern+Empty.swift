extension LinearPattern {
    /// Whether the pattern finds something in every text, because nothing at all is enough for it: `x*`, `^` and `()` do.
    ///
    /// Patterns that find something in every text for another reason are not known as such.
    public var isAlwaysFound: Bool {
        // A letter and a mark stand for all characters: assertions know no other difference.
        let neighbours: [Unicode.Scalar?] = [nil, "a", "-"]
        return neighbours.allSatisfy { isEmptyEnough(before: nil, after: $0) }
            || neighbours.allSatisfy { isEmptyEnough(before: $0, after: nil) }
    }

    /// Whether the end can be reached without a character, between these two; nil is the text's start or end.
    private func isEmptyEnough(before: Unicode.Scalar?, after: Unicode.Scalar?) -> Bool {
        var reached = Array(repeating: false, count: instructions.count)
        var pending = [0]
        while let index = pending.popLast() {
            guard !reached[index] else { continue }
            reached[index] = true
            switch instructions[index] {
            case .one: break
            case .split(let first, let second): pending += [first, second]
            case .jump(let target): pending.append(target)
            case .assert(let assertion):
                if assertion.holds(before, after) { pending.append(index + 1) }
            case .end: return true
            }
        }
        return false
    }
}
