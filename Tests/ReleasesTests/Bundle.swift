import Foundation
import Releases
import Testing

/// A bundle in a folder that goes with it.
final class Bundle {
    private let url: URL
    var path: String { url.appendingPathComponent("release.yaml").path }
    var folder: String { url.path }

    init(_ files: [String: String]) throws {
        url = FileManager.default.temporaryDirectory.appendingPathComponent("outrigger-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        for (name, text) in files { try write(name, Data(text.utf8)) }
    }

    deinit {
        do { try FileManager.default.removeItem(at: url) } catch { Issue.record(error) }
    }

    func write(_ name: String, _ data: Data) throws {
        let file = url.appendingPathComponent(name)
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try data.write(to: file)
    }

    func link(_ name: String, to target: String) throws {
        try FileManager.default.createSymbolicLink(atPath: url.appendingPathComponent(name).path, withDestinationPath: target)
    }

    func load() throws(ReleaseError) -> Release { try Release.load(path) }

    var refusal: String? {
        do {
            _ = try load()
            return nil
        } catch { return error.description }
    }
}

enum Project {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    static func release(_ name: String) -> String { root.appendingPathComponent("Fixtures/releases/\(name)/release.yaml").path }

    /// What the independent implementation prints for these bundles.
    static func digests(_ paths: [String]) throws -> [String] {
        let process = Process()
        process.executableURL = root.appendingPathComponent(".build-venv/bin/python")
        process.arguments = ["-B", root.appendingPathComponent("Tests/Support/release_digest.py").path] + paths
        let output = Pipe()
        process.standardOutput = output
        let ended = DispatchSemaphore(value: 0)
        process.terminationHandler = { _ in ended.signal() }
        try process.run()
        let data = try output.fileHandleForReading.readToEnd() ?? Data()
        ended.wait()
        #expect(process.terminationStatus == 0)
        return String(decoding: data, as: UTF8.self).split(separator: "\n").map(String.init)
    }
}
