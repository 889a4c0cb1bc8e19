import Testing
@testable import ToolServer

@Suite struct ToolNameTests {
    private static let longest = String(repeating: "x", count: 128)

    @Test("a name that a tool may have is kept as it is", arguments: ["", "lookup", longest])
    func kept(name: String) { #expect(ToolRoutes.kept(name) == name) }

    @Test(
        "a longer name is kept in part, and never as one that a tool may have",
        arguments: ["x", "é", "€", "😀", "\u{301}"], [1, 100_000])
    func cut(unit: String, count: Int) {
        let kept = ToolRoutes.kept(Self.longest + String(repeating: unit, count: count))
        #expect((129...132).contains(kept.utf8.count))
    }
}
