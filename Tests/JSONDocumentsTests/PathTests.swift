import JSONDocuments
import Testing

struct PathTests {
    static let store = #"{"store":{"book":[{"t":"A","p":8.95,"k":"x"},{"t":"B","p":12.99},{"t":"C","p":8.95,"i":"1"}],"b c":{"d":null}},"e":[0,1,2,3]}"#

    @Test(arguments: [
        ("$", [""]), ("$.e", ["/e"]), ("$['e'][0]", ["/e/0"]), (#"$["store"]["b c"].d"#, ["/store/b c/d"]), ("$.e[-1]", ["/e/3"]),
        ("$.e[9]", []), ("$.e[*]", ["/e/0", "/e/1", "/e/2", "/e/3"]), ("$.*", ["/store", "/e"]), ("$.e[1:3]", ["/e/1", "/e/2"]),
        ("$.e[::-2]", ["/e/3", "/e/1"]), ("$.e[:0]", []), ("$.e[::0]", []), ("$.e[-2:]", ["/e/2", "/e/3"]), ("$.e[5:0:-3]", ["/e/3"]),
        ("$.e[0,0,2:]", ["/e/0", "/e/0", "/e/2", "/e/3"]), ("$..d", ["/store/b c/d"]), ("$..book[0].t", ["/store/book/0/t"]),
        ("$..[?@.p]", ["/store/book/0", "/store/book/1", "/store/book/2"]), ("$..book[?@.p<10 && !@.k]", ["/store/book/2"]),
        ("$..book[?@.p == 8.950]", ["/store/book/0", "/store/book/2"]), ("$..book[?(@.k=='x' || @.t>='C')].t", ["/store/book/0/t", "/store/book/2/t"]),
        ("$..book[?!(@.p<10)].t", ["/store/book/1/t"]), ("$.e[?@ == $.e[2]]", ["/e/2"]), ("$.e[?@.x == @.y]", ["/e/0", "/e/1", "/e/2", "/e/3"]),
        ("$ .store\n['b c'] [ 'd' ]", ["/store/b c/d"]), ("$.store[?@.d == null]", ["/store/b c"]), ("$['\\u0065'][?@>=3]", ["/e/3"]),
    ])
    func finds(text: String, pointers: [String]) throws {
        let path = try JSONPath(text)
        let instance = try document(Self.store)
        let nodes = path.nodes(in: instance)
        #expect(nodes.map { $0.pointer.description } == pointers)
        #expect(nodes.allSatisfy { $0.pointer.resolve(in: instance) == $0.value })
        #expect(path.description == text)
    }

    @Test(arguments: [
        ("", 1), ("e", 1), ("$.", 3), ("$e", 2), ("$ ", 2), ("$.1", 3), ("$[", 3), ("$[]", 3), ("$[01]", 3), ("$[-0]", 3), ("$['a]", 3),
        ("$['\\x']", 4), ("$['\\ud800']", 4), ("$[0", 4), ("$[9007199254740992]", 3), ("$[?@.a==]", 9), ("$[?1]", 5), ("$[?@.* == 1]", 4),
        ("$[?@ == @..a]", 9), ("$[?!@.a == 1]", 4), ("$[?(@.a]", 8), ("$[?length(@) > 1]", 4), ("$[?@.a = 1]", 8), ("$[?@ == 01]", 9),
        ("$. a", 3), ("$.a.", 5), ("$..", 4), ("$[1:2:3:4]", 8),
    ])
    func refusesWhatIsNoQuery(text: String, column: Int) {
        let error = #expect(throws: JSONPathError.self) { try JSONPath(text) }
        #expect(error?.column == column, "\(error?.description ?? "")")
    }

    @Test func isBounded() throws {
        let list = JSONDocument.array((0..<200).map { .integer($0) })
        let finding = try JSONPath("$[*,*,*,*,*,*,*,*,*,*,*][?@ == @]").find(in: list)
        #expect(finding.nodes.isEmpty && !finding.isCut)
        let wide = JSONDocument.array(Array(repeating: list, count: 200))
        #expect(try JSONPath("$[*][*]").find(in: wide).nodes.count == JSONPath.maximumNodes)
        #expect(try JSONPath("$[*][*]").find(in: wide).isCut)
        let endless = try JSONPath("$..[?!@..[?$..[?$..nothing]]]").find(in: wide)
        #expect(endless.nodes.isEmpty && endless.isCut)
        let deep = try document(String(repeating: "[", count: 512) + String(repeating: "]", count: 512))
        #expect(try JSONPath("$..*").nodes(in: deep).count == 511)
        let fromTheRoot = try JSONPath("$..[?$..[?$..[?$..[?$..[?$..[?$..nothing]]]]]]")
        #expect(fromTheRoot.find(in: deep).isCut)
        let nested = "$" + String(repeating: "[?@", count: 40) + String(repeating: "]", count: 40)
        #expect(throws: JSONPathError.self) { try JSONPath(nested) }
    }
}
