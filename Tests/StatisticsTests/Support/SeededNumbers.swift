import Statistics

/// Random numbers of the usual shapes, the same on every run.
struct SeededNumbers {
    private var generator: Xoshiro256

    init(_ seed: UInt64) {
        generator = Xoshiro256(seed: seed)
    }

    /// In the open interval (0, 1).
    mutating func uniform() -> Double {
        (Double(generator.next() >> 12) + 0.5) / 0x1p52
    }

    mutating func normal() -> Double {
        NormalDistribution.quantile(uniform()) ?? 0
    }

    mutating func chance(_ probability: Double) -> Bool {
        uniform() < probability
    }

    mutating func index(_ count: Int) -> Int {
        min(count - 1, Int(uniform() * Double(count)))
    }

    mutating func normals(_ count: Int) -> [Double] {
        (0..<count).map { _ in normal() }
    }
}
