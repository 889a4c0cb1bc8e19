import Statistics
import Testing

/// How often decisions are wrong and intervals miss, by simulation.
///
/// Seeds are fixed, so each test gives one number for good; the bounds are four or more standard errors of the simulation
/// wide, so that also another seed would pass.
@Suite("Error rates")
struct ErrorRateTests {
    private func rate(of runs: Int, seed: UInt64, _ event: (inout SeededNumbers) -> Bool) -> Double {
        var numbers = SeededNumbers(seed)
        var events = 0
        for _ in 0..<runs where event(&numbers) { events += 1 }
        return Double(events) / Double(runs)
    }

    private func table(_ numbers: inout SeededNumbers, traces: Int, regress: Double, improve: Double) -> McNemar? {
        var regressions = 0
        var improvements = 0
        for _ in 0..<traces {
            let u = numbers.uniform()
            if u < regress { regressions += 1 } else if u < regress + improve { improvements += 1 }
        }
        let agreed = traces - regressions - improvements
        return McNemar(
            bothPassed: agreed - agreed / 4, regressions: regressions, improvements: improvements, bothFailed: agreed / 4)
    }

    @Test("McNemar's test is wrong at most as often as its level, and sees more of larger effects", .timeLimit(.minutes(10)))
    func mcNemar() {
        func rejected(_ regress: Double) -> Double {
            rate(of: 3000, seed: 41) { table(&$0, traces: 80, regress: regress, improve: 0.1)?.pValue ?? 1 <= 0.05 }
        }
        let (none, small, large) = (rejected(0.1), rejected(0.2), rejected(0.3))
        // 0.05 and four standard errors of 0.004.
        #expect(none <= 0.066)
        #expect(none + 0.1 < small && small + 0.2 < large && large > 0.7)
    }

    @Test("Newcombe's interval covers about what it says", .timeLimit(.minutes(10)), arguments: [0.02, 0.1, 0.25])
    func newcombe(regress: Double) {
        let covered = rate(of: 3000, seed: 42) {
            table(&$0, traces: 100, regress: regress, improve: 0.1)?.differenceInterval()?.contains(0.1 - regress) ?? false
        }
        #expect((0.93...0.985).contains(covered))
    }

    @Test("The exact interval of a proportion never covers less than it says, Wilson's about that", .timeLimit(.minutes(10)))
    func proportion() {
        var missed = (exact: 0, wilson: 0)
        _ = rate(of: 3000, seed: 43) { numbers in
            let passed = (0..<40).count { _ in numbers.chance(0.85) }
            if BinomialInterval.clopperPearson(successes: passed, trials: 40)?.contains(0.85) != true { missed.exact += 1 }
            if BinomialInterval.wilson(successes: passed, trials: 40)?.contains(0.85) != true { missed.wilson += 1 }
            return true
        }
        #expect(missed.exact <= 198)
        #expect((60...240).contains(missed.wilson))
    }

    @Test("The signed-rank test keeps its level, exact and approximate, with ties and without", .timeLimit(.minutes(10)),
        arguments: [20, 60], [false, true])
    func signedRank(count: Int, rounded: Bool) {
        func rejected(_ shift: Double, runs: Int) -> Double {
            rate(of: runs, seed: 44) { numbers in
                let differences = numbers.normals(count).map { rounded ? (2 * ($0 + shift)).rounded() : $0 + shift }
                return WilcoxonSignedRank(differences: differences)?.pValue(.greater) ?? 1 <= 0.05
            }
        }
        let (none, small, large) = (rejected(0, runs: 1500), rejected(0.25, runs: 300), rejected(0.5, runs: 300))
        // Four standard errors of 0.0056 to either side; ties make an exact test only more careful.
        #expect((0.027...0.073).contains(none))
        #expect(none + 0.1 < small && small < large && large > 0.6)
    }

    @Test("The interval of the centre covers what it says", .timeLimit(.minutes(10)), arguments: [15, 60])
    func centre(count: Int) {
        let covered = rate(of: 800, seed: 45) { numbers in
            let differences = numbers.normals(count).map { 3 + $0 }
            return WilcoxonSignedRank(differences: differences)?.centreInterval()?.contains(3) ?? false
        }
        #expect((0.918...0.982).contains(covered))
    }

    /// Skewed as latencies are; each of the candidate is its baseline and `worse`, in milliseconds, with noise.
    private func latencies(_ numbers: inout SeededNumbers, worse: Double) -> (baseline: [Double], candidate: [Double]) {
        var arms: (baseline: [Double], candidate: [Double]) = ([], [])
        for _ in 0..<60 {
            let baseline = 500 + 300 * abs(numbers.normal())
            arms.baseline.append(baseline)
            arms.candidate.append(baseline + worse + 60 * numbers.normal())
        }
        return arms
    }

    @Test(
        "A candidate exactly at the margin is called not worse about as often as the level; a better one more often",
        .timeLimit(.minutes(10)), arguments: [PairedBootstrap.Method.percentile, .bca])
    func nonInferiority(method: PairedBootstrap.Method) throws {
        let rule = try #require(NonInferiority(margin: .absolute(40), direction: .largerIsWorse))
        func passed(_ worse: Double) -> Double {
            rate(of: 500, seed: 46) { numbers in
                let arms = latencies(&numbers, worse: worse)
                let verdict = PairedBootstrap(
                    baseline: arms.baseline, candidate: arms.candidate, statistic: .meanDifference, resamples: 400,
                    seed: 7
                )?.judge(rule, method: method, confidence: 0.9)
                return verdict == .notWorse || verdict == .better
            }
        }
        let (atMargin, within, equal) = (passed(40), passed(25), passed(0))
        // One-sided 5 %, a little more at sixty pairs; the standard error is 0.01.
        #expect((0.015...0.1).contains(atMargin))
        #expect(atMargin + 0.2 < within && within < equal && equal > 0.95)
    }

    @Test("Bootstrap intervals cover about what they say", .timeLimit(.minutes(10)), arguments: [PairedBootstrap.Method.percentile, .bca])
    func bootstrapCoverage(method: PairedBootstrap.Method) {
        let covered = rate(of: 500, seed: 47) { numbers in
            let arms = latencies(&numbers, worse: 20)
            return PairedBootstrap(
                baseline: arms.baseline, candidate: arms.candidate, statistic: .meanDifference, resamples: 500, seed: 8
            )?.interval(method)?.contains(20) ?? false
        }
        #expect((0.89...0.985).contains(covered))
    }
}
