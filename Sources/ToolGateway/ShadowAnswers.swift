internal import Replay

/// What the baseline's tools answered so far, in the order in which the calls came.
struct BaselineAnswers: Sendable {
    struct Entry: Sendable {
        var order: Int
        var key: ToolCallKey
        var answer: ToolAnswer
    }

    private(set) var entries: [Entry] = []
    private var bytes = 0

    mutating func keep(_ answer: ToolAnswer, for key: ToolCallKey, order: Int, maximumBytes: Int) {
        let size = answer.size + key.arguments.count
        guard bytes + size <= maximumBytes else { return }
        bytes += size
        let place = entries.lastIndex { $0.order < order }.map { $0 + 1 } ?? 0
        entries.insert(Entry(order: order, key: key, answer: answer), at: place)
    }
}

/// Which of the baseline's answers a shadow has had: each call of the baseline answers one of the shadow's.
///
/// The matching is that of `outrigger replay`. What is only alike is taken when nothing more is waited for: the same call may
/// still come.
struct ShadowProgress: Sendable {
    enum Found: Sendable {
        /// - `isSame`: whether tool and arguments were the same.
        case answer(ToolAnswer, isSame: Bool)
        /// It may still come.
        case waits
        /// - `isKnown`: whether the baseline called the tool at all.
        case nothing(isKnown: Bool)
    }

    private var used: Set<Int> = []

    mutating func find(
        _ key: ToolCallKey, in answers: BaselineAnswers, _ matching: ToolMatching, isComplete: Bool
    ) -> Found {
        let entries = answers.entries
        if matching == .ordered {
            guard let next = entries.first(where: { !used.contains($0.order) }) else { return isComplete ? nothing(key, entries) : .waits }
            guard isSameName(next.key, key) else { return nothing(key, entries) }
            return take(next, isSame: next.key == key)
        }
        if let same = entries.first(where: { $0.key == key && !used.contains($0.order) }) { return take(same, isSame: true) }
        guard isComplete else { return .waits }
        guard matching == .lenient else { return nothing(key, entries) }
        if let repeated = entries.last(where: { $0.key == key }) { return take(repeated, isSame: false) }
        if let alike = entries.first(where: { isSameName($0.key, key) && !used.contains($0.order) }) { return take(alike, isSame: false) }
        return nothing(key, entries)
    }

    private mutating func take(_ entry: BaselineAnswers.Entry, isSame: Bool) -> Found {
        used.insert(entry.order)
        return .answer(entry.answer, isSame: isSame)
    }

    private func nothing(_ key: ToolCallKey, _ entries: [BaselineAnswers.Entry]) -> Found {
        .nothing(isKnown: entries.contains { isSameName($0.key, key) })
    }

    private func isSameName(_ a: ToolCallKey, _ b: ToolCallKey) -> Bool { a.name.utf8.elementsEqual(b.name.utf8) }
}
