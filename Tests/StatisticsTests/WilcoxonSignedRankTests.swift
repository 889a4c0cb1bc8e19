import Statistics
import Testing

@Suite("Wilcoxon's signed-rank test")
struct WilcoxonSignedRankTests {
    /// Of each shape: continuous, with ties and zeros, of both sides of the exact limit.
    private static let samples: [[Double]] = {
        var numbers = SeededNumbers(21)
        return [1, 2, 5, 20, 50, 51, 300].flatMap { count in
            [numbers.normals(count).map { $0 + 0.3 }, numbers.normals(count).map { (2 * $0).rounded() }]
        }
    }()

    @Test("Exchanging the arms exchanges the sides", arguments: samples, [WilcoxonSignedRank.Zeros.drop, .pratt])
    func symmetry(differences: [Double], zeros: WilcoxonSignedRank.Zeros) throws {
        let there = try #require(WilcoxonSignedRank(differences: differences, zeros: zeros))
        let back = try #require(WilcoxonSignedRank(differences: differences.map { -$0 }, zeros: zeros))
        for method in [WilcoxonSignedRank.Method.automatic, .normalApproximation(continuityCorrection: true)] {
            #expect(there.pValue(.twoSided, method: method) == back.pValue(.twoSided, method: method))
            #expect(there.pValue(.greater, method: method) == back.pValue(.less, method: method))
            for alternative in WilcoxonSignedRank.Alternative.allCases {
                #expect((0...1).contains(there.pValue(alternative, method: method)))
            }
        }
        #expect(there.centre == back.centre.map { -$0 })
        #expect(there.centreInterval()?.lower == back.centreInterval().map { -$0.upper })
        #expect(there.rankBiserialCorrelation == back.rankBiserialCorrelation.map { -$0 })
    }

    @Test("No difference left to rank: p is 1 and there is no effect size", arguments: [[], [0], [0, -0.0, 0]])
    func nothing(differences: [Double]) throws {
        for zeros in [WilcoxonSignedRank.Zeros.drop, .pratt] {
            let test = try #require(WilcoxonSignedRank(differences: differences, zeros: zeros))
            #expect(test.pValue() == 1 && test.pValue(.greater) == 1)
            #expect(test.pValue(.less, method: .normalApproximation(continuityCorrection: true)) == 1)
            #expect(test.rankBiserialCorrelation == nil)
            #expect(test.centre == (differences.isEmpty ? nil : 0))
            #expect(test.zeroCount == differences.count)
        }
    }

    @Test("A single difference decides nothing")
    func single() throws {
        let test = try #require(WilcoxonSignedRank(differences: [3]))
        #expect(test.pValue() == 1 && test.pValue(.greater) == 0.5 && test.pValue(.less) == 1)
        #expect(test.centre == 3 && test.centreInterval() == nil)
    }

    @Test("All tied: every magnitude has the mean rank, and the exact value is the sign test's")
    func allTied() throws {
        let test = try #require(WilcoxonSignedRank(differences: [2, 2, 2, 2, 2, 2, -2]))
        #expect(test.positiveRankSum == 24 && test.negativeRankSum == 4)
        #expect(test.pValue(.greater) == 8.0 / 128)
        let interval = try #require(test.centreInterval())
        #expect(interval.estimate == 2 && interval.upper == 2)
    }

    @Test("Fewer than six differences cannot give 95 %", arguments: 1...8)
    func fewDifferences(count: Int) throws {
        let test = try #require(WilcoxonSignedRank(differences: (1...count).map(Double.init)))
        #expect((test.centreInterval() != nil) == (count >= 6))
    }

    @Test("Infinite and NaN differences are refused", arguments: [Double.nan, .infinity, -.infinity])
    func notFinite(value: Double) {
        #expect(WilcoxonSignedRank(differences: [1, value, 2]) == nil)
    }

    @Test("The largest numbers do not overflow")
    func largest() throws {
        let most = Double.greatestFiniteMagnitude
        // Of the six averages three are `most`, two zero, one −`most`.
        let test = try #require(WilcoxonSignedRank(differences: [most, most, -most]))
        #expect(test.centre == most / 2)
        #expect(WilcoxonSignedRank(differences: [most, most])?.centre == most)
    }

    @Test("A hundred thousand differences: the centre is exact, though five billion averages never exist")
    func many() throws {
        // Symmetric about 7, so the median of all averages is 7 whatever their number.
        let test = try #require(WilcoxonSignedRank(differences: (-50_000...50_000).map { 7 + Double($0) / 64 }))
        #expect(test.centre == 7)
        let interval = try #require(test.centreInterval())
        #expect(interval.lower < 7 && 7 < interval.upper && interval.upper - interval.lower < 50)
        #expect(test.pValue() < 0.01)
    }

    @Test("Zeros speak against a difference under Pratt, and are not heard otherwise")
    func zeros() throws {
        let moved = [1.0, 2, 3, 4, 5, 6, 7, 8, -0.5, -0.6]
        let still = moved + [Double](repeating: 0, count: 30)
        let drop = try #require(WilcoxonSignedRank(differences: still))
        #expect(drop.pValue() == WilcoxonSignedRank(differences: moved)?.pValue())
        let pratt = try #require(WilcoxonSignedRank(differences: still, zeros: .pratt))
        #expect(pratt.pValue() > drop.pValue())
    }
}
