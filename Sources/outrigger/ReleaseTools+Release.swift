import AgentRuns
import JSONDocuments
import Releases
import SidecarConfiguration
import ToolGateway

extension ReleaseTools {
    /// What the arms' release files say of tools; an arm without a file has no entry.
    ///
    /// - Throws: a file that cannot be read, or a schema in it that cannot be used.
    static func load(_ releases: SidecarConfiguration.Releases) throws -> [RunRole: ReleaseTools] {
        var found: [RunRole: ReleaseTools] = [:]
        found[.baseline] = try releases.baselineFile.map { try ReleaseTools(Release.load($0)) }
        found[.candidate] = try releases.candidateFile.map { try ReleaseTools(Release.load($0)) }
        return found
    }

    init(_ release: Release) throws {
        var tools: [String: Tool] = [:]
        for entry in release.tools {
            let place = "\(entry.source.file):\(entry.source.line)"
            // Which of two schemas a call must fit cannot be known.
            guard tools[entry.name] == nil else { throw UsageError("\(place): the tool \(entry.name) stands twice; keep one of them") }
            var tool = Tool()
            tool.description = entry.description
            if entry.isEffectKnown { tool.effect = entry.effect == .read ? .read : .write }
            if let schema = entry.schema {
                do {
                    let document = try JSONDocument(parsing: schema.json)
                    tool.arguments = try JSONSchema(document)
                    tool.schema = document
                } catch {
                    throw UsageError("\(place): the schema of the tool \(entry.name) cannot be used: \(error); mend it")
                }
            }
            tools[entry.name] = tool
        }
        self.init(version: release.version, allowed: release.allowedTools.map { Set($0.map(\.name)) }, tools: tools)
    }
}
