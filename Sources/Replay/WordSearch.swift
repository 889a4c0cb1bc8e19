/// Looks for words in texts: by their bytes, and by what Unicode holds for the same characters, so that an é that is written
/// as one scalar finds one that is written as two, and the other way round.
///
/// Swift's `String` compares canonically equivalent texts as equal, but has no search that does. So both sides are cut where
/// no scalar can melt with the one before, and the parts compared. It takes time in proportion to both texts.
struct WordSearch {
    private let bytes: PartialMatches<UInt8>
    private let parts: PartialMatches<Int>
    /// The numbers of the words' own parts; other parts match nothing.
    private let numbers: [String: Int]
    /// Those of the parts that are one ASCII character, which most are.
    private let plainNumbers: [Int]
    private let isASCII: Bool
    private let ignoringCase: Bool

    init(_ words: String, ignoringCase: Bool) {
        let words = ignoringCase ? words.lowercased() : words
        self.ignoringCase = ignoringCase
        isASCII = words.utf8.allSatisfy { $0 < 0x80 }
        bytes = PartialMatches(Array(words.utf8))
        var numbers: [String: Int] = [:]
        var sequence: [Int] = []
        Self.forEachPart(of: words) { first, marks in
            let part = Self.text(first, marks)
            let number = numbers[part] ?? numbers.count
            numbers[part] = number
            sequence.append(number)
            return true
        }
        self.numbers = numbers
        plainNumbers = (0..<128).map { numbers[String(Character(Unicode.Scalar(UInt8($0))))] ?? -1 }
        parts = PartialMatches(sequence)
    }

    func isFound(in text: String) -> Bool {
        let text = ignoringCase ? text.lowercased() : text
        if bytes.isFound(in: text.utf8) { return true }
        // Nothing but ASCII is written in one way only.
        guard !isASCII || text.utf8.contains(where: { $0 >= 0x80 }) else { return false }
        var length = 0
        var isFound = false
        Self.forEachPart(of: text) { first, marks in
            let number = first.isASCII && marks.isEmpty ? plainNumbers[Int(first.value)] : numbers[Self.text(first, marks)] ?? -1
            length = parts.length(after: length, number)
            isFound = length == parts.pattern.count
            return !isFound
        }
        return isFound
    }

    /// Cuts the text into parts of a scalar and the marks behind it.
    ///
    /// - Parameter take: returns whether to go on.
    private static func forEachPart(of text: String, _ take: (Unicode.Scalar, String.UnicodeScalarView) -> Bool) {
        var first: Unicode.Scalar?
        var marks = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            guard let start = first else {
                first = scalar
                continue
            }
            if joins(scalar) {
                marks.append(scalar)
            } else {
                guard take(start, marks) else { return }
                first = scalar
                if !marks.isEmpty { marks = String.UnicodeScalarView() }
            }
        }
        if let first { _ = take(first, marks) }
    }

    private static func text(_ first: Unicode.Scalar, _ marks: String.UnicodeScalarView) -> String {
        var scalars = String.UnicodeScalarView()
        scalars.append(first)
        scalars.append(contentsOf: marks)
        return String(scalars)
    }

    /// Whether the scalar may become one with those before it, or change places with them.
    ///
    /// Source: Unicode Standard Annex #15, of the property NFC_Quick_Check: all that may compose with a scalar before them
    /// are marks, or vowels and final consonants of Hangul.
    private static func joins(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case ..<0x300: return false
        case 0x1160...0x11FF: return true
        default: break
        }
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .spacingMark, .enclosingMark: return true
        default: return scalar.properties.canonicalCombiningClass != .notReordered
        }
    }
}

/// A sequence to look for, and how much of it still matches after each of its elements.
///
/// Source: Knuth, Morris and Pratt, Fast Pattern Matching in Strings, SIAM J. Comput. 6 (1977).
struct PartialMatches<Element: Equatable> {
    let pattern: [Element]
    /// For each place the length of the longest part that both begins the pattern and ends there, but for the whole.
    private let rests: [Int]

    init(_ pattern: [Element]) {
        self.pattern = pattern
        var rests: [Int] = []
        rests.reserveCapacity(pattern.count)
        for element in pattern {
            guard var length = rests.last else {
                rests.append(0)
                continue
            }
            while length > 0, pattern[length] != element { length = rests[length - 1] }
            rests.append(pattern[length] == element ? length + 1 : 0)
        }
        self.rests = rests
    }

    /// How much of the pattern matches after one more element, where `length` of it matched before.
    func length(after length: Int, _ element: Element) -> Int {
        guard !pattern.isEmpty else { return 0 }
        var length = length == pattern.count ? rests[length - 1] : length
        while length > 0, pattern[length] != element { length = rests[length - 1] }
        return pattern[length] == element ? length + 1 : 0
    }

    func isFound(in elements: some Sequence<Element>) -> Bool {
        if pattern.isEmpty { return true }
        var length = 0
        for element in elements {
            length = self.length(after: length, element)
            if length == pattern.count { return true }
        }
        return false
    }
}
