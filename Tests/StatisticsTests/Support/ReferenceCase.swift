import Foundation
import Testing

/// One input that is computed here and by `statistics_reference.py`.
struct ReferenceCase: Encodable {
    enum Value: Encodable {
        case number(Double)
        case list([Double])
        case flag(Bool)
        case text(String)

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch self {
            case .number(let value): try container.encode(value)
            case .list(let value): try container.encode(value)
            case .flag(let value): try container.encode(value)
            case .text(let value): try container.encode(value)
            }
        }
    }

    private enum CodingKeys: String, CodingKey { case check, input }

    let check: String
    let input: [String: Value]
    /// What we say, by the reference's names.
    let ours: [String: Double?]
    /// What may differ absolutely because inputs of this size are themselves rounded; else only 1e-9 relatively.
    var allowance = 1e-13

    /// Expects our results to be all that the reference has, and equal.
    func expectEqual(to reference: [String: Double?]) {
        // What the reference leaves out is what has no value.
        let valued = ours.compactMapValues(\.self)
        let expected = reference.compactMapValues(\.self)
        #expect(Set(expected.keys) == Set(valued.keys), "\(check) \(input)")
        for (name, expected) in expected {
            guard let value = valued[name] else { continue }
            let tolerance = max(allowance, 1e-9 * abs(expected))
            #expect(abs(value - expected) <= tolerance, "\(check).\(name): \(value), reference \(expected), \(input)")
        }
    }
}

/// Runs the reference: one process for all cases, since it takes longer to import scipy than to answer them.
enum Reference {
    struct Failure: Error {
        let status: Int32
    }

    private static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    static func answers(to cases: [ReferenceCase]) throws -> [[String: Double?]] {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("statistics-\(UUID().uuidString).json")
        try JSONEncoder().encode(cases).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let process = Process()
        process.executableURL = root.appendingPathComponent(".build-venv/bin/python")
        process.arguments = ["-B", root.appendingPathComponent("Tests/Support/statistics_reference.py").path, file.path]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let bytes = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Failure(status: process.terminationStatus) }
        return try JSONDecoder().decode([[String: Double?]].self, from: bytes)
    }
}
