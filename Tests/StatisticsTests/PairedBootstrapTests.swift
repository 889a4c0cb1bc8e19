import Statistics
import Testing

@Suite("Paired bootstrap")
struct PairedBootstrapTests {
    private static let statistics: [PairedBootstrap.Statistic] = [
        .meanDifference, .ratioOfMeans, .quantileDifference(0.95), .ratioOfQuantiles(0.95),
    ]

    private static func arms(_ count: Int, seed: UInt64) -> (baseline: [Double], candidate: [Double]) {
        var numbers = SeededNumbers(seed)
        let baseline = (0..<count).map { _ in 100 + 20 * abs(numbers.normal()) }
        return (baseline, baseline.map { $0 + 3 * numbers.normal() + 2 })
    }

    @Test("The same seed gives the same resamples, another one others", arguments: statistics)
    func reproducible(statistic: PairedBootstrap.Statistic) throws {
        let arms = Self.arms(30, seed: 31)
        let runs = [1, 1, 2].compactMap {
            PairedBootstrap(
                baseline: arms.baseline, candidate: arms.candidate, statistic: statistic, resamples: 50, seed: $0)
        }
        try #require(runs.count == 3)
        #expect(runs[0].resampled == runs[1].resampled && runs[0].resampled != runs[2].resampled)
    }

    @Test("The generator's first numbers are those of the published program")
    func generator() {
        // SplitMix64 and xoshiro256** of prng.di.unimi.it, seed 0.
        var generator = Xoshiro256(seed: 0)
        let first = (0..<3).map { _ in generator.next() }
        #expect(first == [0x99EC_5F36_CB75_F2B4, 0xBF6E_1F78_4956_452A, 0x1A5F_849D_4933_E6E0])
    }

    @Test("Exchanging the arms mirrors a percentile interval of a difference")
    func symmetry() throws {
        let arms = Self.arms(40, seed: 32)
        let there = try #require(
            PairedBootstrap(
                baseline: arms.baseline, candidate: arms.candidate, statistic: .meanDifference, resamples: 999))
        let back = try #require(
            PairedBootstrap(
                baseline: arms.candidate, candidate: arms.baseline, statistic: .meanDifference, resamples: 999))
        let (interval, mirrored) = try (#require(there.interval(.percentile)), #require(back.interval(.percentile)))
        #expect(abs(interval.lower + mirrored.upper) < 1e-12 && abs(interval.upper + mirrored.lower) < 1e-12)
    }

    @Test("Identical arms give a point at no difference", arguments: statistics, [PairedBootstrap.Method.percentile, .bca])
    func identical(statistic: PairedBootstrap.Statistic, method: PairedBootstrap.Method) throws {
        let arms = Self.arms(25, seed: 33)
        let result = try #require(
            PairedBootstrap(
                baseline: arms.baseline, candidate: arms.baseline, statistic: statistic, resamples: 100))
        let interval = try #require(result.interval(method))
        #expect(interval.lower == interval.estimate && interval.upper == interval.estimate)
        let rule = try #require(NonInferiority(margin: .relative(0.05), direction: .largerIsWorse))
        #expect(result.judge(rule, method: method) == .notWorse)
    }

    @Test("What cannot be compared is refused")
    func refused() {
        func make(_ baseline: [Double], _ candidate: [Double], _ statistic: PairedBootstrap.Statistic) -> PairedBootstrap? {
            PairedBootstrap(baseline: baseline, candidate: candidate, statistic: statistic, resamples: 50)
        }
        for statistic in Self.statistics {
            #expect(make([], [], statistic) == nil)
            #expect(make([1], [2], statistic) == nil)
            #expect(make([1, 2], [2], statistic) == nil)
            #expect(make([1, .nan], [1, 2], statistic) == nil)
            #expect(make([1, 2], [1, .infinity], statistic) == nil)
        }
        #expect(make([1, 2], [1, 2], .quantileDifference(1.5)) == nil)
        #expect(make([1, 2], [1, 2], .quantileDifference(.nan)) == nil)
        #expect(PairedBootstrap(baseline: [1, 2], candidate: [1, 2], statistic: .meanDifference, resamples: 0) == nil)
        // Overflow, and ratios whose baseline is nothing in some resample.
        #expect(make([1e308, 1e308], [1e308, 1e308], .meanDifference) == nil)
        #expect(make([0, 0], [1, 2], .ratioOfMeans) == nil)
        #expect(make([0, 0, 0, 9], [1, 2, 3, 4], .ratioOfMeans) == nil)
        #expect(make([-5, -5], [1, 2], .ratioOfQuantiles(0.5)) == nil)
    }

    @Test("A confidence outside (0, 1) gives no interval and no decision", arguments: [0, 1, 2, -1, .nan])
    func confidence(_ confidence: Double) throws {
        let result = try #require(
            PairedBootstrap(baseline: [1, 2], candidate: [3, 3], statistic: .meanDifference, resamples: 20))
        #expect(result.interval(confidence: confidence) == nil)
        let rule = try #require(NonInferiority(margin: .absolute(9), direction: .largerIsWorse))
        #expect(result.judge(rule, confidence: confidence) == .undecided)
    }

    @Test(
        "Resamples are bounded by the draws they take, down to a thousand",
        arguments: [(10_000, 100, 10_000), (10_000, 100_000, 2000), (10_000, 5_000_000, 1000), (200, 5_000_000, 200)])
    func bounded(wanted: Int, pairs: Int, made: Int) {
        #expect(PairedBootstrap.resamples(wanted, pairs: pairs) == made)
    }

    @Test("A clear change is judged by its direction")
    func judged() throws {
        let arms = Self.arms(60, seed: 34)
        let slower = try #require(
            PairedBootstrap(
                baseline: arms.baseline, candidate: arms.baseline.map { $0 * 1.5 + 1 }, statistic: .ratioOfMeans,
                resamples: 500))
        let latency = try #require(NonInferiority(margin: .relative(0.1), direction: .largerIsWorse))
        let score = try #require(NonInferiority(margin: .relative(0.1), direction: .largerIsBetter))
        #expect(slower.judge(latency) == .worse)
        #expect(slower.judge(score) == .better)
        let absolute = try #require(NonInferiority(margin: .absolute(0.1), direction: .largerIsWorse))
        #expect(slower.judge(absolute) == .undecided)
    }
}
