import Foundation
import Testing
import TraceReading

@testable import Backfill

@Suite struct StateFileTests {
    private let folder: TemporaryFolder
    private let path: String
    private static let header = StateFile.Header(target: "http://c/v1/traces", dataset: "d", role: "baseline", rehash: false)
    private static let stretches = [
        SpanStretch(file: 0, firstIndex: 0, firstSpan: 0, lastIndex: 9, endSpan: 2, checksum: 12_345_678_901),
        SpanStretch(file: 0, firstIndex: 9, firstSpan: 2, lastIndex: 9, endSpan: 7, checksum: 0),
    ]

    init() throws {
        folder = try TemporaryFolder()
        path = folder.path("state")
    }

    private func open(_ header: StateFile.Header = header) throws -> StateFile { try StateFile(path: path, header: header) }

    /// A state with one input and two acknowledged stretches.
    private func writeState() throws {
        let state = try open()
        state.note(file: 0, path: "a.jsonl", startTime: 17, identity: InputFile.Identity(device: 8, inode: 9))
        state.note(Self.stretches)
        #expect(state.finish() == nil)
    }

    /// The configuration error that opening must end in.
    private func openingError(_ header: StateFile.Header = header) -> String {
        let error = #expect(throws: BackfillError.self) { try open(header) }
        #expect(error?.kind == .configuration)
        return error?.message ?? ""
    }

    @Test func aNewFileKnowsNothing() throws {
        #expect(try open().known.isEmpty)
        #expect(try folder.text("state").hasPrefix(#"{"outrigger_backfill_state":1,"#))
    }

    @Test func whatWasNotedIsKnownAfterwards() throws {
        try writeState()
        let known = try open().known
        #expect(Array(known.keys) == ["a.jsonl"])
        let file = try #require(known["a.jsonl"])
        #expect(file.startTime == 17)
        #expect(file.identity == InputFile.Identity(device: 8, inode: 9))
        #expect(file.delivered == Self.stretches)
    }

    /// Numbers are given anew by each backfill, so the same one can mean another path later.
    @Test func numbersMeanThePathThatWasNotedLast() throws {
        try writeState()
        var state: StateFile? = try open()
        state?.note(file: 0, path: "b \"quoted\"\n.jsonl", startTime: nil, identity: nil)
        state?.note([SpanStretch(file: 0, firstIndex: 1, firstSpan: 0, lastIndex: 1, endSpan: 1, checksum: 1)])
        state?.note(file: 1, path: "a.jsonl", startTime: nil, identity: nil)
        state?.note([SpanStretch(file: 1, firstIndex: 10, firstSpan: 0, lastIndex: 11, endSpan: 1, checksum: 2)])
        state = nil
        let known = try open().known
        #expect(known["a.jsonl"]?.delivered.map(\.firstIndex) == [0, 9, 10])
        #expect(known["a.jsonl"]?.startTime == 17, "what is not said again still holds")
        #expect(known["b \"quoted\"\n.jsonl"]?.delivered.map(\.firstIndex) == [1])
    }

    @Test func aReplacedFileStartsAnew() throws {
        try writeState()
        var state: StateFile? = try open()
        state?.noteReplaced(path: "a.jsonl")
        state?.note(file: 0, path: "a.jsonl", startTime: nil, identity: InputFile.Identity(device: 8, inode: 10))
        state = nil
        let file = try #require(try open().known["a.jsonl"])
        #expect(file.delivered.isEmpty)
        #expect(file.startTime == nil)
        #expect(file.identity?.inode == 10)
    }

    /// A kill can tear the last line at any byte.
    @Test func aTornLastLineIsCutOffAndForgotten() throws {
        try writeState()
        let whole = try folder.text("state")
        let lines = whole.split(separator: "\n")
        let lastLine = (lines.last?.utf8.count ?? 0) + 1
        for torn in 1..<lastLine {
            _ = try folder.file("state", String(whole.dropLast(torn)))
            #expect(try open().known["a.jsonl"]?.delivered.isEmpty == true)
            #expect(try folder.text("state") == String(whole.dropLast(lastLine)))
        }
        // What is written next must stand on a line of its own.
        var state: StateFile? = try open()
        state?.note(file: 0, path: "a.jsonl", startTime: nil, identity: nil)
        state?.note(Self.stretches)
        state = nil
        #expect(try open().known["a.jsonl"]?.delivered == Self.stretches)
    }

    @Test func aTornHeaderIsWrittenAnew() throws {
        try writeState()
        let whole = try folder.text("state")
        _ = try folder.file("state", String(whole.prefix(20)))
        #expect(try open().known.isEmpty)
        #expect(try folder.text("state") == whole.prefix { $0 != "\n" } + "\n")
    }

    @Test(
        arguments: [
            "", "garbage", #"{"ack":[[0,1,2]]}"#, #"{"ack":[[7,0,0,1,1,1]]}"#, #"{"ack":[[0,0,0,-1,1,1]]}"#,
            #"{"ack":[[0,0,0,1,1,"#, #"{"ack":5}"#, #"{"file":0}"#, #"{"unknown":1}"#, "[1]",
        ])
    func aDamagedLineInTheMiddleIsNamed(_ line: String) throws {
        try writeState()
        let whole = try folder.text("state")
        _ = try folder.file("state", "\(whole)\(line)\n\(whole.split(separator: "\n")[2])\n")
        #expect(openingError().hasPrefix("\(path):4: "))
    }

    @Test(
        arguments: [
            (StateFile.Header(target: "http://other", dataset: "d", role: "baseline", rehash: false), "not http://other"),
            (StateFile.Header(target: "http://c/v1/traces", dataset: "e", role: "baseline", rehash: false), "dataset is d, not e"),
            (StateFile.Header(target: "http://c/v1/traces", dataset: "d", role: "candidate", rehash: false), "role is baseline"),
            (StateFile.Header(target: "http://c/v1/traces", dataset: "d", role: "baseline", rehash: true), "not made with --rehash"),
        ])
    func anothersStateIsRefusedWithTheDifference(_ header: StateFile.Header, _ difference: String) throws {
        try writeState()
        let before = try folder.text("state")
        #expect(openingError(header).contains(difference))
        #expect(try folder.text("state") == before)
    }

    @Test func aSecondOpenerIsRefused() throws {
        let first = try open()
        #expect(openingError().contains("in use"))
        first.note(file: 0, path: "a", startTime: nil, identity: nil)
        #expect(first.finish() == nil)
    }

    @Test func aRefusedOpeningDoesNotKeepTheFileLocked() throws {
        try writeState()
        var other = Self.header
        other.dataset = "e"
        #expect(openingError(other).contains("belongs to another backfill"))
        #expect(try open().known.count == 1)
    }

    @Test func aFileThatCannotBeOpenedIsNamed() throws {
        let path = folder.path("no/such/folder")
        let error = #expect(throws: BackfillError.self) { try StateFile(path: path, header: Self.header) }
        #expect(error?.message == "cannot open the state file \(path): No such file or directory")
    }

    /// `--state` may name another file by mistake, such as the input: it must be told, and the file left as it is.
    @Test(arguments: ["dear diary", "{\"trace_id\":\"a\"}\n{\"trace_id\":\"b\"}", "{\"trace_id\":\"a\"}\n"])
    func aFileThatIsNoStateIsLeftAlone(_ text: String) throws {
        _ = try folder.file("state", text)
        #expect(openingError().contains("no state of an outrigger backfill"))
        #expect(try folder.text("state") == text)
    }
}
