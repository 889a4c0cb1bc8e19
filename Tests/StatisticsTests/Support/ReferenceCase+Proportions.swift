@testable import Statistics

extension ReferenceCase {
    static let normal: [ReferenceCase] = {
        var numbers = SeededNumbers(1)
        let tails = [-37.0, -20, -8.3, -1e-9, 0, 1e-9, 5, 9]
        return (tails + (0..<40).map { _ in numbers.normal() * 3 }).enumerated().map { index, z in
            let p = index < 8 ? [1e-300, 1e-100, 1e-16, 1e-5, 0.5, 0.075, 0.925, 1 - 1e-12][index] : numbers.uniform()
            return ReferenceCase(
                check: "normal", input: ["z": .number(z), "p": .number(p)],
                ours: ["cumulative": NormalDistribution.cumulative(z), "quantile": NormalDistribution.quantile(p)],
                allowance: 0)
        }
    }()

    static let incompleteBeta: [ReferenceCase] = {
        var numbers = SeededNumbers(2)
        var inputs: [(a: Double, b: Double, x: Double, p: Double)] = [
            (1, 1, 0.3, 0.7), (0.5, 0.5, 0.01, 0.001), (1e7, 1e7, 0.5, 0.025), (5e6, 5.01e6, 0.5, 1e-10),
            (1, 1e7, 1e-7, 0.975), (1e7, 1, 1 - 0x1p-23, 0.1), (40, 2, 0.9, 1e-6), (15, 16, 0.5, 0.5), (0.01, 3, 0.2, 0.9),
        ]
        for _ in 0..<60 {
            let a = 20_000 * numbers.uniform() * numbers.uniform() * numbers.uniform() + 0.5
            let b = 20_000 * numbers.uniform() * numbers.uniform() * numbers.uniform() + 0.5
            let spread = (a * b / (a + b + 1)).squareRoot() / (a + b)
            let x = min(0.999, max(0.001, a / (a + b) + 3 * spread * numbers.normal()))
            inputs.append((a, b, x, numbers.uniform()))
        }
        return inputs.map { a, b, x, p in
            let beta = IncompleteBeta(a: a, b: b)
            let tails = beta.tails(at: x)
            return ReferenceCase(
                check: "incompleteBeta", input: ["a": .number(a), "b": .number(b), "x": .number(x), "p": .number(p)],
                ours: [
                    "lower": tails.lower, "upper": tails.upper, "quantile": beta.quantile(lowerTail: p),
                    "upperQuantile": beta.quantile(upperTail: p),
                ], allowance: 1e-300)
        }
    }()

    static let binomialInterval: [ReferenceCase] = {
        var numbers = SeededNumbers(3)
        var inputs = [(0, 1, 0.95), (1, 1, 0.95), (0, 10_000_000, 0.99), (10_000_000, 10_000_000, 0.9), (3, 10_000_000, 0.95)]
        for _ in 0..<60 {
            let n = 1 + numbers.index(2000)
            inputs.append((numbers.index(n + 1), n, [0.8, 0.9, 0.95, 0.999][numbers.index(4)]))
        }
        return inputs.map { k, n, confidence in
            let exact = BinomialInterval.clopperPearson(successes: k, trials: n, confidence: confidence)
            let wilson = BinomialInterval.wilson(successes: k, trials: n, confidence: confidence)
            return ReferenceCase(
                check: "binomialInterval",
                input: ["k": .number(Double(k)), "n": .number(Double(n)), "confidence": .number(confidence)],
                ours: [
                    "exactLower": exact?.lower, "exactUpper": exact?.upper, "wilsonLower": wilson?.lower,
                    "wilsonUpper": wilson?.upper,
                ])
        }
    }()

    static let mcNemar: [ReferenceCase] = {
        var numbers = SeededNumbers(4)
        var inputs = [
            (0, 0, 0, 1), (1, 0, 0, 0), (5, 0, 0, 5), (0, 7, 0, 0), (0, 0, 9, 0), (20, 12, 2, 16), (20, 2, 12, 16),
            (10_000_000, 10_000_000, 9_990_000, 10_000_000), (0, 5_000_000, 5_004_000, 0), (90, 1000, 0, 10),
            (1_000_000, 40_000, 42_000, 0), (0, 6, 6, 0), (2, 0, 1, 53),
        ]
        for _ in 0..<60 {
            let size = [5, 40, 600][numbers.index(3)]
            inputs.append((numbers.index(size), numbers.index(size), numbers.index(size), 1 + numbers.index(size)))
        }
        return inputs.map { a, b, c, d in
            let test = McNemar(bothPassed: a, regressions: b, improvements: c, bothFailed: d)
            let difference = test?.differenceInterval(confidence: 0.95)
            let odds = b == 0 || c == 0 ? nil : test?.oddsRatioInterval(confidence: 0.95)
            return ReferenceCase(
                check: "mcNemar",
                input: [
                    "a": .number(Double(a)), "b": .number(Double(b)), "c": .number(Double(c)), "d": .number(Double(d)),
                    "confidence": .number(0.95),
                ],
                ours: [
                    "pValue": test?.pValue, "worse": test?.pValueOfCandidateWorse, "difference": difference?.estimate,
                    "lower": difference?.lower, "upper": difference?.upper, "oddsLower": odds?.lower,
                    "oddsUpper": odds?.upper,
                ],
                // A p-value of 1e-200 is compared relatively; the ends of an interval may be zero up to rounding.
                allowance: b + c > 100 && abs(b - c) > 50 ? 1e-300 : 1e-13)
        }
    }()

    static let flakiness: [ReferenceCase] = {
        var numbers = SeededNumbers(5)
        return (1...6).map { k in
            let tasks = (0..<12).compactMap { _ in
                let repeats = 2 + numbers.index(7)
                return Flakiness.Task(passed: numbers.index(repeats + 1), repeats: repeats)
            }
            let flakiness = Flakiness(tasks)
            return ReferenceCase(
                check: "flakiness",
                input: [
                    "k": .number(Double(k)), "passed": .list(tasks.map { Double($0.passed) }),
                    "repeats": .list(tasks.map { Double($0.repeats) }),
                ],
                ours: [
                    "all": flakiness.allPass(k)?.value, "any": flakiness.anyPass(k)?.value,
                    "agreement": flakiness.agreement?.value,
                ])
        }
    }()
}
