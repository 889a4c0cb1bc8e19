import Testing

/// All that has a value elsewhere, checked against scipy 1.17 and numpy, or a second derivation where they have none.
@Suite("Against scipy and numpy")
struct ReferenceTests {
    private static let cases: [String: [ReferenceCase]] = [
        "normal": ReferenceCase.normal, "incompleteBeta": ReferenceCase.incompleteBeta,
        "binomialInterval": ReferenceCase.binomialInterval, "mcNemar": ReferenceCase.mcNemar,
        "wilcoxon": ReferenceCase.wilcoxon, "multipleTests": ReferenceCase.multipleTests,
        "sample": ReferenceCase.sample, "bootstrap": ReferenceCase.bootstrap, "flakiness": ReferenceCase.flakiness,
    ]

    private static let answers = Result {
        let asked = cases.values.flatMap(\.self)
        return Dictionary(grouping: zip(asked, try Reference.answers(to: asked)), by: \.0.check)
    }

    @Test("Values agree to 1e-9", .timeLimit(.minutes(10)), arguments: cases.keys.sorted())
    func agree(check: String) throws {
        let answered = try #require(try Self.answers.get()[check])
        #expect(answered.count == Self.cases[check]?.count)
        for (ours, reference) in answered { ours.expectEqual(to: reference) }
    }
}
