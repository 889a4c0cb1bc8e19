import Statistics
import Testing

@Suite("Intervals of a proportion")
struct BinomialIntervalTests {
    @Test("Ends are exact where nothing or everything passed")
    func ends() throws {
        for interval in [BinomialInterval.clopperPearson, BinomialInterval.wilson] {
            #expect(try #require(interval(0, 10, 0.95)).lower == 0)
            #expect(try #require(interval(10, 10, 0.95)).upper == 1)
            let (few, rest) = try (#require(interval(3, 10, 0.95)), #require(interval(7, 10, 0.95)))
            #expect(abs(few.lower + rest.upper - 1) < 1e-15 && abs(few.upper + rest.lower - 1) < 1e-15)
        }
    }

    @Test(
        "Impossible counts and confidences give none",
        arguments: [(0, 0, 0.95), (-1, 5, 0.95), (6, 5, 0.95), (1, 5, 0), (1, 5, 1), (1, 5, .nan), (1, Int.max, 0.5)])
    func impossible(successes: Int, trials: Int, confidence: Double) {
        #expect(BinomialInterval.clopperPearson(successes: successes, trials: trials, confidence: confidence) == nil)
        #expect(BinomialInterval.wilson(successes: successes, trials: trials, confidence: confidence) == nil)
    }

    @Test("Confidences next to the limits still end", arguments: [0x1p-60, 1e-9, 1 - 1e-9, 1 - 0x1p-53])
    func extremeConfidence(confidence: Double) throws {
        let exact = try #require(BinomialInterval.clopperPearson(successes: 4, trials: 9, confidence: confidence))
        #expect(exact.contains(exact.estimate) && exact.lower >= 0 && exact.upper <= 1)
        let wilson = try #require(BinomialInterval.wilson(successes: 4, trials: 9, confidence: confidence))
        #expect(wilson.lower <= wilson.upper && wilson.lower >= 0 && wilson.upper <= 1)
    }
}

@Suite("Several tests")
struct MultipleTestsTests {
    @Test("Adjusting keeps order, never lowers a p-value, and Holm is the stricter", arguments: 1...40)
    func properties(count: Int) throws {
        var numbers = SeededNumbers(UInt64(count))
        let pValues = (0..<count).map { _ in numbers.chance(0.2) ? 0.01 : numbers.uniform() }
        let holm = try #require(MultipleTests.holm(pValues))
        let hochberg = try #require(MultipleTests.benjaminiHochberg(pValues))
        for first in pValues.indices {
            #expect(pValues[first] <= hochberg[first] && hochberg[first] <= holm[first] && holm[first] <= 1)
            for second in pValues.indices where pValues[first] <= pValues[second] {
                #expect(holm[first] <= holm[second] && hochberg[first] <= hochberg[second])
            }
        }
    }

    @Test("None stay none; one stays itself")
    func few() {
        #expect(MultipleTests.holm([]) == [] && MultipleTests.benjaminiHochberg([]) == [])
        #expect(MultipleTests.holm([0.2]) == [0.2] && MultipleTests.benjaminiHochberg([0.2]) == [0.2])
    }

    @Test("What is not a p-value is refused", arguments: [-0.01, 1.01, .nan, .infinity])
    func refused(value: Double) {
        #expect(MultipleTests.holm([0.5, value]) == nil && MultipleTests.benjaminiHochberg([value, 0.5]) == nil)
    }
}

@Suite("Flakiness")
struct FlakinessTests {
    private func flakiness(_ counts: [(Int, Int)]) -> Flakiness {
        Flakiness(counts.compactMap { Flakiness.Task(passed: $0.0, repeats: $0.1) })
    }

    @Test("Tasks with too few repeats are counted, not hidden")
    func skipped() throws {
        let rate = try #require(flakiness([(4, 4), (2, 4), (1, 1)]).allPass(2))
        #expect(abs(rate.value - (1 + 1.0 / 6) / 2) < 1e-15)
        #expect(rate.tasks == 2 && rate.skippedTasks == 1)
        #expect(flakiness([(4, 4)]).allPass(5) == nil && flakiness([(4, 4)]).anyPass(5) == nil)
    }

    @Test("More repeats are passed all more rarely, and passed once more often")
    func monotone() {
        let tasks = flakiness([(5, 8), (8, 8), (0, 8), (1, 8), (7, 8)])
        let all = (1...8).compactMap { tasks.allPass($0)?.value }
        let any = (1...8).compactMap { tasks.anyPass($0)?.value }
        #expect(zip(all, all.dropFirst()).allSatisfy { $0 >= $1 } && zip(any, any.dropFirst()).allSatisfy { $0 <= $1 })
        #expect(all.first == any.first && all.last == 0.2 && any.last == 0.8)
    }

    @Test("Mixed results are flaky; one repeat says nothing")
    func flaky() throws {
        let rate = try #require(flakiness([(3, 3), (0, 3), (1, 3), (1, 1)]).flakyRate)
        #expect(abs(rate.value - 1.0 / 3) < 1e-15 && rate.tasks == 3 && rate.skippedTasks == 1)
        #expect(Flakiness.Task(passed: 1, repeats: 2)?.agreement == 0)
        #expect(Flakiness.Task(passed: 3, repeats: 3)?.agreement == 1)
        #expect(Flakiness.Task(passed: 1, repeats: 1)?.agreement == nil)
    }

    @Test("No tasks, no rates; impossible tasks are refused")
    func nothing() {
        let none = flakiness([])
        #expect(none.allPass(1) == nil && none.anyPass(1) == nil && none.flakyRate == nil && none.agreement == nil)
        #expect(flakiness([(1, 1)]).allPass(0) == nil && flakiness([(1, 1)]).anyPass(-1) == nil)
        #expect(flakiness([(0, 0)]).allPass(1) == nil)
        #expect(Flakiness.Task(passed: 2, repeats: 1) == nil && Flakiness.Task(passed: -1, repeats: 1) == nil)
    }
}

@Suite("Samples")
struct SampleTests {
    @Test("Nothing has no mean, and one value no spread")
    func few() {
        #expect(Sample.mean([]) == nil && Sample.quantile(0.5, of: []) == nil)
        #expect(Sample.mean([4]) == 4 && Sample.standardDeviation([4]) == nil && Sample.quantile(0.3, of: [4]) == 4)
        #expect(Sample.standardDeviation([0.1, 0.1, 0.1]) == 0)
    }

    @Test("What is not a finite number has no result", arguments: [Double.nan, .infinity, -.infinity])
    func notFinite(value: Double) {
        #expect(Sample.mean([1, value]) == nil)
        #expect(Sample.standardDeviation([1, value, 2]) == nil)
        #expect(Sample.quantile(0.5, of: [1, value, 2]) == nil)
        #expect(Sample.quantile(value, of: [1, 2]) == nil)
        #expect(NormalDistribution.quantile(value) == nil)
    }

    @Test("The largest numbers have a mean and quantiles, and no standard deviation that could be written")
    func largest() {
        let most = Double.greatestFiniteMagnitude
        #expect(Sample.mean([most, most]) == most)
        #expect(Sample.quantile(0.5, of: [-most, most]) == 0)
        #expect(Sample.standardDeviation([-most, most]) == nil)
    }

    @Test("The normal distribution ends where it should")
    func normal() {
        #expect(NormalDistribution.cumulative(.nan) == nil)
        #expect(NormalDistribution.cumulative(.infinity) == 1 && NormalDistribution.cumulative(-.infinity) == 0)
        #expect(NormalDistribution.quantile(0) == nil && NormalDistribution.quantile(1) == nil)
    }
}
