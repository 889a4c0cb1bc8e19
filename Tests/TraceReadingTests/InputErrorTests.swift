import Foundation
import Testing
import TraceReading

@Suite("Inputs that cannot be read")
struct InputErrorTests {
    @Test("A file that is not there is named, with what to do")
    func missing() throws {
        let error = try #require(throws: InputError.self) { _ = try InputFile(path: "no/such/file.jsonl") }
        #expect(error.path == "no/such/file.jsonl")
        #expect(error.problem == "cannot open: No such file or directory")
        #expect(error.remedy != nil)
        #expect(error.description.hasPrefix("no/such/file.jsonl: cannot open"))
    }

    @Test("A directory is refused, with a pattern for the files in it")
    func directory() throws {
        let path = FileManager.default.temporaryDirectory.path
        let error = try #require(throws: InputError.self) { _ = try InputFile(path: path) }
        #expect(error.problem == "cannot read: Is a directory")
        #expect(error.remedy?.contains("\(path)/*.jsonl") == true)
    }

    @Test("UTF-16 is refused, with the way to UTF-8", arguments: [[0xFF, 0xFE, 0x7B, 0x00], [0xFE, 0xFF, 0x00, 0x7B], [0xFF, 0xFE]] as [[UInt8]])
    func utf16(bytes: [UInt8]) throws {
        let result = try ReadResult(bytes)
        #expect(result.error?.problem == "the file is UTF-16")
        #expect(result.error?.remedy?.contains("iconv") == true)
        #expect(result.lines.isEmpty)
    }

    @Test("A file too short for any mark is text", arguments: ["a", "ab", "abc"])
    func short(text: String) throws {
        #expect(try ReadResult(Array(text.utf8)).texts == [text])
    }

    @Test("Standard input is called by its name")
    func standardInput() {
        #expect(InputError(path: "-", problem: "gone").description == "standard input: gone")
        #expect(InputError(path: "a", problem: "gone", remedy: "look").description == "a: gone (look)")
    }
}
