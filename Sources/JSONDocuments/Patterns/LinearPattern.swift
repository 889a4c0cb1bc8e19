/// A regular expression that is matched in time proportional to the text, whatever the pattern.
///
/// Swift's `Regex` backtracks, so that a pattern like `(a+)+$` can take for ever on thirty characters; patterns and texts
/// here come from files and agents that nobody has looked at. This one follows all ways through the pattern at once
/// (Thompson's construction), and is bounded besides: ``maximumPatternLength``, ``maximumSize`` and ``maximumSteps``.
///
/// The syntax is that of ECMAScript with the `u` flag, which JSON Schema names, and so also I-Regexp (RFC 9485), but for
/// look-around and back-references: those need backtracking, and are refused with ``PatternError``. All is in code
/// points; `\d`, `\w` and `\s` are ECMAScript's.
public struct LinearPattern: Sendable {
    /// In code points.
    public static let maximumPatternLength = 4096
    /// Of the compiled pattern, which repetition multiplies.
    public static let maximumSize = 20_000
    /// For one text: about the size of the compiled pattern times the length of the text.
    public static let maximumSteps = 50_000_000

    let instructions: [Instruction]

    enum Instruction: Sendable {
        case one(ScalarSet)
        case split(Int, Int)
        case jump(Int)
        case assert(Assertion)
        case end
    }

    enum Assertion: Sendable {
        case start, end, wordBoundary, noWordBoundary
    }

    /// - Throws: ``PatternError`` with the place in the pattern.
    public init(_ pattern: String) throws(PatternError) {
        var parser = PatternParser(pattern)
        var compiler = PatternCompiler()
        instructions = try compiler.compile(try parser.parse())
    }

    public enum Outcome: Hashable, Sendable {
        case match, noMatch
        /// ``LinearPattern/maximumSteps`` were not enough.
        case tooMuchWork
    }

    /// Whether the pattern matches somewhere in the text or, if `isWhole`, all of it.
    public func match(_ text: String, isWhole: Bool = false) -> Outcome {
        var run = PatternRun(instructions: instructions)
        return run.match(text.unicodeScalars, isWhole: isWhole)
    }
}

/// Why a pattern cannot be used.
public struct PatternError: Error, Hashable, Sendable, CustomStringConvertible {
    public var problem: String
    /// In code points from the start of the pattern.
    public var offset: Int

    public var description: String { "\(problem) (at character \(offset + 1) of the pattern)" }
}

/// The ways through a pattern that are open at one place of the text.
private struct PatternRun {
    let instructions: [LinearPattern.Instruction]
    private var current: [Int] = []
    private var following: [Int] = []
    /// For each instruction, the number of the last place of the text at which it was reached.
    private var reached: [Int]
    private var pending: [Int] = []
    private var steps = 0

    init(instructions: [LinearPattern.Instruction]) {
        self.instructions = instructions
        reached = Array(repeating: -1, count: instructions.count)
    }

    mutating func match(_ text: String.UnicodeScalarView, isWhole: Bool) -> LinearPattern.Outcome {
        var before: Unicode.Scalar?
        var place = 0
        var rest = text.makeIterator()
        var next = rest.next()
        if follow(0, place, before, next), !isWhole || next == nil { return .match }
        swap(&current, &following)
        while let scalar = next {
            next = rest.next()
            place += 1
            following.removeAll(keepingCapacity: true)
            before = scalar
            var isFound = false
            for index in current {
                guard case .one(let set) = instructions[index], set.contains(scalar) else { continue }
                if follow(index + 1, place, before, next) { isFound = true }
            }
            if !isWhole, follow(0, place, before, next) { isFound = true }
            if isFound, !isWhole || next == nil { return .match }
            steps += current.count + 1
            if steps > LinearPattern.maximumSteps { return .tooMuchWork }
            swap(&current, &following)
        }
        return .noMatch
    }

    /// Adds what can be reached from an instruction without a character. Returns whether the end is among it.
    private mutating func follow(
        _ start: Int, _ place: Int, _ before: Unicode.Scalar?, _ after: Unicode.Scalar?
    ) -> Bool {
        var isEnd = false
        pending.append(start)
        while let index = pending.popLast() {
            guard reached[index] != place else { continue }
            reached[index] = place
            steps += 1
            switch instructions[index] {
            case .one: following.append(index)
            case .split(let first, let second):
                pending.append(second)
                pending.append(first)
            case .jump(let target): pending.append(target)
            case .assert(let assertion):
                if assertion.holds(before, after) { pending.append(index + 1) }
            case .end: isEnd = true
            }
        }
        return isEnd
    }
}

extension LinearPattern.Assertion {
    func holds(_ before: Unicode.Scalar?, _ after: Unicode.Scalar?) -> Bool {
        func isWord(_ scalar: Unicode.Scalar?) -> Bool { scalar.map(ScalarSet.Item.isWord) ?? false }
        return switch self {
        case .start: before == nil
        case .end: after == nil
        case .wordBoundary: isWord(before) != isWord(after)
        case .noWordBoundary: isWord(before) == isWord(after)
        }
    }
}
