/// A pattern as read.
indirect enum PatternTree {
    case empty
    case one(ScalarSet)
    case assert(LinearPattern.Assertion)
    case sequence([PatternTree])
    case choice([PatternTree])
    case repeated(PatternTree, minimum: Int, maximum: Int?)
}

/// Turns a pattern into instructions, copying what is repeated.
struct PatternCompiler {
    private var instructions: [LinearPattern.Instruction] = []
    /// Counted apart from the instructions, since repeating what is empty makes none and takes time all the same.
    private var visits = 0

    mutating func compile(_ tree: PatternTree) throws(PatternError) -> [LinearPattern.Instruction] {
        try emit(tree)
        instructions.append(.end)
        return instructions
    }

    private mutating func emit(_ tree: PatternTree) throws(PatternError) {
        visits += 1
        guard visits <= LinearPattern.maximumSize, instructions.count <= LinearPattern.maximumSize else {
            throw PatternError(problem: "the pattern is too large once its repetitions are written out", offset: 0)
        }
        switch tree {
        case .empty: break
        case .one(let set): instructions.append(.one(set))
        case .assert(let assertion): instructions.append(.assert(assertion))
        case .sequence(let parts): for part in parts { try emit(part) }
        case .choice(let alternatives): try emit(alternatives[...])
        case .repeated(let part, let minimum, let maximum):
            for _ in 0..<minimum { try emit(part) }
            if let maximum {
                for _ in 0..<max(0, maximum - minimum) { try emitOptional(part) }
            } else {
                try emitLoop(part)
            }
        }
    }

    private mutating func emit(_ alternatives: ArraySlice<PatternTree>) throws(PatternError) {
        var jumps: [Int] = []
        for alternative in alternatives.dropLast() {
            let split = instructions.count
            instructions.append(.split(split + 1, split + 1))
            try emit(alternative)
            jumps.append(instructions.count)
            instructions.append(.jump(0))
            instructions[split] = .split(split + 1, instructions.count)
        }
        if let last = alternatives.last { try emit(last) }
        for jump in jumps { instructions[jump] = .jump(instructions.count) }
    }

    private mutating func emitOptional(_ part: PatternTree) throws(PatternError) {
        let split = instructions.count
        instructions.append(.split(split + 1, split + 1))
        try emit(part)
        instructions[split] = .split(split + 1, instructions.count)
    }

    private mutating func emitLoop(_ part: PatternTree) throws(PatternError) {
        let split = instructions.count
        instructions.append(.split(split + 1, split + 1))
        try emit(part)
        instructions.append(.jump(split))
        instructions[split] = .split(split + 1, instructions.count)
    }
}
