@testable import Statistics

extension ReferenceCase {
    static let wilcoxon: [ReferenceCase] = {
        var numbers = SeededNumbers(6)
        var samples: [[Double]] = [[1], [-2, 1], [3, 3, 3, 3], [0, 0, 1, -1, 2], [0, 5], [1, 2, 3, 4, 5, 6]]
        for count in [3, 6, 9, 13, 14, 27, 50, 51, 120, 400] {
            let shift = numbers.normal() * 0.4
            samples.append(numbers.normals(count).map { $0 + shift })
            // Whole numbers: ties and zeros.
            samples.append(numbers.normals(count).map { (2 * ($0 + shift)).rounded() } + [2])
        }
        return samples.flatMap { differences in [false, true].map { wilcoxon(differences, pratt: $0) } }
    }()

    private static func wilcoxon(_ differences: [Double], pratt: Bool) -> ReferenceCase {
        let test = WilcoxonSignedRank(differences: differences, zeros: pratt ? .pratt : .drop)
        let interval = test?.centreInterval(confidence: 0.9)
        var ours: [String: Double?] = [
            "positive": test?.positiveRankSum, "centre": test?.centre, "lower": interval?.lower, "upper": interval?.upper,
        ]
        let tied = Set(differences.map { abs($0) }).count < differences.count || differences.contains(0)
        let ranked = pratt ? differences.count : differences.filter { $0 != 0 }.count
        for alternative in WilcoxonSignedRank.Alternative.allCases {
            ours["\(alternative)Plain"] = test?.pValue(
                alternative, method: .normalApproximation(continuityCorrection: false))
            ours["\(alternative)Corrected"] = test?.pValue(
                alternative, method: .normalApproximation(continuityCorrection: true))
            // Between 14 and 50 scipy has no exact value where there are ties or zeros.
            if differences.count <= 13 || ranked > 50 || !tied { ours["\(alternative)"] = test?.pValue(alternative) }
        }
        return ReferenceCase(
            check: "wilcoxon",
            input: ["differences": .list(differences), "pratt": .flag(pratt), "confidence": .number(0.9)], ours: ours)
    }

    static let multipleTests: [ReferenceCase] = {
        var numbers = SeededNumbers(7)
        var lists: [[Double]] = [[], [0.03], [0, 1, 0.5, 0], [0.04, 0.04, 0.04]]
        for count in [2, 3, 10, 60] { lists.append((0..<count).map { _ in numbers.uniform() * numbers.uniform() }) }
        return lists.map { p in
            var ours: [String: Double?] = [:]
            for (index, value) in (MultipleTests.holm(p) ?? []).enumerated() { ours["holm\(index)"] = value }
            for (index, value) in (MultipleTests.benjaminiHochberg(p) ?? []).enumerated() { ours["bh\(index)"] = value }
            return ReferenceCase(check: "multipleTests", input: ["p": .list(p)], ours: ours)
        }
    }()

    static let sample: [ReferenceCase] = {
        var numbers = SeededNumbers(8)
        let probabilities = [0, 0.01, 0.25, 0.5, 0.95, 0.99, 1]
        return [1, 2, 3, 21, 1000].map { count in
            let values = numbers.normals(count).map { 1e6 + 100 * $0 }
            var ours: [String: Double?] = [
                "mean": Sample.mean(values), "deviation": Sample.standardDeviation(values),
            ]
            for (index, p) in probabilities.enumerated() { ours["quantile\(index)"] = Sample.quantile(p, of: values) }
            return ReferenceCase(
                check: "sample", input: ["values": .list(values), "probabilities": .list(probabilities)], ours: ours)
        }
    }()

    static let bootstrap: [ReferenceCase] = {
        let statistics: [(String, PairedBootstrap.Statistic, Double)] = [
            ("meanDifference", .meanDifference, 0), ("ratioOfMeans", .ratioOfMeans, 0),
            ("quantileDifference", .quantileDifference(0.95), 0.95), ("ratioOfQuantiles", .ratioOfQuantiles(0.5), 0.5),
            ("quantileDifference", .quantileDifference(0), 0), ("quantileDifference", .quantileDifference(1), 1),
        ]
        return statistics.enumerated().flatMap { index, statistic in
            [2, 7, 40].map { pairs in
                bootstrap(statistic.0, statistic.1, probability: statistic.2, pairs: pairs, seed: UInt64(index * 977 + pairs))
            }
        }
    }()

    private static func bootstrap(
        _ name: String, _ statistic: PairedBootstrap.Statistic, probability: Double, pairs: Int, seed: UInt64
    ) -> ReferenceCase {
        var numbers = SeededNumbers(seed)
        let baseline = numbers.normals(pairs).map { 100 * ($0 * $0 + 1) }
        let candidate = baseline.map { $0 * 1.1 + 10 * numbers.normal() }
        let result = PairedBootstrap(
            baseline: baseline, candidate: candidate, statistic: statistic, resamples: 300, seed: seed)
        let percentile = result?.interval(.percentile, confidence: 0.9)
        let bca = result?.interval(.bca, confidence: 0.9)
        return ReferenceCase(
            check: "bootstrap",
            input: [
                "baseline": .list(baseline), "candidate": .list(candidate), "statistic": .text(name), "resamples": .number(300),
                "probability": .number(probability), "seed": .number(Double(seed)), "confidence": .number(0.9),
            ],
            ours: [
                "estimate": result?.estimate, "first": result?.resampled.first, "last": result?.resampled.last,
                "percentileLower": percentile?.lower, "percentileUpper": percentile?.upper,
                "BCaLower": bca?.lower, "BCaUpper": bca?.upper,
            ])
    }
}
