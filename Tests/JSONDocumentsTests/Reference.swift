import Foundation
import JSONDocuments

func document(_ text: String) throws -> JSONDocument { try JSONDocument(parsing: text) }

/// Runs a script of `Tests/Support`: one process for all cases, since it takes longer to start than to answer them.
enum Reference {
    struct Failure: Error {
        let status: Int32
    }

    private static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    static func answers(
        to cases: [JSONDocument], from script: String = "json_reference.py"
    ) throws -> [JSONDocument] {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("json-\(UUID().uuidString).json")
        try Data(JSONDocument.array(cases).text.utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let process = Process()
        process.executableURL = root.appendingPathComponent(".build-venv/bin/python")
        process.arguments = ["-B", root.appendingPathComponent("Tests/Support/\(script)").path, file.path]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let bytes = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0, case .array(let answers) = try JSONDocument(parsing: Array(bytes)) else {
            throw Failure(status: process.terminationStatus)
        }
        return answers
    }
}
