import AgentRuns
import Testing

@Suite("Texts of runs against other bytes") struct TextEqualityTests {
    @Test("are equal where every byte is", arguments: [
        ("", "", true), ("success", "success", true), ("success", "succes", false), ("success", "successs", false), ("a\0b", "a\0c", false),
        ("", "a", false), ("é", "e\u{301}", false),
    ])
    func equality(_ first: String, _ second: String, _ isEqual: Bool) {
        var (a, b) = (AgentRun(), AgentRun())
        // Neither stands at the start of its storage, nor is its end that of the storage.
        _ = b.store("before")
        let (x, y) = (a.store(first), b.store(second))
        _ = a.store("behind")
        #expect(a.text(x, equals: y, of: b) == isEqual)
        #expect(a.text(x, equals: Array(second.utf8)) == isEqual)
        #expect(b.text(y, equals: Array(first.utf8)) == isEqual)
        #expect(a.text(x, equals: "success") == (first == "success"))
    }
}
