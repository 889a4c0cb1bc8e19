import JSONDocuments
import Testing
@testable import ToolServer

@Suite struct EventStreamTests {
    @Test(
        "the answer is found among other events, in whatever pieces they come",
        arguments: [
            ("data: {\"id\":7,\"result\":1}\n\n", true), ("event: message\r\ndata:{\"id\":7,\"result\":1}\r\n\r\n", true),
            (": ping\n\ndata: {\"method\":\"x\",\"id\":7}\n\ndata: {\"id\":8,\"result\":1}\n\ndata: {\"id\":7,\ndata: \"result\":1}\n\n", true),
            ("data: {\"id\":7,\"result\":1}\n", false), ("data: {\"id\":\"7\",\"result\":1}\n\n", false), ("data: garbage\n\n\n\n\n", false), ("", false),
        ])
    func found(text: String, isFound: Bool) throws {
        for size in [1, 3, 1000] {
            var stream = EventStreamAnswer(.integer(7))
            var bytes = Array(text.utf8)[...]
            while !bytes.isEmpty {
                _ = stream.take(bytes.prefix(size))
                bytes = bytes.dropFirst(size)
            }
            let answer = try stream.answer.map { try JSONDocument(parsing: $0)["result"] }
            #expect(answer == (isFound ? .integer(1) : nil))
        }
    }
}
