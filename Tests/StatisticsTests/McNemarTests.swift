import Statistics
import Testing

@Suite("McNemar's test")
struct McNemarTests {
    private static func random(_ seed: UInt64) -> [McNemar] {
        var numbers = SeededNumbers(seed)
        return (0..<200).compactMap { _ in
            let size = [3, 30, 3_000, 10_000_000][numbers.index(4)]
            return McNemar(
                bothPassed: numbers.index(size), regressions: numbers.index(size), improvements: numbers.index(size),
                bothFailed: numbers.index(size))
        }
    }

    @Test("Exchanging the arms keeps the p-value, mirrors the difference and inverts the odds ratio")
    func symmetry() throws {
        for test in Self.random(11) {
            #expect(test.pValue == test.swapped.pValue)
            guard let there = test.differenceInterval(), let back = test.swapped.differenceInterval() else { continue }
            #expect(abs(there.lower + back.upper) < 1e-15 && abs(there.upper + back.lower) < 1e-15)
            #expect(there.estimate == -back.estimate)
            if let odds = test.oddsRatio, let inverse = test.swapped.oddsRatio { #expect(abs(odds * inverse - 1) < 1e-15) }
        }
    }

    @Test("P-values are in [0, 1], intervals in [-1, 1] around their estimate")
    func ranges() throws {
        for test in Self.random(12) {
            #expect((0...1).contains(test.pValue) && (0...1).contains(test.pValueOfCandidateWorse))
            guard test.total > 0 else { continue }
            let interval = try #require(test.differenceInterval())
            #expect(interval.lower >= -1 && interval.upper <= 1 && interval.contains(interval.estimate))
        }
    }

    @Test("One regression more never makes 'worse' less likely", arguments: [0, 1, 7, 60, 1000])
    func monotone(improvements: Int) throws {
        let pValues = (0..<80).compactMap {
            McNemar(bothPassed: 3, regressions: $0, improvements: improvements, bothFailed: 1)?.pValueOfCandidateWorse
        }
        #expect(pValues.count == 80)
        #expect(zip(pValues, pValues.dropFirst()).allSatisfy { $0 >= $1 })
    }

    @Test("Without a disagreement nothing speaks for a difference, but its interval has a width")
    func noDisagreement() throws {
        let test = try #require(McNemar(bothPassed: 40, regressions: 0, improvements: 0, bothFailed: 10))
        #expect(test.pValue == 1 && test.pValueOfCandidateWorse == 1)
        #expect(test.oddsRatio == nil && test.oddsRatioInterval() == nil)
        let interval = try #require(test.differenceInterval())
        #expect(interval.lower < 0 && interval.upper > 0 && interval.estimate == 0)
    }

    @Test("Without traces there is no interval")
    func empty() throws {
        let test = try #require(McNemar(bothPassed: 0, regressions: 0, improvements: 0, bothFailed: 0))
        #expect(test.pValue == 1)
        #expect(test.differenceInterval() == nil)
    }

    @Test("Huge counts neither overflow nor lose a balanced p-value; a hopeless one is zero")
    func huge() throws {
        let balanced = try #require(
            McNemar(bothPassed: 0, regressions: 10_000_000, improvements: 10_000_000, bothFailed: 0))
        #expect(balanced.pValue == 1)
        // P(X ≥ n) of 2n coins is one half and half the middle term, 1 / √(πn).
        let middle = 1 / (Double.pi * 1e7).squareRoot() * (1 - 1 / 8e7)
        #expect(abs(balanced.pValueOfCandidateWorse - (0.5 + middle / 2)) < 1e-12)
        let hopeless = try #require(McNemar(bothPassed: 0, regressions: 10_000_000, improvements: 0, bothFailed: 0))
        #expect(hopeless.pValue == 0)
        #expect(hopeless.oddsRatio == nil)
        let odds = try #require(hopeless.oddsRatioInterval())
        #expect(odds.lower > 1e6 && odds.upper == .infinity)
    }

    @Test("Impossible counts are refused", arguments: [(-1, 0), (0, -1), (Int.max, 0), (Int.max, Int.max), (1 << 53, 1)])
    func impossible(regressions: Int, improvements: Int) {
        #expect(
            McNemar(bothPassed: 0, regressions: regressions, improvements: improvements, bothFailed: 0) == nil)
    }

    @Test("A confidence outside (0, 1) gives no interval", arguments: [0, 1, -0.5, 95, .nan])
    func confidence(_ confidence: Double) throws {
        let test = try #require(McNemar(bothPassed: 5, regressions: 2, improvements: 1, bothFailed: 2))
        #expect(test.differenceInterval(confidence: confidence) == nil)
        #expect(test.oddsRatioInterval(confidence: confidence) == nil)
    }
}
