import Glibc
import SidecarConfiguration

/// What a start needs beside a sound configuration: keys and folders that are there.
enum StartConditions {
    /// - Returns: what is missing on this machine, with the remedy; a configuration that is checked elsewhere may be sound all the same.
    static func missing(for configuration: SidecarConfiguration) -> [String] {
        var missing: [String] = []
        for (name, path) in [
            ("rollout.state_file", configuration.stateFile), ("audit.file", configuration.audit?.file), ("runs.file", configuration.runs?.file),
        ] {
            guard let path, let slash = path.lastIndex(of: "/"), slash > path.startIndex else { continue }
            let folder = String(path[..<slash])
            if access(folder, W_OK | X_OK) != 0 {
                missing.append("\(name): the folder \(folder) \(errno == ENOENT ? "does not exist; make it" : "cannot be written")")
            }
        }
        guard let audit = configuration.audit else { return missing }
        do {
            _ = try AuditWriteOptions.configuration(
                audit.file, digestKey: audit.digestKey, signingKey: audit.signingKey, checkpoints: audit.checkpoints)
        } catch {
            missing.append("audit: \(error)")
        }
        return missing
    }
}
