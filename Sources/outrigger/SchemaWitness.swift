import AgentRuns
import JSONDocuments
import Releases
import Replay
import ToolGateway

/// Counts the candidate's calls that do not fit their tools' schemas in its release: a gate need not judge them, and a sidecar's
/// tool gateway will refuse them.
struct SchemaWitness {
    private let release: String
    private let schemas: [(name: [UInt8], schema: JSONSchema)]
    private var misfits: [String: (count: Int, first: String)] = [:]

    /// - Parameter release: nil for an arm that names no release file; one whose schemas cannot be used has none here.
    init(_ release: Release?) {
        self.release = release?.version ?? ""
        let tools = release.flatMap { try? ReleaseTools($0) }?.tools ?? [:]
        schemas = tools.compactMap { name, tool in tool.arguments.map { (Array(name.utf8), $0) } }
    }

    mutating func note(_ run: borrowing AgentRun) {
        guard !schemas.isEmpty else { return }
        for call in run.toolCalls {
            // What was turned away unread says nothing of its arguments.
            guard let name = call.name, call.arguments != nil || call.result?.success != false,
                let known = schemas.first(where: { run.storage[name.range].elementsEqual($0.name) }),
                let arguments = try? JSONDocument(parsing: run.canonicalArguments(of: call)),
                let violation = known.schema.validate(arguments, limit: 1).first
            else { continue }
            misfits[String(decoding: known.name, as: UTF8.self), default: (0, "\(violation)")].count += 1
        }
    }

    var notes: [String] {
        misfits.sorted { $0.key < $1.key }.map { tool, found in
            "\(Readable.count(found.count, "call")) of \(tool) \(found.count == 1 ? "does" : "do") not fit its schema in the release \(release), "
                + "so that a sidecar's tool gateway would refuse \(found.count == 1 ? "it" : "them"); the first time: \(found.first)"
        }
    }
}
