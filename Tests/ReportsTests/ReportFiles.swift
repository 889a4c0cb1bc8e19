import Foundation
import Replay
import Reports
import Testing

/// A directory for one test's reports.
final class ReportFiles {
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent("reports-\(UUID().uuidString)")

    init() throws { try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(at: directory) }

    func path(_ name: String) -> String { directory.appendingPathComponent(name).path }
    func text(_ name: String) throws -> String { String(decoding: try Data(contentsOf: URL(filePath: path(name))), as: UTF8.self) }
    func put(_ text: String, _ name: String) throws -> String {
        try Data(text.utf8).write(to: URL(filePath: path(name)))
        return path(name)
    }
    var names: [String] { (try? FileManager.default.contentsOfDirectory(atPath: directory.path).sorted()) ?? [] }

    /// Writes a report and reads it back.
    func write(_ name: String, _ details: [RunDetail], _ report: ReplayReport, _ make: (String) throws -> any ReportWriter) throws -> String {
        var writer = try make(path(name))
        for detail in details { try writer.write(detail) }
        try writer.finish(report)
        return try text(name)
    }

    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// Runs `Tests/Support/check_reports.py`, which must be content.
    ///
    /// - Returns: what it printed.
    func check(_ kind: String, _ name: String, schema: String? = nil) throws -> String {
        let process = Process()
        process.executableURL = Self.root.appendingPathComponent(".build-venv/bin/python")
        process.arguments = ["-B", Self.root.appendingPathComponent("Tests/Support/check_reports.py").path, kind, path(name)]
            + (schema.map { [Self.root.appendingPathComponent("Fixtures/schemas/\($0)").path] } ?? [])
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let output = String(decoding: try pipe.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "\(kind) \(name): \(output)")
        return output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// What GitHub shows of a Markdown report in cells, items, quotes and summaries.
    func comment(_ name: String) throws -> [String] {
        let output = try check("markdown", name)
        return try #require(try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String])
    }
}

let hostileTexts = [
    "\"quotes' and \\ backslash", "]]><failure/>", "</script><script>alert(1)</script>", "\u{1B}[31mred\u{1B}[0m \u{9B}31m", "a\0b",
    "\u{FFFD}\u{FFFE}\u{FFFF}", "::error title=x::y\n::error::z\r\n%0A", "a|b|`c`|```\n```\n<b>@someone #12 https://evil.example www.evil.example",
    "##[stop-commands]tok ##[error]x é ###[b] [##[", "é##[error]x\u{1}#\u{200B}#[y]",
    "line\nline\r\n\tline\u{2028}line\u{85}", "\u{202E}gnp.exe\u{2066}\u{200B}\u{FEFF}", "--> <!-- ${{ x }} &amp; &#60;", "",
    String(repeating: "<&|`\u{1B}\"é漢👩‍👩‍👧 ", count: 3000),
]
